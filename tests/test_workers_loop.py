"""The pump's promise, with a fake log and fake tables: offsets move only after the tables have the rows."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import pytest

from tests.tables import FakeRecord
from workers.batch import Block, Clocks, splice
from workers.clickhouse import Away, Failed, Refused
from workers.dead_letters import Allowance, DeadLetter, TooManyDeadLetters
from workers.gathering import Limits
from workers.log import LogBroken, Polled, Record
from workers.loop import Pump
from workers.stream import Stream


def records(first: int, count: int, at: int = 1000) -> list[FakeRecord]:
    return [FakeRecord(offset, at, b"k", b'{"id":"%d"}' % offset) for offset in range(first, first + count)]


class FakeReader:
    """Hands out the given polls one by one, then nothing; a new `epoch` is a rebalance."""

    generation = "g"

    def __init__(self, *polls: Polled) -> None:
        self.polls = list(polls)
        self.given: list[Polled] = []
        self.committed: dict[int, int] = {}
        self.kept_alive = 0
        self.epoch = 1

    async def poll(self, limit: int, wait: float) -> Polled:
        if self.polls:
            self.given.append(self.polls.pop(0))
            return self.given[-1]
        await asyncio.sleep(min(wait, 0.01))
        return Polled({}, self.epoch)

    async def commit(self, polled: Polled) -> None:
        if polled.epoch == self.epoch:
            self.committed |= {partition: run[-1].offset + 1 for partition, run in polled.records.items()}

    async def rewind(self) -> None:
        """What was handed out comes again, apart from what is committed."""
        self.epoch += 1
        self.polls = [polled(runs, self.epoch) for each in self.given + self.polls if (runs := self._left(each))]
        self.given = []

    def _left(self, each: Polled) -> dict[int, list[Record]]:
        left = {
            partition: [record for record in run if record.offset >= self.committed.get(partition, 0)]
            for partition, run in each.records.items()
        }
        return {partition: run for partition, run in left.items() if run}

    async def keep_alive(self) -> None:
        self.kept_alive += 1
        await asyncio.sleep(0)

    def is_done(self) -> bool:
        """Whether all was handed out, and is committed."""
        runs = [(partition, run[-1].offset) for each in self.given for partition, run in each.records.items()]
        return not self.polls and all(last < self.committed.get(partition, 0) for partition, last in runs)


class FakeTables:
    """Keeps the rows of each insert; raises `errors` first, one a try, and refuses blocks that hold a `guilty` id."""

    def __init__(self, *errors: Exception, guilty: Sequence[int] = ()) -> None:
        self.errors = list(errors)
        self.guilty = [b'"id":"%d"' % offset for offset in guilty]
        self.blocks: list[bytes] = []
        self.buried: list[tuple[int, int]] = []
        self.resolved: list[int] = []

    def insert(self, block: Block | Stream) -> None:
        rows = bytes(block)
        self.blocks.append(rows)
        if self.errors:
            raise self.errors.pop(0)
        if any(mark in rows for mark in self.guilty):
            self.blocks.pop()
            raise Refused("Code: 27", 27)

    def bury(self, generation: str, letters: Sequence[DeadLetter]) -> None:
        self.buried += [(letter.placed.record.offset, letter.code) for letter in letters]

    def resolve(self, generation: str, records: Mapping[int, Sequence[Record]]) -> None:
        self.resolved += [record.offset for run in records.values() for record in run]

    def begin(self, generation: str, partition: int, offset: int) -> int:
        return 0


async def run_until(condition: Callable[[], bool], pump: Pump) -> None:
    """Stop it then, however long that takes; where it is never so, after a while, for the test to tell what is."""
    stop = asyncio.Event()
    running = asyncio.create_task(pump.run(stop))
    async with asyncio.timeout(60):
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                while not condition() and not running.done():  # noqa: ASYNC110  of somebody else
                    await asyncio.sleep(0.005)
        stop.set()
        await running


async def pumped(
    reader: FakeReader,
    tables: FakeTables,
    allowance: Allowance | None = None,
    until: Callable[[], bool] | None = None,
) -> None:
    pump = Pump(reader, tables, Limits(interval=0.02, backoff=0.01), allowance)
    await run_until(until or reader.is_done, pump)


def offsets(block: bytes) -> list[int]:
    return [json.loads(line)["_offset"] for line in block.splitlines()]


def polled(runs: Mapping[int, Sequence[Record]], epoch: int = 1) -> Polled:
    return Polled(runs, epoch)


async def test_offsets_are_committed_after_the_insert() -> None:
    """All that was polled is inserted, then committed."""
    reader, tables = FakeReader(polled({0: records(0, 3), 1: records(7, 1)})), FakeTables()

    await pumped(reader, tables)

    assert [offsets(block) for block in tables.blocks] == [[0, 1, 2, 7]]
    assert reader.committed == {0: 3, 1: 8}


async def test_insert_is_repeated_as_a_whole_while_clickhouse_is_away() -> None:
    """The very same block again, and the group is kept meanwhile."""
    reader, tables = FakeReader(polled({0: records(0, 3)})), FakeTables(Away("gone"), Away("gone"))

    await pumped(reader, tables)

    assert len(tables.blocks) == 3
    assert len(set(tables.blocks)) == 1
    assert reader.committed == {0: 3}


async def test_nothing_is_committed_when_stopped_during_an_outage() -> None:
    """The next start reads the same records again."""
    reader, tables = FakeReader(polled({0: records(0, 3)})), FakeTables(*[Away("gone")] * 1000)

    await pumped(reader, tables, until=lambda: len(tables.blocks) > 5)

    assert reader.committed == {}


class AwayForTheFirst(FakeTables):
    """Takes every block but the one of offset 0."""

    def insert(self, block: Block | Stream) -> None:
        super().insert(block)
        if offsets(self.blocks[-1])[0] == 0:
            raise Away("gone")


async def test_nothing_is_committed_past_a_batch_that_was_not_inserted() -> None:
    """Stopped while one is tried again: the next one, though it would be taken, is left to the next start as well."""
    reader = FakeReader(*(polled({0: records(offset, 3)}) for offset in (0, 3, 6)))
    tables = AwayForTheFirst()

    pump = Pump(reader, tables, Limits(rows=3, interval=0.001, backoff=0.01))
    await run_until(lambda: len(tables.blocks) > 3, pump)

    assert reader.committed == {}


class Silent(FakeTables):
    """Does not answer, for as long as it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def insert(self, block: Block | Stream) -> None:
        self.let.wait(30)


