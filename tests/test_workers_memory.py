"""A worker's memory is bounded, whatever waits on the log: by the bytes of a poll, and by those of a batch."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from ingest.log.kafka import KafkaLog
from ingest.log.sqlite import SqliteLog
from schemas.messages import Context, Message
from tests.test_workers_loop import FakeReader, FakeTables, polled, records
from workers.log import Reader
from workers.log.kafka import FETCH_BYTES, KafkaReader
from workers.log.sqlite import READ_BYTES, SqliteReader
from workers.loop import RECORD_BYTES, Limits, Pump

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


async def test_batch_ends_by_what_its_records_take() -> None:
    """Also of tiny records, which take far more than their values; nothing is left out."""
    polls = [polled({0: records(first, 10)}) for first in range(0, 100, 10)]
    reader, tables, stop = FakeReader(*polls), FakeTables(), asyncio.Event()
    asyncio.get_running_loop().call_later(0.3, stop.set)

    await Pump(reader, tables, Limits(size=20 * RECORD_BYTES, interval=0.2)).run(stop)

    rows = [block.count(b"\n") for block in tables.blocks]
    assert max(rows) <= 20
    assert sum(rows) == 100
    assert reader.committed == {0: 100}
