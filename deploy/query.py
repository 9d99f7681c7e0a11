"""`penstock query`: SQL in, bytes out, as the reader and never as the writer."""

import logging
import re
from collections.abc import Iterator
from http.client import IncompleteRead
from io import IOBase
from typing import BinaryIO, cast

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError, Error
from clickhouse_connect.driver.httpclient import HttpClient
from urllib3 import Timeout
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from workers.clickhouse import unanswered

CHUNK = 1 << 16
# Without a word of the server: from the first, and while it is at an answer.
CONNECT_SECONDS, SILENT_SECONDS, ANSWER_SECONDS = 5, 30, 300
# A table stays a table, however wide: whoever wants one line a column asks for Vertical.
PLAIN_TABLES = {"output_format_pretty_row_numbers": 0, "output_format_pretty_fallback_to_vertical": 0}
# ClickHouse has sent 200 and rows when a query fails half-way; then it appends its error after this line.
LATE_ERROR = b"__exception__\r\n"


class QueryFailed(Exception):
    """One line for a person: what is wrong, and where there is something to do, what."""


def query(url: str, sql: str, form: str, out: BinaryIO, *, colour: bool = False) -> None:
    """Write the answer as it comes, in any of ClickHouse's output formats. Raises `QueryFailed`."""
    # The format goes beside the SQL, so that SQL may end in a semicolon or name a format itself.
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # it raises what it logs
    settings = {"default_format": form, "output_format_pretty_color": int(colour), **PLAIN_TABLES}
    try:
        client = cast(
            HttpClient,
            clickhouse_connect.get_client(
                dsn=url,
                autogenerate_session_id=False,
                dedicated_pool=True,
                compress=False,
                connect_timeout=CONNECT_SECONDS,
                send_receive_timeout=SILENT_SECONDS,
            ),
        )
        try:
            client.timeout = Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
            out.writelines(_until_error(_chunks(client.raw_stream(sql, settings=settings))))
            out.flush()
        finally:
            client.close()
    except ClickHouseError as error:
        raise QueryFailed(_one_line(error)) from None


def _chunks(answer: IOBase) -> Iterator[bytes]:
    """What comes, as it comes. An answer that breaks off ends in a late error of ours."""
    try:
        while chunk := answer.read(CHUNK):
            yield chunk
    except (ProtocolError, ReadTimeoutError) as broken:
        cause = broken.args[-1]
        yield cause.partial if isinstance(cause, IncompleteRead) else b""
        yield LATE_ERROR + b"ClickHouse broke off its answer."


def _until_error(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The rows. Raises `QueryFailed` when they end in an error; rows before it were passed on."""
    held = b""
    for chunk in chunks:
        rows, error, text = (held + chunk).partition(LATE_ERROR)
        if error:
            yield rows.removesuffix(b"\r\n")
            raise QueryFailed(_tidy((text + b"".join(chunks)).partition(LATE_ERROR)[0].decode(errors="replace")))
        held = rows[-len(LATE_ERROR) :]
        yield rows[: len(rows) - len(held)]
    yield held


def _one_line(error: ClickHouseError) -> str:
    text = str(error)
    if isinstance(error, Error) and error.code is None and "Code:" not in text:
        return _without_password(f"ClickHouse does not answer: {unanswered(text) or ' '.join(text.split())}.")
    return _without_password(_tidy(text))


def _tidy(text: str) -> str:
    """`Code: 60. DB::Exception: Unknown table …. (UNKNOWN_TABLE)`: no preamble, no version, no stack trace."""
    text = text[max(text.find("Code:"), 0) :].partition("Stack trace")[0]
    text = re.sub(r"\s*\(version [^)]*(\(official build\))?\).*", "", text, flags=re.DOTALL)
    return " ".join(text.split())


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//", text)
