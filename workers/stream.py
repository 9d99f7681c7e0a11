"""An insert that is under way while its records are still read: what a backlog comes by.

Nothing of it is kept, so its size takes none of the worker's memory. Who would repeat it has to read the log again.
"""

import asyncio
from collections.abc import Iterator, Sequence
from queue import SimpleQueue

from workers.batch import Block, Run, chunks
from workers.clickhouse import Away

# Bytes of values that may wait to be sent; beyond it whoever reads the log waits.
WAITING = 4 * 1024 * 1024
PAUSE = 0.002  # s


class Stream:
    """Rows as JSONEachRow, to be iterated over once, in another thread than the rest is called in."""

    def __init__(self, generation: str) -> None:
        self._generation = generation
        self._runs: SimpleQueue[tuple[Sequence[Run], int] | None] = SimpleQueue()
        self._put = self._sent = 0  # bytes; each is written by one thread
        self._is_over = self._is_taken = False
        self.sending: asyncio.Future[None]

    async def put(self, runs: Sequence[Run], size: int) -> None:
        """Return once there is room for more, or nobody takes it any more. size: bytes of the values."""
        self._put += size
        self._runs.put((runs, size))
        while self._put - self._sent > WAITING and not self.sending.done():
            await asyncio.wait({self.sending}, timeout=PAUSE)

    def end(self) -> None:
        """These are all rows."""
        self._runs.put(None)

    def give_up(self) -> None:
        """Cut the insert in the middle, where it is not over: ClickHouse then takes nothing of it."""
        self._is_over = True
        self.end()

    def __iter__(self) -> Iterator[bytes]:
        return chunks(self._rows())

    def __bytes__(self) -> bytes:
        return b"".join(self)

    def _rows(self) -> Iterator[bytes]:
        """Raises `Away` if it is given up, or repeated: an insert of fewer rows than were put must not succeed."""
        if self._is_taken:
            raise Away("an insert was cut, and has to be read from the log again")
        self._is_taken = True
        while found := self._runs.get():
            runs, size = found
            yield from Block(self._generation, runs).rows()
            self._sent += size
        if self._is_over:
            raise Away("an insert was given up, and has to be read from the log again")
