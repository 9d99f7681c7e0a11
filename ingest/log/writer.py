"""Group commit into a SQLite file: requests that arrive while a transaction runs share the next one and its one fsync.

One thread does all that is done with the file, so nothing in it has to wait for a lock of our own.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import structlog

from ingest.errors import Unavailable
from ingest.log import Done
from ingest.log.file import Batch, LogFile
from ingest.log.groups import Encoded, Groups
from schemas.settings import BadSettings

PENDING_BYTES = 64 * 1024 * 1024
GROUP_RECORDS = 4096
UNREACHABLE_AFTER_ERROR = 5.0

T = TypeVar("T")

log = structlog.get_logger()


class Writer:
    """write: put a batch into the file, within the transaction that is open. append_timeout: s."""

    def __init__(
        self,
        file: LogFile,
        write: Callable[[sqlite3.Connection, Batch], None],
        *,
        append_timeout: float,
        pending_bytes: int = PENDING_BYTES,
    ) -> None:
        self._file = file
        self._write = write
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=file.path.stem)
        self._loop = asyncio.get_running_loop()
        self._failed_at = self._told_at = -UNREACHABLE_AFTER_ERROR
        self.groups = Groups(
            1, make=list, add=_add, send=self._send, timeout=append_timeout, pending_limit=pending_bytes
        )

    async def open(self) -> None:
        """Raises `BadSettings` if the file cannot be opened or is not ours."""
        try:
            await self._in_thread(self._file.open)
        except (sqlite3.Error, OSError) as error:
            self._thread.shutdown()
            reason = f"{self._file.setting}: {self._file.path} cannot be opened: {error}."
            raise BadSettings(reason) from error

    async def close(self) -> None:
        """Write what was taken, then let go of the file."""
        await self.groups.close()
        await self._in_thread(self._file.close)  # behind a transaction that still runs
        self.groups.abandon()
        self._thread.shutdown()

    def reachable(self) -> bool:
        # Not false for ever after an error: whoever is told so stops appending, and only an append can tell again.
        failed_lately = self._loop.time() < self._failed_at + UNREACHABLE_AFTER_ERROR
        return not failed_lately and not self.groups.overdue

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, done in a transaction of its own between those of the groups. Raises `Unavailable`."""
        return await self._done(partial(self._transact, work))

    async def compact(self) -> None:
        """See `LogFile.compact`. Raises `Unavailable`."""
        await self._done(self._file.compact)

    async def _done(self, work: Callable[[], T]) -> T:
        try:
            done: T = await self._in_thread(work)
        except (sqlite3.Error, OSError, BadSettings) as error:
            raise Unavailable(self._failed(error)) from error
        return done

    def _send(self, _lane: int, batch: Batch, _deadline: float, done: Done) -> None:
        work = partial(self._transact, lambda connection: self._write(connection, batch))
        self._in_thread(work).add_done_callback(partial(self._sent, done))

    def _sent(self, done: Done, work: asyncio.Future[None]) -> None:
        error = work.exception()
        done("" if error is None else self._failed(error))

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._file.transaction() as connection:
            return work(connection)

    def _failed(self, error: BaseException) -> str:
        """The reason for who waits."""
        now = self._loop.time()
        if now >= self._told_at + 1.0:  # every group of a full disk fails, and clients try again
            log.warning("file_failed", path=str(self._file.path), error=repr(error))
            self._told_at = now
        self._failed_at = now
        return f"the {self._file.path.stem} could not be written"

    def _in_thread(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        return self._loop.run_in_executor(self._thread, work)


def _add(batch: Batch, records: Sequence[Encoded]) -> int:
    room = GROUP_RECORDS - len(batch)
    batch += [(key, value) for key, value, _ in records[:room]]
    return min(room, len(records))
