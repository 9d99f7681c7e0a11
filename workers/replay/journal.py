"""From `journal`: ClickHouse copies its own rows, and none of them travels."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from workers.clickhouse import Failed, Refused
from workers.connection import Connection
from workers.replay import Chunk, Landed, Lane, Refusal, Span, Target
from workers.replay.selection import Selection
from workers.replay.tables import JOURNAL, JOURNAL_SETTINGS

ROWS = 100_000
BUCKET = 10_000  # offsets: the journal is cut at multiples of it
BETWEEN = "_log = {log:String} AND _partition = {lane:UInt32} AND _offset >= {begin:UInt64} AND _offset < {end:UInt64}"
MOST_REFUSED = 1_000  # of one chunk; more of them are no matter of single rows


class JournalSource:
    """The rows that are there when it is planned, by partition and offset."""

    def __init__(self, connection: Connection, selection: Selection, rows: int = ROWS) -> None:
        self._connection = connection
        self._selection = selection
        self._rows = rows
        self._bucket = min(BUCKET, rows)
        self._chunks: list[JournalChunk] = []

    async def plan(self, done: Mapping[Lane, int]) -> int:
        counted = (
            "SELECT _log, _partition, intDiv(_offset, {bucket:UInt64}) AS bucket, count()"  # noqa: S608
            f" FROM {JOURNAL}{self._selection.of_messages()} GROUP BY ALL ORDER BY ALL"
        )
        parameters = self._selection.parameters | {"bucket": self._bucket}
        found = await asyncio.to_thread(self._connection.rows, counted, parameters, JOURNAL_SETTINGS)
        self._chunks = []
        for log, partition, bucket, count in found:
            span = Span(log, partition, bucket * self._bucket, (bucket + 1) * self._bucket)
            if span.end > done.get(span.lane, 0):
                self._take(span, count)
        self._chunks.reverse()
        return sum(chunk.records for chunk in self._chunks)

    async def next(self) -> Chunk | None:
        return self._chunks.pop() if self._chunks else None

    def _take(self, span: Span, count: int) -> None:
        """Into the last chunk while it is small and of the same partition."""
        if self._chunks:
            last = self._chunks[-1]
            if last.span.lane == span.lane and last.records + count <= self._rows:
                joined = Span(span.log, span.partition, last.span.begin, span.end)
                self._chunks[-1] = JournalChunk(joined, last.records + count, self._selection)
                return
        self._chunks.append(JournalChunk(span, count, self._selection))


@dataclass(frozen=True)
class JournalChunk:
    """Rows of a span of offsets."""

    span: Span
    records: int
    selection: Selection

    def land(self, target: Target) -> Landed:
        """Refused rows are found by halving. Raises `Failed`, with the place, when they are too many."""
        refused: list[Refusal] = []
        halves = [(self.span.begin, self.span.end)]
        while halves:
            begin, end = halves.pop()
            try:
                target.copy(*self._between(begin, end))
            except Refused as verdict:
                if end - begin == 1:
                    refused.append(Refusal(*self.span.lane, begin, verdict.code, str(verdict)))
                else:
                    middle = (begin + end) // 2
                    halves += [(middle, end), (begin, middle)]
                if len(refused) > MOST_REFUSED:
                    raise self._failed(begin, end, verdict) from None
            except Failed as failed:
                raise self._failed(begin, end, failed) from None
        return Landed(self.records - len(refused), refused)

    def _between(self, begin: int, end: int) -> tuple[str, dict[str, object]]:
        place = {"log": self.span.log, "lane": self.span.partition, "begin": begin, "end": end}
        return f"{BETWEEN} AND {self.selection.of_messages()}", self.selection.parameters | place

    def _failed(self, begin: int, end: int, failed: Failed) -> Failed:
        where = f"partition {self.span.partition}, offsets {begin} to {end - 1} of log {self.span.log}"
        return Failed(f"The journal's {where}: {failed}")
