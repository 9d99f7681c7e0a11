"""Reads any range of the log, beside the workers: a member of no group, so nothing is committed or rebalanced by it."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import CorruptRecordException, KafkaError

from schemas.settings import Settings
from schemas.topics import generation
from workers.log import LogAway, LogReplaced, Record
from workers.log.kafka import FETCH_BYTES, FETCH_PARTITION_BYTES, FETCH_WAIT_MS
from workers.log.kafka_places import ASKING_MS, READING_MS
from workers.log.kafka_records import leave_as_unpacked
from workers.log.kafka_refusals import broken
from workers.log.kafka_stop import stop
from workers.log.kafka_topic import brokers, describe
from workers.log.places import LogState
from workers.log.sqlite import StoredRecord
from workers.log.sqlite_places import opened

SILENCE = 10.0  # s without a record, where there must be some
MOST = 32 * 1024 * 1024  # bytes of values that are read at a time, and a record more
LATEST = 1 << 42  # ms: no append time is beyond it


class Ranges(Protocol):
    """One generation of the log. Raises `LogAway`, `LogReplaced` and `LogBroken`."""

    async def read(self, partition: int, offset: int, end: int, limit: int, /) -> Sequence[Record]:
        """Up to `limit` records from `offset` on and below `end`, fewer large ones; none only if there is none."""

    async def latest_before(self, partition: int, offset: int, /) -> int:
        """The latest append time in ms of all records before that offset which the log still has, or 0."""


@asynccontextmanager
async def ranges(settings: Settings, state: LogState) -> AsyncIterator[Ranges]:
    """Of the generation in `state`."""
    if settings.kafka:
        async with _kafka(settings, state.generation) as kafka:
            yield kafka
    else:
        with opened(settings.data / "log.db") as connection:
            yield SqliteRanges(connection, state.generation)


class SqliteRanges:
    """The embedded log's file."""

    def __init__(self, connection: sqlite3.Connection, generation: str) -> None:
        self._connection = connection
        [found] = connection.execute("SELECT id FROM generation").fetchone()
        if found != generation:
            raise LogReplaced(f"the log was {generation} and is now {found}")

    async def read(self, _partition: int, offset: int, end: int, limit: int) -> Sequence[Record]:
        found: list[Record] = []
        size = 0
        reading = "SELECT offset, at, key, value FROM records WHERE offset >= ? AND offset < ? ORDER BY offset LIMIT ?"
        with closing(self._connection.execute(reading, (offset, end, limit))) as rows:
            for record in map(StoredRecord._make, rows):
                found.append(record)
                size += len(record.value)
                if size >= MOST:
                    break
        return found

    async def latest_before(self, _partition: int, offset: int) -> int:
        found = self._connection.execute(
            "SELECT at FROM records WHERE offset < ? ORDER BY offset DESC LIMIT 1", (offset,)
        ).fetchone()
        return int(found[0]) if found else 0  # its append times never fall


class KafkaRanges:
    """A topic.

    consumer: reads. asking: has nothing assigned, so its questions do not wait behind a fetch that waits for records.
    """

    def __init__(
        self,
        client: AIOKafkaClient,
        consumer: AIOKafkaConsumer,
        asking: AIOKafkaConsumer,
        topic: str,
        generation: str,
    ) -> None:
        self._client = client
        self._consumer = consumer
        self._asking = asking
        self._topic = topic
        self._generation = generation

    async def read(self, partition: int, offset: int, end: int, limit: int) -> Sequence[Record]:
        place = TopicPartition(self._topic, partition)
        found: list[Record] = []
        size = 0
        with _translated(self._topic):
            await self._seek(place, offset)
            while len(found) < limit and size < MOST and await self._consumer.position(place) < end:
                taken = await self._consumer.getmany(timeout_ms=int(SILENCE * 1000), max_records=limit - len(found))
                if not taken:
                    raise LogAway(f"Kafka gave no record of partition {partition} for {SILENCE:.0f} s")
                found += taken[place]
                size += sum(len(record.value or b"") for record in taken[place])
            await self._confirm()
        return [record for record in found if record.offset < end]

    async def latest_before(self, partition: int, offset: int) -> int:
        """By halving: a record before `offset` is later than `at` just if the first one that is as late is before it.
        Append times on Kafka may fall, so the last record before it need not have the latest."""
        place = TopicPartition(self._topic, partition)
        low, high = 0, LATEST
        with _translated(self._topic):
            while low < high:
                at = (low + high + 1) // 2
                first = (await self._asking.offsets_for_times({place: at}))[place]
                low, high = (at, high) if first and first.offset < offset else (low, at - 1)
        return low

    async def _seek(self, place: TopicPartition, offset: int) -> None:
        if place not in self._consumer.assignment():
            self._consumer.assign([place])
            self._consumer.seek(place, offset)
        elif await self._consumer.position(place) != offset:
            self._consumer.seek(place, offset)

    async def _confirm(self) -> None:
        """What was read is of this generation if it is still there: ids of topics never come back."""
        now = generation(self._topic, *await describe(self._client, self._topic))
        if now != self._generation:
            raise LogReplaced(f"topic {self._topic} was {self._generation} and is now {now}")


@asynccontextmanager
async def _kafka(settings: Settings, generation: str) -> AsyncIterator[KafkaRanges]:
    async with AsyncExitStack() as stack:
        with _translated(settings.topic):
            client = AIOKafkaClient(bootstrap_servers=settings.kafka, request_timeout_ms=ASKING_MS)
            stack.push_async_callback(client.close)
            await client.bootstrap()
            where = {"bootstrap_servers": brokers(client), "request_timeout_ms": READING_MS}
            consumer = AIOKafkaConsumer(
                **where,
                enable_auto_commit=False,
                auto_offset_reset="earliest",  # what expires meanwhile is skipped
                max_partition_fetch_bytes=FETCH_PARTITION_BYTES,
                fetch_max_bytes=FETCH_BYTES,
                fetch_max_wait_ms=FETCH_WAIT_MS,
            )
            asking = AIOKafkaConsumer(**where, enable_auto_commit=False)
            for each in (consumer, asking):
                stack.push_async_callback(stop, each)
                await each.start()
        leave_as_unpacked(consumer)
        yield KafkaRanges(client, consumer, asking, settings.topic, generation)


@contextmanager
def _translated(topic: str) -> Iterator[None]:
    try:
        yield
    except (CorruptRecordException, UnicodeDecodeError) as error:
        raise broken(topic, error) from error
    except (KafkaError, OSError) as error:
        raise LogAway(f"Kafka does not answer: {error!r}") from error
