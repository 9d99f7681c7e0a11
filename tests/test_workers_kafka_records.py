"""What `workers/log/kafka_records.py` knows of aiokafka's insides."""

import asyncio
import time
from collections import Counter
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from ingest.log.topic import prepare_topic
from workers.log.kafka import FETCH_WAIT_MS, KafkaReader
from workers.log.kafka_records import _Fetched

PLACE = TopicPartition("t", 3)


def fetched(*values: bytes, broken: bool = False) -> FetchResult:
    """One batch, as aiokafka's fetcher puts it aside."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for number, value in enumerate(values):
        builder.append(number, 1_000 + number, b"key", value, [("name", b"\xff")])
    batch = builder.build()
    if broken:
        batch[-1] ^= 1
    records = PartitionRecords(PLACE, MemoryRecords(bytes(batch)), None, 0, None, None, True, 0)
    return FetchResult(PLACE, assignment=None, partition_records=records, backoff=0)


def test_record_has_all_that_the_worker_reads() -> None:
    """As unpacked: no `ConsumerRecord` was made of it."""
    place = _Fetched()
    place[PLACE] = fetched(b"a", b"b")

    first, second = place[PLACE]._partition_records

    assert not isinstance(first, ConsumerRecord)
    assert (first.offset, first.timestamp, first.key, first.value) == (0, 1_000, b"key", b"a")
    assert [(name, value) for name, value in first.headers] == [("name", b"\xff")]
    assert (second.offset, second.timestamp, second.value) == (1, 1_001, b"b")


def test_checksum_is_still_asked_for() -> None:
    """Bytes that changed on their way are no records."""
    place = _Fetched()
    place[PLACE] = fetched(b"a", broken=True)

    with pytest.raises(CorruptRecordException):
        list(place[PLACE]._partition_records)


async def test_reader_hands_out_records_as_they_are_unpacked(kafka: str, topic: str) -> None:
    """From a real broker: append times, keys and headers are the log's, and what has no value has none."""
    await prepare_topic(kafka, topic, 1, 1)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(topic, b'{"id":"a"}', b"key", headers=[("name", b"\xff")])
        await producer.send_and_wait(topic, None, b"key")

    async with KafkaReader(bootstrap=kafka, topic=topic, group=topic) as reader:
        records = (await reader.poll(10, 20)).records[0]

    assert not any(isinstance(record, ConsumerRecord) for record in records)
    assert [(record.offset, record.key, record.value) for record in records] == [
        (0, b"key", b'{"id":"a"}'),
        (1, b"key", None),
    ]
    assert list(records[0].headers) == [("name", b"\xff")]
    assert abs(records[0].timestamp / 1000 - time.time()) < 60


async def test_what_was_fetched_stays_while_an_insert_is_waited_for(
    kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that takes nothing is fetched again: it would be held until Python looks for garbage."""
    made = Counter[int]()

    def counted(place: TopicPartition, *rest: Any) -> PartitionRecords:
        made[place.partition] += 1
        return PartitionRecords(place, *rest)

    monkeypatch.setattr("aiokafka.consumer.fetcher.PartitionRecords", counted)
    await prepare_topic(kafka, topic, 2, 1)
    async with AIOKafkaProducer(bootstrap_servers=kafka, linger_ms=20) as producer:
        await asyncio.gather(
            *[await producer.send(topic, b'{"id":"%d"}' % number, partition=number % 2) for number in range(20)]
        )
    async with KafkaReader(bootstrap=kafka, topic=topic, group=topic) as reader:
        first = await reader.poll(2, 10)
        await reader.keep_alive()
        await asyncio.sleep(3 * FETCH_WAIT_MS / 1000)  # what was asked for before has come
        fetched_before = made.copy()
        for _ in range(20):
            await reader.keep_alive()
            await asyncio.sleep(0.05)
        fetched_meanwhile = made - fetched_before
        found = [record for run in first.records.values() for record in run]
        async with asyncio.timeout(10):
            while len(found) < 20:
                found += [record for run in (await reader.poll(100, 1)).records.values() for record in run]

    assert not fetched_meanwhile
    assert sorted(record.value or b"" for record in found) == sorted(b'{"id":"%d"}' % number for number in range(20))
