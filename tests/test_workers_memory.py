"""A worker's memory is bounded, whatever waits on the log: by the bytes of a poll, and by those of a batch."""

import asyncio
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from ingest.log.kafka import KafkaLog
from ingest.log.sqlite import SqliteLog
from schemas.messages import Context, Message
from tests.test_workers_loop import FakeReader, FakeTables, polled, records, run_until
from workers.gathering import RECORD_BYTES, Limits
from workers.log import Polled, Reader
from workers.log.kafka import FETCH_BYTES, FETCH_PARTITION_BYTES, KafkaReader
from workers.log.sqlite import READ_BYTES, SqliteReader
from workers.loop import Pump

LARGE = 500_000
COUNT = 60


def large(number: int) -> Message:
    context = Context(endpoint="track")
    message = Message(id="", workspace="w", kind="event", subject="id:1", received_at=1, timestamp=1, context=context)
    return msgspec.structs.replace(message, id=f"{number:03}", name="x" * LARGE)


async def sizes_of_polls(reader: Reader) -> list[int]:
    """Bytes of values, until all were handed out, in their order."""
    sizes, expected = [], 0
    async with asyncio.timeout(60):
        while expected < COUNT:
            found = [record for run in (await reader.poll(200_000, 1)).records.values() for record in run]
            for record in found:
                assert b'"id":"%03d"' % expected in (record.value or b"")[:100]
                expected += 1
            if found:
                sizes.append(sum(len(record.value or b"") for record in found))
    return sizes


async def test_embedded_log_is_read_in_parts_of_bounded_size(tmp_path: Path) -> None:
    """All records come, in their order; a part is no larger than the bound and one record."""
    log, positions = tmp_path / "log.db", tmp_path / "positions.db"
    async with SqliteLog(log) as writing, SqliteReader(log, positions) as reader:
        for number in range(COUNT):
            await writing.append([large(number)])
        sizes = await sizes_of_polls(reader)

    assert max(sizes) <= READ_BYTES + 2 * LARGE


@pytest.mark.kafka
async def test_kafka_is_read_in_parts_of_bounded_size(kafka: str, topic: str) -> None:
    """The same, whatever the broker would send at once."""
    log = KafkaLog(bootstrap=kafka, topic=topic, partitions=1, replication=1, append_timeout=10)
    async with log as writing, KafkaReader(bootstrap=kafka, topic=topic, group=topic) as reader:
        for number in range(COUNT):
            await writing.append([large(number)])
        sizes = await sizes_of_polls(reader)

    assert max(sizes) <= FETCH_BYTES + 2 * LARGE


@pytest.mark.kafka
async def test_batch_that_is_larger_than_a_fetch_comes_whole(kafka: str, topic: str) -> None:
    """Also beside a partition that has enough for every fetch."""
    log = KafkaLog(bootstrap=kafka, topic=topic, partitions=2, replication=1, append_timeout=10)
    size = 3 * FETCH_PARTITION_BYTES
    async with log, AIOKafkaProducer(bootstrap_servers=kafka, max_batch_size=size, max_request_size=size) as producer:
        for partition, count, value in ((0, 5, b"x" * LARGE), (1, COUNT, b"y" * LARGE)):
            batch = producer.create_batch()
            for _ in range(count):
                if not batch.append(key=None, value=value, timestamp=None):
                    await (await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
                    batch.append(key=None, value=value, timestamp=None)
            await (await producer.send_batch(batch, topic, partition=partition))

    found: Counter[int] = Counter()
    async with KafkaReader(bootstrap=kafka, topic=topic, group=topic) as reader, asyncio.timeout(60):
        while found.total() < COUNT + 5:
            found.update({partition: len(run) for partition, run in (await reader.poll(1_000, 1)).records.items()})
    assert found == {0: 5, 1: COUNT}


async def test_batch_ends_by_what_its_records_take() -> None:
    """Also of tiny records, which take far more than their values; nothing is left out."""
    polls = [polled({0: records(first, 10)}) for first in range(0, 100, 10)]
    reader, tables = FakeReader(*polls), FakeTables()

    await run_until(reader.is_done, Pump(reader, tables, Limits(size=20 * RECORD_BYTES, interval=0.2)))

    rows = [block.count(b"\n") for block in tables.blocks]
    assert max(rows) <= 20
    assert sum(rows) == 100
    assert reader.committed == {0: 100}


class Backlog(FakeReader):
    """Hands out as many records as it is asked for, at once; `over` when there are no more."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = records(0, count)
        self.over = asyncio.Event()

    async def poll(self, limit: int, wait: float) -> Polled:
        some, self.left = self.left[:limit], self.left[limit:]
        if not some:
            self.over.set()
        return polled({0: some} if some else {})


async def test_no_more_is_taken_from_a_backlog_than_a_batch_holds() -> None:
    """Also if the log would hand out all of it at once; batches are full, and nothing is left out."""
    reader, tables = Backlog(60_000), FakeTables()

    await Pump(reader, tables, Limits(size=20_000 * RECORD_BYTES, interval=0.2)).run(reader.over)

    rows = [block.count(b"\n") for block in tables.blocks]
    assert max(rows) <= 20_000
    assert len(rows) < 6
    assert sum(rows) == 60_000
