"""The embedded log: one SQLite file; a 200 means that the message is fsynced to disk.

Requests that arrive while a transaction runs share the next one and its one fsync (`groups.py`). One thread
writes. After an error of the file the connection is closed, and the next group opens another: a disk that was
full, or a lock that somebody held, is got over without a restart.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from ingest.errors import Unavailable
from ingest.log.groups import Groups
from ingest.log.retention import Retention
from schemas.messages import Message
from schemas.settings import BadSettings

PENDING_BYTES = 64 * 1024 * 1024
GROUP_RECORDS = 4096
APPLICATION_ID = 1349415796
LAYOUT = 1
RETENTION = 7 * 86_400.0
UNREACHABLE_AFTER_ERROR = 5.0

Batch = list[tuple[bytes, bytes]]

log = structlog.get_logger()


class SqliteLog:
    """Entering makes the file if it is missing, and raises `BadSettings` if it cannot be opened or is not ours.

    retention: s; older records are deleted as new ones come, once the worker has taken them: `positions.db` beside the
        log says how far it is.
    clock: s since 1970, the append time.
    """

    def __init__(
        self,
        path: Path,
        *,
        append_timeout: float = 5.0,
        retention: float = RETENTION,
        pending_bytes: int = PENDING_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._timeout = append_timeout
        self._retention = Retention(path.with_name("positions.db"), int(retention * 1000))
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="embedded-log")
        self._loop = asyncio.get_running_loop()
        self._failed_at = self._told_at = -UNREACHABLE_AFTER_ERROR
        self._groups = Groups(
            1, make=list, add=_add, send=self._send, timeout=append_timeout, pending_limit=pending_bytes
        )

    def append(self, messages: Sequence[Message]) -> Coroutine[Any, Any, None]:
        return self._groups.append(messages)

    def reachable(self) -> bool:
        # Not false for ever after an error: whoever is told so stops appending, and only an append can tell again.
        failed_lately = self._loop.time() < self._failed_at + UNREACHABLE_AFTER_ERROR
        return not failed_lately and not self._groups.overdue

    async def __aenter__(self) -> Self:
        try:
            self._connection = await self._in_thread(open_log, self._path, self._timeout)
        except (sqlite3.Error, OSError) as error:
            self._writer.shutdown()
            raise BadSettings(f"PENSTOCK_DATA: the log {self._path} cannot be opened: {error}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._groups.close()
        await self._in_thread(self._disconnect)  # behind a transaction that still runs
        await self._groups.abandon()
        self._writer.shutdown()

    async def _send(self, _lane: int, batch: Batch, _deadline: float) -> None:
        try:
            await self._in_thread(self._write, batch)
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            raise Unavailable("the log could not be written") from error

    def _failed(self, error: Exception) -> None:
        now = self._loop.time()
        if now >= self._told_at + 1.0:  # every group of a full disk fails, and clients try again
            log.warning("embedded_log_failed", path=str(self._path), error=repr(error))
            self._told_at = now
        self._failed_at = now

    def _in_thread(self, work: Callable[..., Any], *args: object) -> asyncio.Future[Any]:
        return self._loop.run_in_executor(self._writer, work, *args)

    def _write(self, batch: Batch) -> None:
        if self._connection is None:
            self._connection = open_log(self._path, self._timeout)
        try:
            self._insert(self._connection, batch)
        except sqlite3.Error:
            self._disconnect()  # which rolls back
            raise

    def _insert(self, connection: sqlite3.Connection, batch: Batch) -> None:
        connection.execute("BEGIN IMMEDIATE")
        newest = connection.execute("SELECT at FROM records ORDER BY offset DESC LIMIT 1").fetchone()
        now = int(self._clock() * 1000)
        at = max(now, newest[0]) if newest else now
        connection.executemany(
            "INSERT INTO records (at, key, value) VALUES (?, ?, ?)", [(at, key, value) for key, value in batch]
        )
        self._retention.expire(connection, now, 2 * len(batch))  # twice what was added: it catches up
        connection.execute("COMMIT")

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def open_log(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection to the log, which is made if it is missing. Raises `BadSettings` if the file is not ours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")  # 16 MiB: fewer, larger copies into the file
    connection.execute("BEGIN IMMEDIATE")  # two processes may come here at once
    if _value(connection, "SELECT count(*) FROM sqlite_schema") == 0:
        for statement in _statements(files("schemas").joinpath("embedded_log.sql").read_text()):
            connection.execute(statement)
    connection.execute("COMMIT")
    if _value(connection, "PRAGMA application_id") != APPLICATION_ID:
        raise BadSettings(f"PENSTOCK_DATA: {path} is a database of something else.")
    if _value(connection, "PRAGMA user_version") != LAYOUT:
        raise BadSettings(f"PENSTOCK_DATA: {path} was written by another version of Penstock.")


def _statements(script: str) -> list[str]:
    # executescript would commit before it begins.
    return [statement for statement in script.split(";\n") if statement.strip()]


def _value(connection: sqlite3.Connection, query: str) -> int:
    value: int = connection.execute(query).fetchone()[0]
    return value


def _add(batch: Batch, key: bytes, value: bytes) -> bool:
    if len(batch) >= GROUP_RECORDS:
        return False
    batch.append((key, value))
    return True
