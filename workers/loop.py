"""The pump: poll, insert, commit. Offsets move only after ClickHouse has the rows and knows whose they are.

The next batch is read and sorted out while the last one is inserted. A crash anywhere repeats work: the batch is read
again from the committed offsets and inserted again, and the tables fold what was there already.

A batch is kept until it is committed, so that it can be repeated, halved and buried. A full one tells of a backlog: the
next ones are streamed, sent while they are read and kept nowhere, so that many more rows share what an insert costs.
When ClickHouse does not take one, for whatever reason, the log is read again from where it was committed, and the next
few batches are kept.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

import structlog

from schemas import failpoints
from workers.batch import Block, Clocks, Spliced, in_time
from workers.clickhouse import Away, Barred, Failed
from workers.dead_letters import Allowance, DeadLetter, land
from workers.gathering import Batch, Limits, Taken
from workers.log import LogBroken, Polled, Reader, Record
from workers.metrics import WorkerMetrics
from workers.schedule import in_thread
from workers.stream import Stream

# Who is who by older records is found by all of their keys, which a stream does not keep: see `workers.people.resolve`.
STREAMED_SECONDS = 5 * 86_400

log = structlog.get_logger()


class Tables(Protocol):
    """Where rows go; `workers.sink.Sink` says what the calls promise."""

    def insert(self, block: Block | Stream) -> None: ...
    def bury(self, generation: str, letters: Sequence[DeadLetter]) -> None: ...
    def resolve(self, generation: str, records: Mapping[int, Sequence[Record]]) -> None: ...
    def begin(self, generation: str, partition: int, offset: int) -> int: ...


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
        self._clocks = Clocks(lambda *place: tables.begin(reader.generation, *place))
        self._epoch = -1
        self._started = 0.0
        self._is_backlog = False
        self._careful = 0  # batches that are to be kept yet
        self._held: Taken | None = None  # was polled, and begins the next batch
        self._stream: Stream | None = None  # the last one
        self._broken: LogBroken | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Return once stopped, and the batch in hand is committed or has had its time for that. Raises `Failed` and
        `TooManyDeadLetters`: nothing of that batch is committed, and a restart meets it again. Raises `LogBroken` when
        all that came before is committed: whoever mends the log may have to cut off what is there up to the damage."""
        pumping, stopped = asyncio.create_task(self._run(stop)), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({pumping, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({pumping}, timeout=self._limits.farewell)
            if pumping.done():
                pumping.result()
            else:
                log.warning("stopped before ClickHouse answered; the next start repeats what it was asked")
        finally:
            stopped.cancel()
            pumping.cancel()
            await asyncio.wait({pumping})

    async def _run(self, stop: asyncio.Event) -> None:
        flight: Flight | None = None
        try:
            while not stop.is_set() and not self._broken:
                batch = await self._gather(flight, stop)
                if flight and not await self._land(flight, stop):
                    await self._begin_again(batch)
                    flight = None
                else:
                    flight = self._launch(batch) if batch.rows else None
            if flight:
                await self._land(flight, stop)
            if self._broken:
                raise self._broken
        finally:
            if self._stream:
                self._stream.give_up()  # else its thread would wait for rows for ever

    async def _gather(self, flight: "Flight | None", stop: asyncio.Event) -> Batch:
        """What comes until the next insert may start, or as much as one insert takes."""
        batch = Batch()
        while not stop.is_set() and (room := batch.room(self._limits)):
            wait = self._started + self._limits.interval - monotonic()
            is_due = wait <= 0 and (flight is None or flight.insert.done())
            if is_due and batch.rows:
                break
            # If nothing is under way the first record starts the next insert.
            wait = self._limits.interval if is_due else max(wait, 0.02)
            try:
                goes_on = await self._take(batch, flight, room, wait)
            except LogBroken as error:
                self._broken = error
                break
            if not goes_on or (is_due and not batch.rows):
                break
        if batch.stream:
            batch.stream.end()
        return batch

    async def _take(self, batch: Batch, flight: "Flight | None", room: int, wait: float) -> bool:
        """Whether the batch may go on: what cannot be streamed ends one that is, and begins the next."""
        taken, self._held = self._held or Taken(await self._reader.poll(room, wait)), None
        if not batch.rows and taken.records and self._may_stream(flight) and self._streams(taken):
            batch.stream = self._stream = self._open()
        if batch.stream and (batch.stream.sending.done() or not self._streams(taken)):
            self._held = taken if taken.records else None
            return False
        batch.add(taken)
        if batch.stream and taken.records:
            spliced = in_time(self._reader.generation, taken.runs, self._clocks)
            await batch.stream.put(spliced.runs, taken.values)
        return True

    def _may_stream(self, flight: "Flight | None") -> bool:
        """Append times depend on those of what came before, so the batch before has its own."""
        return self._is_backlog and not self._careful and (flight is None or flight.is_spliced)

    def _streams(self, taken: Taken) -> bool:
        """Whether nothing of it may need a second look, or a question before it is sent."""
        since = (time.time() - STREAMED_SECONDS) * 1000
        return taken.epoch == self._epoch and taken.is_plain(since) and self._clocks.know(taken.records)

    def _open(self) -> Stream:
        stream = Stream(self._reader.generation)
        stream.sending = in_thread(self._tables.insert, stream)
        stream.sending.add_done_callback(lambda sent: sent.cancelled() or sent.exception())  # nobody asks, if we stop
        return stream

    def _launch(self, batch: Batch) -> "Flight":
        self._started = monotonic()
        if batch.epoch != self._epoch:
            self._clocks.forget()
            self._epoch = batch.epoch
        self._is_backlog = bool(self._limits.streamed) and batch.is_full(self._limits)
        failpoints.reach("worker.polled")
        flight = Flight(batch)
        if self._is_backlog and not batch.stream and self._clocks.know(batch.runs):
            flight.spliced = in_time(self._reader.generation, batch.runs, self._clocks)  # now: a stream may follow
        flight.insert = asyncio.create_task(self._insert(flight))
        return flight

    async def _insert(self, flight: "Flight") -> None:
        """One try. The rows are built once: their append times depend on what came before, and only on that."""
        generation = self._reader.generation
        if not flight.is_spliced:
            flight.spliced = await in_thread(in_time, generation, flight.batch.runs, self._clocks)
        if flight.dead is None:
            began = monotonic()
            flight.dead = await self._dead(flight)
            flight.seconds = monotonic() - began
        if flight.dead:
            failpoints.reach("worker.burying")
            await in_thread(self._tables.bury, generation, flight.dead)
        failpoints.reach("worker.resolving")
        began = monotonic()
        await in_thread(self._tables.resolve, generation, flight.batch.records)
        self._metrics.resolved(monotonic() - began)

    async def _dead(self, flight: "Flight") -> list[DeadLetter]:
        """Those that no insert takes, once all others are in the tables."""
        if flight.batch.stream:
            await flight.batch.stream.sending
            self._allowance.admit(flight.batch.rows, [])
            return []
        return await in_thread(land, flight.spliced or Spliced(""), self._tables.insert, self._allowance)

    async def _land(self, flight: "Flight", stop: asyncio.Event) -> bool:
        """Wait for the insert, trying again while there is hope, then commit. Whether that was done; else what comes
        after must not be committed either."""
        backoff, tries = self._limits.backoff, self._limits.tries
        while True:
            try:
                await self._finished(flight.insert)
                break
            except Away as error:
                log.warning("ClickHouse is away, trying again", rows=flight.batch.rows, wait=backoff, error=str(error))
                self._metrics.fails("insert", f"ClickHouse is away: {error}")
            except Barred as error:
                log.error("ClickHouse bars us, trying again", rows=flight.batch.rows, wait=backoff, error=str(error))
                self._metrics.fails("insert", f"ClickHouse bars us: {error}")
            except Failed as error:
                tries -= 1
                if not tries:
                    raise
                log.warning("ClickHouse refuses, trying again", rows=flight.batch.rows, wait=backoff, error=str(error))
            if stop.is_set():
                log.warning("stopped before an insert succeeded; the next start repeats it", rows=flight.batch.rows)
                return False
            if flight.is_lost:
                return False
            await self._finished(asyncio.create_task(_first(stop.wait(), backoff)))
            backoff = min(backoff * 2, self._limits.longest_backoff)
            flight.insert = asyncio.create_task(self._insert(flight))
        failpoints.reach("worker.inserted")
        await self._reader.commit(Polled(flight.batch.records, flight.batch.epoch))
        self._careful = max(self._careful - 1, 0)
        codes = Counter(letter.code for letter in flight.dead or ())
        self._metrics.inserted(flight.batch.rows - codes.total(), flight.seconds, codes)
        log.info("inserted", rows=flight.batch.rows - codes.total(), seconds=round(flight.seconds, 3))
        if flight.dead:
            log.error("dead letters: see penstock dead-letters", records=len(flight.dead), codes=dict(codes))
        return True

    async def _begin_again(self, batch: Batch) -> None:
        """From what was committed, and carefully. batch: what was gathered since."""
        if batch.stream:
            batch.stream.give_up()
            with suppress(Away, Failed):
                await self._finished(batch.stream.sending)
        await self._reader.rewind()
        self._clocks.forget()
        self._held, self._careful = None, self._limits.careful

    async def _finished(self, task: asyncio.Future[None]) -> None:
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

    @property
    def is_spliced(self) -> bool:
        return bool(self.batch.stream or self.spliced)

    @property
    def is_lost(self) -> bool:
        """Whether its rows are in no table for sure, and nowhere here."""
        return self.batch.stream is not None and self.dead is None


async def _first(event: Coroutine[object, object, object], seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event, seconds)
