"""From `dead_letters`: what was refused once is tried again, and is `mended` when ClickHouse takes it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas import failpoints
from workers.batch import Clocks, splice
from workers.connection import Connection
from workers.dead_letters import Allowance, DeadLetter, land
from workers.replay import Chunk, Landed, Lane, Letter, Refusal, Span, Target
from workers.replay.selection import Selection

ROWS = 2_000  # they hold whole records, up to 1 MiB each
DEAD = "stored_dead_letters FINAL WHERE status = 'dead' AND "
LANES = f"SELECT _log, _partition, count(), max(_offset) + 1 FROM {DEAD}{{}} GROUP BY ALL ORDER BY ALL DESC"  # noqa: S608
READ = (
    "SELECT _offset, _at, key, value, headers, reason, code, toUnixTimestamp64Milli(changed_at)"  # noqa: S608
    f" FROM {DEAD}_log = {{log:String}} AND _partition = {{lane:UInt32}}"
    " AND _offset >= {begin:UInt64} AND _offset < {end:UInt64} AND "
)
IN_ORDER = " ORDER BY _offset LIMIT {rows:UInt64}"


@dataclass(frozen=True)
class Kept:
    """A dead letter as it was found: the record as it stood on the log, and what became of it. Times in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    reason: str
    code: int
    changed_at: int


class DeadLetterSource:
    """Those that are dead when it is planned, one partition after the other."""

    def __init__(self, connection: Connection, selection: Selection, rows: int = ROWS) -> None:
        self._connection = connection
        self._selection = selection
        self._rows = min(rows, ROWS)
        self._spans: list[Span] = []

    async def plan(self, done: Mapping[Lane, int]) -> int:
        lanes = LANES.format(self._selection.of_places())
        found = await asyncio.to_thread(self._connection.rows, lanes, self._selection.parameters)
        self._spans = [Span(log, partition, done.get((log, partition), 0), end) for log, partition, _, end in found]
        return sum(count for _, _, count, _ in found)

    async def next(self) -> Chunk | None:
        while self._spans:
            span = self._spans[-1]
            kept = await asyncio.to_thread(self._read, span)
            if kept:
                taken = Span(span.log, span.partition, span.begin, kept[-1].offset + 1)
                self._spans[-1] = Span(span.log, span.partition, taken.end, span.end)
                chosen = [one for one in kept if self._selection.takes(one.value)]
                return DeadLetterChunk(taken, len(kept), chosen)
            self._spans.pop()
        return None

    def _read(self, span: Span) -> list[Kept]:
        place = {"log": span.log, "lane": span.partition, "begin": span.begin, "end": span.end, "rows": self._rows}
        reading = READ + self._selection.of_places() + IN_ORDER
        rows = self._connection.rows(reading, self._selection.parameters | place, formats={"String": "bytes"})
        return [_kept(*row) for row in rows]


@dataclass(frozen=True)
class DeadLetterChunk:
    """Dead letters of a span of offsets, those that were not selected left out."""

    span: Span
    records: int
    kept: Sequence[Kept]

    def land(self, target: Target) -> Landed:
        """A status changes after the insert was confirmed, and the insert of one that is mended changes nothing: a
        crash in between repeats it."""
        spliced = splice(self.span.log, {self.span.partition: self.kept} if self.kept else {}, Clocks(lambda *_: 0))
        refused = {
            dead.placed.record.offset: dead for dead in land(spliced, target.insert, Allowance(share=1))
        }  # no limit: all of them were dead before
        target.resolve(one.key for one in self.kept if one.key)
        failpoints.reach("replay.mending")
        placed = [*spliced.records, *spliced.foreign]
        before = {one.offset: one for one in self.kept}
        after = [
            _after(self.span.log, before[one.record.offset], refused.get(one.record.offset, DeadLetter(one, 0, "")))
            for one in placed
        ]
        target.settle([letter for letter in after if letter is not None])
        return Landed(
            len(placed) - len(refused),
            [Refusal(*self.span.lane, offset, one.code, one.reason) for offset, one in sorted(refused.items())],
        )


def _after(log: str, before: Kept, now: DeadLetter) -> Letter | None:
    """Its new state, or None if that is the old one. What mended it stays beside what was wrong with it."""
    if not now.reason:
        return Letter(log, DeadLetter(now.placed, before.code, before.reason), "mended", before.changed_at)
    if (now.code, now.reason) == (before.code, before.reason):
        return None
    return Letter(log, now, "dead", before.changed_at)


def _kept(
    offset: int,
    at: int,
    key: bytes,
    value: bytes,
    headers: Sequence[tuple[bytes, bytes]],
    reason: bytes,
    code: int,
    changed_at: int,
) -> Kept:
    named = [(name.decode(), content) for name, content in headers]
    return Kept(offset, at, key, value, named, reason.decode(), code, changed_at)
