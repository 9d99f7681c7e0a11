"""From the log itself: each record is spliced again as the worker did it, with the same append time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from schemas.settings import Settings
from workers.batch import Clocks, Spliced, splice
from workers.connection import Connection
from workers.dead_letters import Allowance, DeadLetter, land
from workers.log.places import LogState, offsets_at
from workers.log.ranges import Ranges
from workers.replay import Chunk, Landed, Lane, Refusal, Span, Target
from workers.replay.selection import Selection
from workers.sink import APPEND_TIME_BEFORE

ROWS = 50_000
KNOWN = (
    "SELECT _offset FROM stored_dead_letters WHERE _log = {log:String} AND _partition = {partition:UInt32}"
    " AND _offset >= {begin:UInt64} AND _offset < {end:UInt64}"
)


class LogSource:
    """What the log keeps when it is planned, one partition after the other."""

    def __init__(
        self,
        settings: Settings,
        state: LogState,
        ranges: Ranges,
        connection: Connection,
        selection: Selection,
        rows: int = ROWS,
    ) -> None:
        self._settings = settings
        self._state = state
        self._ranges = ranges
        self._connection = connection
        self._selection = selection
        self._rows = rows
        self._allowance = Allowance(settings.dead_letter_share)
        self._spans: list[Span] = []
        self._lane: Lane | None = None
        self._clocks = Clocks(lambda *_: 0)

    async def plan(self, done: Mapping[Lane, int]) -> int:
        chosen, log = self._selection, self._state.generation
        begin, end = dict(self._state.begin), dict(self._state.end)
        if chosen.since is not None:
            begin |= await offsets_at(self._settings, chosen.since)
        if chosen.until is not None:
            until = await offsets_at(self._settings, chosen.until)
            end = {partition: min(offset, until[partition]) for partition, offset in end.items()}
        self._spans = []
        for partition in sorted(end, reverse=True):
            first = max(begin[partition], chosen.first or 0, done.get((log, partition), 0))
            last = end[partition] if chosen.last is None else min(end[partition], chosen.last + 1)
            if chosen.partition in (None, partition) and chosen.generation in (None, log) and first < last:
                self._spans.append(Span(log, partition, first, last))
        return sum(span.end - span.begin for span in self._spans)

    async def next(self) -> Chunk | None:
        while self._spans:
            span = self._spans[-1]
            if span.lane != self._lane:
                await self._wind(span)
            records = await self._ranges.read(span.partition, span.begin, span.end, self._rows)
            if records:
                rest = Span(span.log, span.partition, records[-1].offset + 1, span.end)
                self._spans[-1:] = [rest] if rest.begin < rest.end else []
                spliced = await asyncio.to_thread(splice, span.log, {span.partition: records}, self._clocks)
                taken = Span(span.log, span.partition, span.begin, rest.begin)
                return LogChunk(taken, _selected(spliced, self._selection), self._allowance, self._connection)
            self._spans.pop()
        return None

    async def _wind(self, span: Span) -> None:
        """The clock of a partition to where the worker's stood: `journal` knows while it keeps the record before;
        else the log says what it still can."""
        place = {"log": span.log, "partition": span.partition, "offset": span.begin}
        [[kept]] = await asyncio.to_thread(self._connection.rows, APPEND_TIME_BEFORE, place)
        on_the_log = await self._ranges.latest_before(span.partition, span.begin)
        self._clocks.keep(span.partition, max(int(kept), on_the_log))
        self._lane = span.lane


@dataclass(frozen=True)
class LogChunk:
    """Records of a span of offsets, those that were not selected left out."""

    span: Span
    spliced: Spliced
    allowance: Allowance
    connection: Connection

    @property
    def records(self) -> int:
        return self.span.end - self.span.begin

    def land(self, target: Target) -> Landed:
        """Raises `TooManyDeadLetters` as well. Nothing is buried: that is the worker's, and long done."""
        dead = land(self.spliced, target.insert, self.allowance)
        records = self.spliced.records
        target.resolve(placed.record.key for placed in records if placed.record.key)
        rows = len(records) + len(self.spliced.foreign) - len(dead)
        return Landed(rows, self._refused(dead) if dead else [])

    def _refused(self, dead: Sequence[DeadLetter]) -> list[Refusal]:
        known = {row[0] for row in self.connection.rows(KNOWN, asdict(self.span))}
        return [
            Refusal(*self.span.lane, one.placed.record.offset, one.code, one.reason, one.placed.record.offset in known)
            for one in dead
        ]


def _selected(spliced: Spliced, selection: Selection) -> Spliced:
    if not selection.reads_messages:
        return spliced
    runs = [
        run._replace(records=[record for record in run.records if selection.takes(record.value)])
        for run in spliced.runs
    ]
    return Spliced(spliced.generation, [run for run in runs if run.records])
