"""The file of a spool: what an edge has acknowledged and the log does not have yet, oldest first.

Its folder is one edge's. Two that wrote there would drain each other's records, and neither would keep an order.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from ingest.errors import Unavailable
from ingest.log.file import Batch, LogFile, insert, value
from ingest.log.groups import Encoded, Group
from ingest.log.writer import PENDING_BYTES, Writer
from schemas import failpoints
from schemas.settings import BadSettings

SETTING = "PENSTOCK_SPOOL"
# What is moved at once: far less than may wait for Kafka, else it would never be taken.
DRAIN_RECORDS = 4096
DRAIN_BYTES = 4 * 1024 * 1024

_OLDEST = "SELECT offset, at FROM records ORDER BY offset LIMIT 1"
_NEWEST = "SELECT offset, at FROM records ORDER BY offset DESC LIMIT 1"


class Held(NamedTuple):
    """records: in the spool. bytes: of its file, in use. oldest_at, newest_at: when they came, ms since 1970."""

    records: int = 0
    bytes: int = 0
    oldest_at: int = 0
    newest_at: int = 0


class Spool:
    """largest: bytes that the file may grow to; what does not fit is refused. clock: s since 1970.

    held: what is in it, as of the last write or removal.
    """

    def __init__(
        self,
        folder: Path,
        *,
        largest: int,
        append_timeout: float,
        clock: Callable[[], float],
        pending_bytes: int = PENDING_BYTES,
    ) -> None:
        self.held = Held()
        self.folder = folder
        self._clock = clock
        self._locks = ExitStack()
        self._file = LogFile(folder / "spool.db", setting=SETTING, timeout=append_timeout, largest=largest)
        self._writer = Writer(self._file, self._write, append_timeout=append_timeout, pending_bytes=pending_bytes)

    async def open(self) -> None:
        """Take the folder, which is made if it is missing. Raises `BadSettings`."""
        self._lock()
        try:
            await self._writer.open()
            await self._writer.run(self._count)
        except BaseException:  # also cancelled: else the folder stays locked
            self._locks.close()
            raise

    async def close(self) -> None:
        """Write what was taken, and let go of the folder."""
        await self._writer.close()
        self._locks.close()

    def put(self, records: Sequence[Encoded]) -> Sequence[Group[Batch]]:
        """Queue them; the groups that they are in, which are settled once they are fsynced. Raises `Unavailable`."""
        if not self._is_found():
            raise Unavailable("the spool was removed or moved away: start the edge again")
        return self._writer.groups.put(records)

    def reachable(self) -> bool:
        """Whether it took what it was last given, and is still there."""
        return self._writer.reachable() and self._is_found()

    def empty(self) -> bool:
        """Whether it holds nothing, and nothing is on its way into it."""
        # In this order: the count is in place before the write that it counts is no longer under way.
        return self._writer.groups.idle() and not self.held.records

    async def oldest(self, after: int) -> list[tuple[int, Encoded]]:
        """The next records behind an offset, as many as one append to the log should have. Raises `Unavailable`."""

        def read(connection: sqlite3.Connection) -> list[tuple[int, Encoded]]:
            self._count(connection)
            return _read(connection, after)

        return await self._writer.run(read)

    async def remove(self, through: int) -> None:
        """Forget the records up to an offset. Raises `Unavailable`."""

        def delete(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM records WHERE offset <= ?", (through,))
            self._count(connection)

        await self._writer.run(delete)

    async def compact(self) -> None:
        """Once it is empty: leave nothing of what it held on the disk. Raises `Unavailable`."""
        await self._writer.compact()

    def _write(self, connection: sqlite3.Connection, batch: Batch) -> None:
        insert(connection, batch, int(self._clock() * 1000))
        self._count(connection)
        failpoints.reach("spool.write")

    def _count(self, connection: sqlite3.Connection) -> None:
        pages = value(connection, "PRAGMA page_count") - value(connection, "PRAGMA freelist_count")
        used = pages * value(connection, "PRAGMA page_size")
        oldest, oldest_at = connection.execute(_OLDEST).fetchone() or (0, 0)
        newest, newest_at = connection.execute(_NEWEST).fetchone() or (0, 0)
        # They leave in their order, and the number of one that was rolled back is given again: there are no gaps.
        self.held = Held(newest - oldest + 1 if newest else 0, used, oldest_at, newest_at)

    def _is_found(self) -> bool:
        """Else what it takes is nowhere at the next start. What it has is drained all the same."""
        try:
            self._file.check_name()
        except OSError:
            return False
        return True

    def _lock(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            self._locks.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._locks.close()
            raise BadSettings(f"{SETTING}: another edge uses {self.folder}; each needs a folder of its own.") from None
        except OSError as error:
            self._locks.close()
            raise BadSettings(f"{SETTING}: {self.folder} cannot be used: {error.strerror}.") from error


def _read(connection: sqlite3.Connection, after: int) -> list[tuple[int, Encoded]]:
    query = "SELECT offset, key, value FROM records WHERE offset > ? ORDER BY offset LIMIT ?"
    found: list[tuple[int, Encoded]] = []
    total = 0
    with closing(connection.execute(query, (after, DRAIN_RECORDS))) as rows:
        for offset, key, text in rows:
            found.append((offset, (key, text, len(key) + len(text))))
            total += len(key) + len(text)
            if total >= DRAIN_BYTES:
                break
    return found