@pytest.mark.parametrize("streamed", [0, 30_000])
async def test_worker_that_is_told_to_end_does_not_wait_for_a_server_that_says_nothing(streamed: int) -> None:
    """Also while a backlog is streamed to it; nothing of it is committed."""
    reader = FakeReader(*(polled({0: records(offset, 3)}) for offset in (0, 3, 6)))
    stop, tables, began = asyncio.Event(), Silent(), time.monotonic()
    asyncio.get_running_loop().call_later(0.1, stop.set)
    try:
        await Pump(reader, tables, Limits(rows=3, interval=0.001, streamed=streamed, farewell=0.2)).run(stop)
    finally:
        tables.let.set()

    assert (reader.committed, time.monotonic() - began < 5) == ({}, True)


async def test_refusal_without_a_verdict_on_rows_stops_the_worker() -> None:
    """A few tries, then a person must look; nothing is lost, since a restart meets the same records."""
    reader, tables = FakeReader(polled({0: records(0, 3)})), FakeTables(*[Failed("code 60")] * 9)

    with pytest.raises(Failed, match="code 60"):
        await pumped(reader, tables)

    assert len(tables.blocks) == 4
    assert (reader.committed, tables.buried) == ({}, [])


class BrokenBehind(FakeReader):
    """Cannot be read any further than what it was given."""

    async def poll(self, limit: int, wait: float) -> Polled:
        if not self.polls:
            raise LogBroken("bytes of it are not what was written")
        return await super().poll(limit, wait)


