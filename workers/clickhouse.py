"""A client for a ClickHouse address: the one place that makes them."""

import re

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error

MEMORY_LIMIT_EXCEEDED = 241

# The codes of a server that was reached and says nothing about the rows: it is starting, full, busy or stopping.
PASSING = frozenset(
    {
        75,  # CANNOT_WRITE_TO_FILE_DESCRIPTOR
        76,  # CANNOT_OPEN_FILE: it may not have more open
        159,  # TIMEOUT_EXCEEDED
        164,  # READONLY
        173,  # CANNOT_ALLOCATE_MEMORY
        201,  # QUOTA_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        236,  # ABORTED
        MEMORY_LIMIT_EXCEEDED,
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        285,  # TOO_FEW_LIVE_REPLICAS
        298,  # CANNOT_PIPE: as 76
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        425,  # SYSTEM_ERROR
        439,  # CANNOT_SCHEDULE_TASK: there are no more threads
        460,  # CANNOT_CREATE_TIMER: as 76
        473,  # DEADLOCK_AVOIDED
        573,  # EPOLL_ERROR: as 76
        999,  # KEEPER_EXCEPTION
    }
)


_LET_IN = "let the user of PENSTOCK_CLICKHOUSE in again, or start with an address that is right"
# The server was reached and does not let us do it, or what we need is not there; and what to do. Somebody mends that
# while we wait, and nobody has to start us again.
BARRED = {
    60: "bring the table back, penstock check tells all that are missing",  # UNKNOWN_TABLE
    81: "bring the database back, or make it anew: penstock migrate, then penstock replay",  # UNKNOWN_DATABASE
    192: _LET_IN,  # UNKNOWN_USER
    193: _LET_IN,  # WRONG_PASSWORD
    194: _LET_IN,  # REQUIRED_PASSWORD
    195: _LET_IN,  # IP_ADDRESS_NOT_ALLOWED
    497: "grant it to the user of PENSTOCK_CLICKHOUSE",  # ACCESS_DENIED
    516: _LET_IN,  # AUTHENTICATION_FAILED
}


# The server was reached and refuses these very rows; a test provokes each. Any other answer, a missing table or a full
# disk, says nothing about the rows and must never bury them.
REJECTIONS = frozenset(
    {
        25,  # CANNOT_PARSE_ESCAPE_SEQUENCE: half a surrogate pair
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        70,  # CANNOT_CONVERT_TYPE: a time that is "nan"
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA: a field that no column takes, or one twice
        130,  # CANNOT_READ_ARRAY_FROM_TEXT
        469,  # VIOLATED_CONSTRAINT: those of `messages`
    }
)


# s without a word of the server, after which a call is given up. The largest batch takes a server of two cores 1.5 s,
# and some more where there are too many parts. Too short would repeat an insert that is still being worked on:
# harmless, but a slow server would get ever slower. Too long, and one that vanished holds the rows up for as long.
PATIENCE = 60.0

# The client lets the server put each answer together before it is sent, in a file by default: if there is no room for
# it, half of the answer comes, or nothing of it, as a success. In memory, up to so many bytes, an answer is whole.
ANSWER_BYTES = 1 << 30


class Away(Exception):
    """ClickHouse could not be reached, or cannot take anything just now. The same call may succeed later."""


class Busy(Away):
    """It was reached, and is starting, full, busy or stopping."""


class Short(Busy):
    """It has not the memory for as much at once: less of it may succeed now, all of it later."""


class Failed(Exception):
    """ClickHouse was reached and refuses. The same call will be refused again until somebody mends the cause."""


class Barred(Failed):
    """It does not let us, whatever the rows are. The text says what to do, after which the same call succeeds."""


class Refused(Failed):
    """It refuses these very rows."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def connect(url: str, patience: float = PATIENCE) -> Client:
    """A client for `http[s]://user:password@host:port/database`. Raises `Away` or `Failed`.

    patience: s without a word of it, after which a call is given up. However long that is for what takes its time, a
    server that says nothing from the first is given up after `PATIENCE`.
    """
    if patience > PATIENCE:
        connect(url, PATIENCE).close()
    try:
        return clickhouse_connect.get_client(
            dsn=url,
            autogenerate_session_id=False,
            dedicated_pool=True,
            connect_timeout=min(5.0, patience),
            send_receive_timeout=patience,
            settings={"buffer_size": ANSWER_BYTES},
        )
    except ClickHouseError as error:
        raise translated(error) from None
    except (TypeError, ValueError):  # whose text may hold the password
        raise Failed("The address of ClickHouse cannot be used: give http://user:password@host:8123/database") from None


def translated(error: ClickHouseError) -> Away | Failed:
    """Their error as one of ours, without the address, which holds a password."""
    code = error.code if isinstance(error, Error) else None
    text = _text(str(error))
    if code == MEMORY_LIMIT_EXCEEDED:
        return Short(text)
    if code is None:
        return Away(text)
    if code in PASSING:
        return Busy(text)
    if code in BARRED:
        return Barred(f"{text}: {BARRED[code]}")
    if code in REJECTIONS:
        return Refused(text, code)
    return Failed(text)


def unanswered(said: str) -> str:
    """Why there was no answer, of what the libraries say of it; empty if they say something else."""
    if silence := re.search(r"\(read timeout=(\d+)", said):
        return f"not a word for {silence[1]} s"
    reason = re.search(r"(?:\[Errno -?\d+\] |Error\(\d+, '|Disconnected\(')([^\"')]+)", said)
    return reason[1] if reason else ""


def _text(said: str) -> str:
    """`Code: 117. DB::Exception: …`, one line: no preamble, no stack trace, no address."""
    if "Code:" not in said and (reason := unanswered(said)):
        return f"ClickHouse does not answer: {reason}"
    said = said[max(said.find("Code:"), 0) :].partition("Stack trace")[0].partition("(for url")[0]
    return " ".join(said.split())
