"""What `workers/log/kafka_records.py` knows of aiokafka's insides."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import google_crc32c
import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError, TopicAuthorizationFailedError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from ingest.log.topic import prepare_topic
from workers.log import LogBroken, kafka_records, ranges
from workers.log.kafka import FETCH_WAIT_MS, KafkaReader
from workers.log.kafka_records import _Fetched
from workers.log.kafka_refusals import away, translated

PLACE = TopicPartition("t", 3)
CHECKSUM, CHECKED = 17, 21  # where a batch has it, and what it is of begins


def fetched(*values: bytes, broken: bool = False, codec: int = 0, name: bytes = b"name") -> FetchResult:
    """One batch, as aiokafka's fetcher puts it aside. name: of the last one's header."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
    for number, value in enumerate(values):
        builder.append(number, 1_000 + number, b"key", value, [("name", b"\xff")])
    batch = builder.build()
    if name != b"name":
        before, _, behind = batch.rpartition(b"name")
        batch = before + name + behind
        batch[CHECKSUM:CHECKED] = google_crc32c.value(bytes(batch[CHECKED:])).to_bytes(4, "big")
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


@pytest.mark.parametrize("codec", [1, 2, 3, 4], ids=["gzip", "snappy", "lz4", "zstd"])
def test_compressed_records_are_read(codec: int) -> None:
    """An edge sends none, but a topic's `compression.type` makes them of all that it is sent."""
    value = b"of a hundred bytes, so that there is something to gain" * 2
    place = _Fetched()
    place[PLACE] = fetched(value, value, codec=codec)

    assert [record.value for record in place[PLACE]._partition_records] == [value, value]


class Assigned:
    """The one partition, as aiokafka keeps it."""

    active, paused, position = True, False, 0

    def state_value(self, _place: TopicPartition) -> "Assigned":
        return self

    def consumed_to(self, position: int) -> None:
        self.position = position


def test_large_records_come_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are asked for: what a topic has compressed may be larger than the memory. None is left out."""
    monkeypatch.setattr(kafka_records, "MOST", 2_000)
    place = _Fetched()
    place[PLACE] = result = fetched(*[b"x" * 100] * 60)
    result._assignment = Assigned()

    found = []
    while result.has_more():
        found.append([record.offset for record in result.getall(50)])
        assert result._assignment.position == found[-1][-1] + 1

    assert [len(offsets) for offsets in found] == [32, 28]
    assert [offset for offsets in found for offset in offsets] == list(range(60))
    place[PLACE] = result = fetched(b"a", b"b")
    result._assignment = Assigned()
    assert [len(result.getall(1)) for _ in range(3)] == [1, 1, 0]


def test_checksum_is_still_asked_for() -> None:
    """Bytes that changed on their way are no records, and somebody has to look."""
    place = _Fetched()
    place[PLACE] = fetched(b"a", broken=True)

    with pytest.raises(LogBroken, match=r"topic t: CorruptRecord.* kafka-delete-records"), translated("t"):
        list(place[PLACE]._partition_records)


@pytest.mark.parametrize("reading", [translated, ranges._translated], ids=["worker", "replay"])
def test_header_that_nobody_can_read_is_told(reading: Callable[[str], AbstractContextManager[None]]) -> None:
    """Clients of other languages send any bytes as its name."""
    place = _Fetched()
    place[PLACE] = fetched(b"a", name=b"\xff\xfe\xff\xfe")

    with pytest.raises(LogBroken, match="header"), reading("t"):
        list(place[PLACE]._partition_records)


def test_what_is_before_a_record_that_cannot_be_read_is_handed_out() -> None:
    """Whoever mends it may have to delete the partition up to behind it. What is fetched next begins with it."""
    place = _Fetched()
    place[PLACE] = result = fetched(b"a", b"b", b"c", name=b"\xff\xfe\xff\xfe")
    result._assignment = Assigned()

    assert [record.value for record in result.getall(10)] == [b"a", b"b"]
    assert not result.has_more()
    assert result._assignment.position == 2
    place[PLACE] = result = fetched(b"c", name=b"\xff\xfe\xff\xfe")
    result._assignment = Assigned()
    with pytest.raises(UnicodeDecodeError):
        result.getall(10)


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


async def test_reader_ends_in_order_while_its_fetches_are_repeated(
    kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are while a broker is away. aiokafka takes the end of one for its own, and the worker's SIGTERM would end
    in a stack trace."""
    send, failed = AIOKafkaClient.send, asyncio.Event()

    async def away(client: AIOKafkaClient, node: int, request: object, **options: Any) -> Any:
        if isinstance(request, FetchRequest):
            failed.set()
            raise KafkaConnectionError("nobody listens")
        return await send(client, node, request, **options)

    await prepare_topic(kafka, topic, 1, 1)
    async with KafkaReader(bootstrap=kafka, topic=topic, group=topic) as reader:
        monkeypatch.setattr(AIOKafkaClient, "send", away)
        async with asyncio.timeout(60):
            while not failed.is_set():
                await reader.poll(1, 0.2)
    assert reader.generation


async def kept_alive(reader: KafkaReader, made: Counter[int]) -> Counter[int]:
    """For longer than a fetch waits at the broker; what came meanwhile."""
    before = made.copy()
    for _ in range(10):
        await reader.keep_alive()
        await asyncio.sleep(FETCH_WAIT_MS / 2_000)
    return made - before


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
        fetched = [await kept_alive(reader, made) for _ in range(3)]
        found = [record for run in first.records.values() for record in run]
        async with asyncio.timeout(60):
            while len(found) < 20:
                found += [record for run in (await reader.poll(100, 1)).records.values() for record in run]

    assert not fetched[-1]  # what was asked for before may still have come
    assert sorted(record.value or b"" for record in found) == sorted(b'{"id":"%d"}' % number for number in range(20))


def test_permission_that_is_missing_is_no_silence() -> None:
    """Who asks Kafka from outside is told what to allow, not that it does not answer."""
    assert str(away("host:9092", GroupAuthorizationFailedError())).endswith("Let the worker's user read the group.")
    assert "refuses" in str(away("host:9092", TopicAuthorizationFailedError()))
    assert "does not answer" in str(away("host:9092", KafkaConnectionError()))
