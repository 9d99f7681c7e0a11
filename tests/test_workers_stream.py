"""In a backlog rows are sent while they are read, and kept nowhere: whatever happens to the insert, nothing is lost."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence

import pytest

from tests.tables import FakeRecord
from tests.test_workers_loop import FakeReader, FakeTables, offsets, polled, records, run_until
from workers.batch import Block, Run
from workers.clickhouse import Away, Failed
from workers.dead_letters import Allowance
from workers.gathering import RECORD_BYTES, Limits
from workers.log import Polled, Record
from workers.loop import Pump
from workers.stream import Stream

NOW = int(time.time() * 1000)
KEPT = 10  # records of a batch that is kept
LIMITS = Limits(size=KEPT * (RECORD_BYTES + 10), interval=0.02, backoff=0.01, careful=2)


def backlog(count: int, at: int = NOW, epoch: int = 1) -> list[Polled]:
    return [polled({0: records(first, KEPT, at)}, epoch) for first in range(0, count, KEPT)]


class Streamed(FakeTables):
    """Knows which blocks were streamed; of the first `cut` of those it takes nothing and reads nothing."""

    def __init__(self, *, guilty: Sequence[int] = (), cut: int = 0, error: Exception | None = None) -> None:
        super().__init__(guilty=guilty)
        self.cut = cut
        self.error = error or Away("reset")
        self.streams: list[bytes] = []
        self.ends: list[tuple[int, int]] = []

    def insert(self, block: Block | Stream) -> None:
        if isinstance(block, Stream) and self.cut:
            self.cut -= 1
            raise self.error
        before = len(self.blocks)
        super().insert(block)
        self.streams += self.blocks[before:] if isinstance(block, Stream) else []

    def resolve(self, generation: str, records: Mapping[int, Sequence[Record]]) -> None:
        super().resolve(generation, records)
        self.ends += [(run[0].offset, run[-1].offset) for run in records.values()]

    @property
    def landed(self) -> list[int]:
        return [offset for block in self.blocks for offset in offsets(block)]


# A stream lasts until it is ended, however slowly the machine reads.
LONG = Limits(size=LIMITS.size, interval=60)


async def pumped(reader: FakeReader, tables: FakeTables, limits: Limits = LIMITS) -> None:
    """Until all is committed, or, of a stream that lasts, until all was handed out."""
    done = reader.is_done if limits is LIMITS else lambda: not reader.polls
    await run_until(done, Pump(reader, tables, limits, Allowance(share=1)))


async def test_full_batch_is_followed_by_one_that_is_streamed() -> None:
    """It has more rows than are kept; each row comes once, and people are looked for among all of them."""
    reader, tables = FakeReader(*backlog(200)), Streamed()

    await pumped(reader, tables, LONG)

    assert max(block.count(b"\n") for block in tables.streams) > 2 * KEPT
    assert tables.landed == list(range(200))
    assert [first for first, _ in tables.ends] == [0, *(last + 1 for _, last in tables.ends[:-1])]
    assert reader.committed == {0: 200}


@pytest.mark.parametrize("error", [Away("reset"), Failed("code 60")])
async def test_stream_that_was_not_taken_is_read_again(error: Exception) -> None:
    """From what was committed; what had been read after it is not committed before it."""
    reader, tables = FakeReader(*backlog(200)), Streamed(cut=2, error=error)

    await pumped(reader, tables)

    assert sorted(set(tables.landed)) == list(range(200))
    assert reader.committed == {0: 200}


async def test_guilty_rows_of_a_stream_are_buried_and_the_rest_lands() -> None:
    """By batches that are kept."""
    reader, tables = FakeReader(*backlog(200)), Streamed(guilty=[77, 150])

    await pumped(reader, tables)

    assert sorted(set(tables.landed)) == [offset for offset in range(200) if offset not in (77, 150)]
    assert sorted(set(tables.buried)) == [(77, 27), (150, 27)]
    assert reader.committed == {0: 200}


async def test_record_of_somebody_else_is_not_streamed() -> None:
    """It ends the stream, and is buried by a batch that is kept."""
    polls = backlog(200)
    polls[9] = polled({0: [*records(90, 4, NOW), FakeRecord(94, NOW, b"k", b"x"), *records(95, 5, NOW)]})
    reader, tables = FakeReader(*polls), Streamed()

    await pumped(reader, tables)

    assert sorted(tables.landed) == [offset for offset in range(200) if offset != 94]
    assert tables.buried == [(94, 0)]
    assert reader.committed == {0: 200}


async def test_old_records_are_not_streamed() -> None:
    """Whose they are is found by their keys."""
    reader, tables = FakeReader(*backlog(200, NOW - 6 * 86_400_000)), Streamed()

    await pumped(reader, tables)

    assert (tables.streams, tables.resolved) == ([], list(range(200)))


async def test_rebalance_ends_a_stream() -> None:
    """What was sent of the old epoch is not committed, and what comes of the new one is no part of it."""
    reader, tables = FakeReader(*backlog(60, epoch=0), *backlog(100)), Streamed()

    await pumped(reader, tables)

    assert len(tables.streams) >= 2
    assert all(offsets(block) == sorted(offsets(block)) for block in tables.streams)
    assert sorted(set(tables.landed)) == list(range(100))
    assert reader.committed == {0: 100}


async def test_append_time_of_a_stream_never_falls() -> None:
    """It goes on from the batch before it, and the next one from it."""
    tables = Streamed()

    await pumped(FakeReader(*(polled({0: records(first, KEPT, NOW - first)}) for first in range(0, 100, KEPT))), tables)

    assert tables.streams
    assert {json.loads(row)["_at"] for block in tables.blocks for row in block.splitlines()} == {NOW}


async def test_worker_that_is_stopped_ends_its_stream() -> None:
    """And commits it."""
    reader, tables = FakeReader(*backlog(50)), Streamed()

    await pumped(reader, tables, LONG)

    assert tables.streams
    assert reader.committed == {0: 50}


@pytest.mark.parametrize("is_repeated", [True, False])
async def test_stream_never_succeeds_with_fewer_rows_than_it_was_given(is_repeated: bool) -> None:
    """Not when it is sent a second time, nor when it is given up."""
    stream = Stream("g")
    stream.sending = asyncio.create_task(asyncio.sleep(0))
    await stream.put([Run(0, 1, True, list(records(0, 3)))], 30)
    if is_repeated:
        stream.end()
        assert offsets(bytes(stream)) == [0, 1, 2]
    else:
        stream.give_up()

    with pytest.raises(Away):
        bytes(stream)


async def test_whoever_reads_waits_for_a_stream_that_is_not_sent() -> None:
    """So what waits in memory is bounded."""
    stream = Stream("g")
    stream.sending = asyncio.create_task(asyncio.sleep(600))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stream.put([Run(0, 1, True, list(records(0, 3)))], 5_000_000), 0.05)
    stream.sending.cancel()
