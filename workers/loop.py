"""The pump: poll, insert, commit. Offsets move only after ClickHouse has the rows and knows whose they are.

The next batch is read and sorted out while the last one is inserted. A crash anywhere repeats work: the batch is read
again from the committed offsets and inserted again, and the tables fold what was there already.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

import structlog

from schemas import failpoints
from workers.batch import Block, Clocks, Run, Spliced, in_time, sifted
from workers.clickhouse import Away, Failed
from workers.dead_letters import Allowance, DeadLetter, land
from workers.log import Polled, Reader, Record
from workers.metrics import WorkerMetrics

# What a record takes beside its value: its key, its offset, and the objects that hold them.
RECORD_BYTES = 250
FIRST = 10_000  # records of a batch that are asked for before it is known how large they are

log = structlog.get_logger()


class Tables(Protocol):
    """Where rows go; `workers.sink.Sink` says what the calls promise."""

    def insert(self, block: Block) -> None: ...
    def bury(self, generation: str, letters: Sequence[DeadLetter]) -> None: ...
    def resolve(self, generation: str, records: Mapping[int, Sequence[Record]]) -> None: ...
    def append_time_before(self, generation: str, partition: int, offset: int) -> int: ...


@dataclass(frozen=True)
class Limits:
    """When a batch ends, and how an outage is waited out.

    size: bytes of memory that its records take. There are two batches at a time, so it bounds what a worker needs,
        whatever waits on the log.
    interval: s between the starts of two inserts; a record waits no longer than that, or for the insert before it.
    backoff, longest_backoff: s between two tries of an insert, doubled each time; while ClickHouse is away there is no
        end to them.
    tries: of an insert that ClickHouse refuses without a verdict on its rows, before the process stops.
    """

    rows: int = 200_000
    size: int = 36 * 1024 * 1024
    interval: float = 0.5
    backoff: float = 0.1
    longest_backoff: float = 5.0
    tries: int = 4


@dataclass
class Batch:
    """Records taken from the log and not yet committed."""

    epoch: int = -1
    records: dict[int, list[Record]] = field(default_factory=dict)
    runs: dict[int, list[Run]] = field(default_factory=dict)
    rows: int = 0
    size: int = 0

    def room(self, limits: Limits) -> int:
        """How many records more it takes, if they are as large as those it has: a log hands out all that it is asked
        for and has. Nobody asks once more for a last few."""
        left = limits.size - self.size
        if left < limits.size / 16:
            return 0
        record = self.size / self.rows if self.rows else limits.size / FIRST
        return min(limits.rows - self.rows, int(left / record) + 1)

    def add(self, polled: Polled) -> None:
        """Take records in. After a change of the assignment the log starts again at the committed offsets, so what
        was gathered before is dropped: it comes again, here or elsewhere."""
        if polled.epoch != self.epoch:
            self.epoch, self.records, self.runs, self.rows, self.size = polled.epoch, {}, {}, 0, 0
        for partition, run in polled.records.items():
            self.records.setdefault(partition, []).extend(run)
            self.runs.setdefault(partition, []).extend(sifted(partition, run))
            self.rows += len(run)
            self.size += sum(len(record.value or b"") for record in run) + RECORD_BYTES * len(run)


class Pump:
    """Moves records from a reader into the tables until it is told to stop."""

    def __init__(
        self,
        reader: Reader,
        tables: Tables,
        limits: Limits,
        allowance: Allowance | None = None,
        metrics: WorkerMetrics | None = None,
    ) -> None:
        self._reader = reader
        self._tables = tables
        self._limits = limits
        self._allowance = allowance or Allowance()
        self._metrics = metrics or WorkerMetrics()
        self._clocks = Clocks(lambda *place: tables.append_time_before(reader.generation, *place))
        self._epoch = -1
        self._started = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Return once stopped and the batch in hand is committed. Raises `Failed` and `TooManyDeadLetters`: nothing
        of that batch is committed, and a restart meets it again."""
        flight: Flight | None = None
        while not stop.is_set():
            batch = await self._gather(flight, stop)
            if flight:
                await self._land(flight, stop)
            flight = self._launch(batch) if batch.rows else None
        if flight:
            await self._land(flight, stop)

    async def _gather(self, flight: "Flight | None", stop: asyncio.Event) -> Batch:
        """What comes until the next insert may start, or as much as one insert takes."""
        batch = Batch()
        while not stop.is_set() and (room := batch.room(self._limits)):
            wait = self._started + self._limits.interval - monotonic()
            if wait <= 0 and (flight is None or flight.insert.done()):
                if batch.rows:
                    break
                wait = self._limits.interval  # nothing is under way: the first record starts the next insert
                batch.add(await self._reader.poll(room, wait))
                if not batch.rows:
                    break
            else:
                batch.add(await self._reader.poll(room, max(wait, 0.02)))
        return batch

    def _launch(self, batch: Batch) -> "Flight":
        self._started = monotonic()
        if batch.epoch != self._epoch:
            self._clocks.forget()
            self._epoch = batch.epoch
        failpoints.reach("worker.polled")
        flight = Flight(batch)
        flight.insert = asyncio.create_task(self._insert(flight))
        return flight

    async def _insert(self, flight: "Flight") -> None:
        """One try. The rows are built once: their append times depend on what came before, and only on that."""
        generation = self._reader.generation
        if flight.spliced is None:
            flight.spliced = await asyncio.to_thread(in_time, generation, flight.batch.runs, self._clocks)
        if flight.dead is None:
            began = monotonic()
            flight.dead = await asyncio.to_thread(land, flight.spliced, self._tables.insert, self._allowance)
            flight.seconds = monotonic() - began
        if flight.dead:
            failpoints.reach("worker.burying")
            await asyncio.to_thread(self._tables.bury, generation, flight.dead)
        failpoints.reach("worker.resolving")
        began = monotonic()
        await asyncio.to_thread(self._tables.resolve, generation, flight.batch.records)
        self._metrics.resolved(monotonic() - began)

    async def _land(self, flight: "Flight", stop: asyncio.Event) -> None:
        """Wait for the insert, trying again while there is hope, then commit."""
        backoff, tries = self._limits.backoff, self._limits.tries
        while True:
            try:
                await self._finished(flight.insert)
                break
            except Away as error:
                log.warning("ClickHouse is away, trying again", rows=flight.batch.rows, wait=backoff, error=str(error))
                self._metrics.fails("insert", f"ClickHouse is away: {error}")
            except Failed as error:
                tries -= 1
                if not tries:
                    raise
                log.warning("ClickHouse refuses, trying again", rows=flight.batch.rows, wait=backoff, error=str(error))
            if stop.is_set():
                log.warning("stopped before an insert succeeded; the next start repeats it", rows=flight.batch.rows)
                return
            await self._finished(asyncio.create_task(_first(stop.wait(), backoff)))
            backoff = min(backoff * 2, self._limits.longest_backoff)
            flight.insert = asyncio.create_task(self._insert(flight))
        failpoints.reach("worker.inserted")
        await self._reader.commit(Polled(flight.batch.records, flight.batch.epoch))
        codes = Counter(letter.code for letter in flight.dead or ())
        self._metrics.inserted(flight.batch.rows - codes.total(), flight.seconds, codes)
        log.info("inserted", rows=flight.batch.rows - codes.total(), seconds=round(flight.seconds, 3))
        if flight.dead:
            log.error("dead letters: see penstock dead-letters", records=len(flight.dead), codes=dict(codes))

    async def _finished(self, task: asyncio.Task[None]) -> None:
        """Wait for a task as a living member of the reader's group."""
        while not task.done():
            await asyncio.wait({task}, timeout=1)
            if not task.done():
                await self._reader.keep_alive()
        task.result()


@dataclass
class Flight:
    """A batch on its way into ClickHouse. `insert` is the try that is under way, `seconds` what the last one took."""

    batch: Batch
    insert: asyncio.Task[None] = field(init=False)
    spliced: Spliced | None = None
    dead: list[DeadLetter] | None = None
    seconds: float = 0.0


async def _first(event: Coroutine[object, object, object], seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event, seconds)
