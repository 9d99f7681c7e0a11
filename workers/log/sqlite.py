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

from schemas.settings import BadSettings
from workers.log import LogReplaced, Polled
from workers.log.sqlite_places import END

PAUSE = 0.05
BUSY_TIMEOUT = 5.0
READ_BYTES = 8 * 1024 * 1024  # at a time, of values: a few thousand of the largest records would fill the memory
POSITIONS = files("schemas").joinpath("embedded_positions.sql")


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

    While the log does not exist, there is nothing to poll. Raises `sqlite3.Error` when a file cannot be read, and
    `BadSettings` when it is an older copy of itself: its offsets would be given a second time.
    """

    def __init__(self, log_path: Path, positions_path: Path) -> None:
        self._log_path = log_path
        self._positions_path = positions_path
        self._log: sqlite3.Connection | None = None
        self._positions: sqlite3.Connection | None = None
        self._generation = ""
        self._file = 0  # its number: another file of that name has another
        self._last = 0
        self._epoch = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedded-log-reader")

    @property
    def generation(self) -> str:
        """Empty until the log exists."""
        return self._generation

    async def __aenter__(self) -> Self:
        await self._in_thread(self._open)
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
            records: list[StoredRecord] = await self._in_thread(self._read, limit)
            if records:
                self._last = records[-1].offset
                return Polled({0: records}, self._epoch)
            left = deadline - loop.time()
            if left <= 0:
                return Polled({}, self._epoch)
            await asyncio.sleep(min(PAUSE, left))

    async def commit(self, polled: Polled) -> None:
        for records in polled.records.values():
            if records and polled.epoch == self._epoch:
                await self._in_thread(self._write_position, records[-1].offset)

    async def rewind(self) -> None:
        self._epoch += 1
        self._last = await self._in_thread(self._position)

    async def keep_alive(self) -> None:
        await asyncio.sleep(PAUSE)

    def _in_thread(self, work: Callable[..., Any], *args: object) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _open(self) -> None:
        file = _number(self._log_path)
        generation = _generation(self._log_path) if file else ""
        if not generation:
            return
        self._positions = _connect(self._positions_path)
        self._positions.execute("PRAGMA journal_mode = WAL")
        self._positions.execute("PRAGMA synchronous = NORMAL")  # one lost in a power cut repeats work, no more
        self._positions.execute(POSITIONS.read_text())
        self._generation, self._file = generation, file
        self._last = self._position()
        self._log = _connect(self._log_path)
        self._log.execute("PRAGMA query_only = 1")
        if self._last >= self._log.execute(END).fetchone()[0]:
            raise BadSettings(
                f"PENSTOCK_DATA: the worker has taken {self._last} records of {self._log_path}, which never had so"
                " many: it is an older copy. Put the newer one back, or move it away: all that it held was taken."
            )

    def _read(self, limit: int) -> list[StoredRecord]:
        if self._log is None:
            self._open()
        if self._log is None:
            return []
        if _number(self._log_path) not in (0, self._file):
            raise LogReplaced(f"another file was put in the place of {self._log_path}")
        reading = "SELECT offset, at, key, value FROM records WHERE offset > ? ORDER BY offset LIMIT ?"
        found, size = [], 0
        with closing(self._log.cursor()) as rows:  # closed: else the edge could not begin its journal anew
            for row in map(StoredRecord._make, rows.execute(reading, (self._last, limit))):
                found.append(row)
                size += len(row.value)
                if size >= READ_BYTES:
                    break
        return found

    def _position(self) -> int:
        if self._positions is None:
            return 0
        asked = "SELECT offset FROM positions WHERE generation = ?"
        found = self._positions.execute(asked, (self._generation,)).fetchone()
        return found[0] if found else 0

    def _write_position(self, offset: int) -> None:
        if self._positions is not None:  # else nothing was polled
            self._positions.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (self._generation, offset))

    def _close(self) -> None:
        for connection in (self._log, self._positions):
            if connection is not None:
                connection.close()
        self._log = self._positions = None


def _number(path: Path) -> int:
    """Of the file; 0 if there is none."""
    return path.stat().st_ino if path.exists() else 0


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)


def _generation(path: Path) -> str:
    """The log's id, or nothing if the edge has not made it whole yet."""
    with closing(_connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'generation'").fetchone():
            return ""
        generation: str = connection.execute("SELECT id FROM generation").fetchone()[0]
        return generation
