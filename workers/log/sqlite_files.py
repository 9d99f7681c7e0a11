"""The two files of the embedded log, as they are opened, and what to do when one is damaged."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from workers.log import LogBroken

BUSY_TIMEOUT = 5.0
MEND_LOG = (
    "Put a copy of it back, or save what can be read (sqlite3 log.db .recover); else stop everything and move it away"
    " with all files whose names begin alike: a new one is made."
)
MEND_POSITIONS = "Remove it: what the log still holds is read again, without a visible effect."


@contextmanager
def whole(path: Path, mend: str) -> Iterator[None]:
    """Raises `LogBroken` if the file is no database any more; passes on what may succeed another time."""
    try:
        yield
    except sqlite3.OperationalError:  # a full disk, somebody else's lock
        raise
    except sqlite3.DatabaseError as error:
        raise LogBroken(f"{path} is damaged: {error}. {mend}") from error


def number(path: Path) -> int:
    """Of the file; 0 if there is none. Raises `LogBroken` if nobody may look."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise LogBroken(f"{path} cannot be looked at: {error.strerror}. Is PENSTOCK_DATA this user's?") from None


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)


def generation(path: Path) -> str:
    """The log's id, or nothing if the edge has not made it whole yet."""
    with closing(connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'generation'").fetchone():
            return ""
        id: str = connection.execute("SELECT id FROM generation").fetchone()[0]
        return id
