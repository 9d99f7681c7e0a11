"""The embedded log: one SQLite file; a 200 means that the message is fsynced to disk."""

import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ingest.log import Done
from ingest.log.file import Batch, LogFile, insert
from ingest.log.retention import Retention
from ingest.log.writer import PENDING_BYTES, Writer
from schemas import failpoints
from schemas.messages import Message, Written
from schemas.settings import BadSettings
from schemas.topics import EMBEDDED_RETENTION

RETENTION = EMBEDDED_RETENTION / 1000
SETTING = "PENSTOCK_DATA"


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
        self._retention = Retention(path.with_name("positions.db"), int(retention * 1000))
        self._clock = clock
        self._file = LogFile(path, setting=SETTING, timeout=append_timeout)
        self._writer = Writer(self._file, self._write, append_timeout=append_timeout, pending_bytes=pending_bytes)

    def append(self, messages: Sequence[Message]) -> Coroutine[Any, Any, None]:
        return self._writer.groups.append(messages)

    def append_then(self, messages: Sequence[Message | Written], done: Done) -> None:
        self._writer.groups.append_then(messages, done)

    def reachable(self) -> bool:
        return self._writer.reachable()

    async def __aenter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSettings(f"{SETTING}: {self._path.parent} cannot be made: {error}.") from error
        await self._writer.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._writer.close()

    def _write(self, connection: sqlite3.Connection, batch: Batch) -> None:
        now = int(self._clock() * 1000)
        self._file.check_name()
        insert(connection, batch, now)
        self._retention.expire(connection, now, 2 * len(batch))  # twice what was added: it catches up
        failpoints.reach("log.write")