async def test_what_is_before_a_damage_is_committed_before_the_worker_stops() -> None:
    """Whoever mends the log may have to cut off all that is there up to the damage."""
    reader, tables = BrokenBehind(polled({0: records(0, 3)}), polled({0: records(3, 2)})), FakeTables()

    with pytest.raises(LogBroken):
        await pumped(reader, tables)

    assert [offset for block in tables.blocks for offset in offsets(block)] == [0, 1, 2, 3, 4]
    assert reader.committed == {0: 5}


async def test_guilty_rows_are_buried_and_the_rest_lands() -> None:
    """Halving finds them; then everything is committed."""
    reader, tables = FakeReader(polled({0: records(0, 100)})), FakeTables(guilty=[7, 64, 65])

    await pumped(reader, tables)

    landed = [offset for block in tables.blocks for offset in offsets(block)]
    assert sorted(landed) == [offset for offset in range(100) if offset not in (7, 64, 65)]
    assert sorted(tables.buried) == [(7, 27), (64, 27), (65, 27)]
    assert reader.committed == {0: 100}


async def test_too_many_dead_letters_stop_the_worker() -> None:
    """Nothing of the batch is buried or committed: it waits for whoever mends the cause."""
    reader, tables = FakeReader(polled({0: records(0, 100)})), FakeTables(guilty=range(100))

    with pytest.raises(TooManyDeadLetters, match="PENSTOCK_DEAD_LETTER_SHARE"):
        await pumped(reader, tables, Allowance(share=0.1, window=100, consecutive=20))

    assert (reader.committed, tables.buried) == ({}, [])


@pytest.mark.parametrize(("share", "consecutive"), [(0.1, 1000), (0.9, 20)])
async def test_dead_letters_of_many_batches_add_up(share: float, consecutive: int) -> None:
    """A trickle that never lands stops the worker as well, by its share or by its length."""
    trickle = [polled({0: records(offset, 5)}) for offset in range(0, 200, 5)]
    reader, tables = FakeReader(*trickle), FakeTables(guilty=range(200))
    pump = Pump(reader, tables, Limits(rows=5, interval=0.001), Allowance(share, window=100, consecutive=consecutive))

    with pytest.raises(TooManyDeadLetters):
        await asyncio.wait_for(pump.run(asyncio.Event()), 60)


async def test_records_gathered_before_a_rebalance_are_dropped() -> None:
    """They come again, here or elsewhere; nothing polled before is committed after."""
    reader = FakeReader(polled({0: records(0, 3)}, epoch=0), polled({0: records(2, 2)}, epoch=1))
    tables = FakeTables()

    await pumped(reader, tables)

    assert offsets(tables.blocks[-1]) == [2, 3]
    assert reader.committed == {0: 4}


def test_append_time_never_falls_within_a_partition() -> None:
    """A broker whose clock steps back does not make a later write the older one."""
    stepping = [FakeRecord(offset, at, b"k", b'{"id":"x"}') for offset, at in enumerate([5, 9, 3, 10])]

    spliced = splice("g", {0: stepping}, Clocks(lambda partition, offset: 7))

    assert [json.loads(row)["_at"] for row in spliced.rows] == [7, 9, 9, 10]


FOREIGN = [
    None,
    b"",
    b"x",
    b"[]",
    b"{}",
    b'{"a":1',
    b'"a"',
    b'\xef\xbb\xbf{"a":1}',
    b'{"a":1},{"a":1}',
    b'{"a":1}\n{"a":1}',
    b'{"a":%b%b}' % (b"[" * 5000, b"]" * 5000),
]


@pytest.mark.parametrize("value", FOREIGN)
def test_foreign_record_is_no_row(value: bytes | None) -> None:
    """It is never spliced: the rows around it would be read wrongly, or it would be two."""
    good, bad = FakeRecord(11, 0, None, b'{"id":"x"}'), FakeRecord(12, 0, None, value)

    spliced = splice("g", {4: [good, bad]}, Clocks(lambda partition, offset: 0))

    assert offsets(b"".join(spliced.rows)) == [11]
    assert [(placed.partition, placed.record) for placed in spliced.foreign] == [(4, bad)]
