"""Reads the embedded log: the edge's file, and the positions in a file of our own.

Positions are apart so that a commit never waits for the edge's writer, nor the edge for us. They are kept by
generation: if somebody puts a new log in the place of the old one, it is read from its beginning, by the next start.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import structlog

from schemas.settings import BadSettings
from workers.log import LogReplaced, Polled
from workers.log.sqlite_files import MEND_LOG, MEND_POSITIONS, connect, generation, number, whole
from workers.log.sqlite_places import END

PAUSE = 0.05
TELL_AGAIN = 10.0  # s
READ_BYTES = 8 * 1024 * 1024  # at a time, of values: a few thousand of the largest records would fill the memory
POSITIONS = files("schemas").joinpath("embedded_positions.sql")

log = structlog.get_logger()


class StoredRecord(NamedTuple):
    offset: int
    timestamp: int
    key: bytes
    value: bytes

    @property
    def headers(self) -> tuple[()]:
        """Kafka has them."""
        return ()


class SqliteReader:
    """The only member of its group: partition 0 is always its own, and the epoch changes when it is rewound alone.

    While the log does not exist, or cannot be asked, there is nothing to poll. Raises `LogBroken` when a file is
    damaged, and `BadSettings` when it is an older copy of itself: its offsets would be given a second time.
    """

    def __init__(self, log_path: Path, positions_path: Path) -> None:
        self._log_path = log_path
        self._positions_path = positions_path
        self._log: sqlite3.Connection | None = None
        self._positions: sqlite3.Connection | None = None
        self._generation = ""
        self._file = 0  # its number: another file of that name has another
        self._last = self._committed = 0
        self._epoch = 0
        self._told_at = -TELL_AGAIN
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedded-log-reader")

    @property
    def generation(self) -> str:
        """Empty until the log exists."""
        return self._generation

    async def __aenter__(self) -> Self:
        await self._tried(self._open)
        self._told_at = asyncio.get_running_loop().time()  # an edge that starts beside it has a moment
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def poll(self, limit: int, wait: float) -> Polled:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while True:
            records: list[StoredRecord] = await self._tried(self._read, limit) or []
            if records:
                self._last = records[-1].offset
                return Polled({0: records}, self._epoch)
            if not self._file:
                self._tell("there is none yet: an edge makes it, in the folder that PENSTOCK_DATA names")
            left = deadline - loop.time()
            if left <= 0:
                return Polled({}, self._epoch)
            await asyncio.sleep(min(PAUSE, left))

    async def commit(self, polled: Polled) -> None:
        for records in polled.records.values():
            if records and polled.epoch == self._epoch:
                await self._tried(self._write_position, records[-1].offset)

    async def rewind(self) -> None:
        self._epoch += 1
        self._last = self._committed

    async def keep_alive(self) -> None:
        await asyncio.sleep(PAUSE)

    async def _tried(self, work: Callable[..., Any], *args: object) -> Any:
        """What it returns; None, and a warning, if it may succeed another time: a full disk, somebody else's lock."""
        try:
            return await self._in_thread(work, *args)
        except sqlite3.OperationalError as error:
            self._tell(str(error))
        return None

    def _tell(self, reason: str) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._told_at + TELL_AGAIN:
            log.warning("embedded_log_away", path=str(self._log_path), error=reason)
            self._told_at = now

    def _in_thread(self, work: Callable[..., Any], *args: object) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _open(self) -> None:
        try:
            self._open_both()
        except BaseException:  # the next try begins anew
            self._close()
            raise

    def _open_both(self) -> None:
        file = number(self._log_path)
        with whole(self._log_path, MEND_LOG):
            found = generation(self._log_path) if file else ""
        if not found:
            return
        with whole(self._positions_path, MEND_POSITIONS):
            self._last = self._committed = self._open_positions(found)
        self._log = connect(self._log_path)
        self._log.execute("PRAGMA query_only = 1")
        if self._last >= self._log.execute(END).fetchone()[0]:
            raise BadSettings(
                f"PENSTOCK_DATA: the worker has taken {self._last} records of {self._log_path}, which never had so"
                " many: it is an older copy. Put the newer one back, or move it away: all that it held was taken."
            )
        self._generation, self._file = found, file

    def _open_positions(self, generation: str) -> int:
        """The last offset that was taken, or 0."""
        self._positions = connect(self._positions_path)
        self._positions.execute("PRAGMA journal_mode = WAL")
        self._positions.execute("PRAGMA synchronous = NORMAL")  # one lost in a power cut repeats work, no more
        self._positions.execute(POSITIONS.read_text())
        asked = "SELECT offset FROM positions WHERE generation = ?"
        found = self._positions.execute(asked, (generation,)).fetchone()
        return found[0] if found else 0

    def _read(self, limit: int) -> list[StoredRecord]:
        if self._log is None:
            self._open()
        if self._log is None:
            return []
        if number(self._log_path) not in (0, self._file):
            raise LogReplaced(f"another file was put in the place of {self._log_path}")
        reading = "SELECT offset, at, key, value FROM records WHERE offset > ? ORDER BY offset LIMIT ?"
        found, size = [], 0
        # closed: else the edge could not begin its journal anew
        with whole(self._log_path, MEND_LOG), closing(self._log.cursor()) as rows:
            for row in map(StoredRecord._make, rows.execute(reading, (self._last, limit))):
                found.append(row)
                size += len(row.value)
                if size >= READ_BYTES:
                    break
        return found

    def _write_position(self, offset: int) -> None:
        if self._positions is not None:  # else nothing was polled
            with whole(self._positions_path, MEND_POSITIONS):
                self._positions.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (self._generation, offset))
            self._committed = offset

    def _close(self) -> None:
        for connection in (self._log, self._positions):
            if connection is not None:
                connection.close()
        self._log = self._positions = None
