"""Where a topic begins and ends, and how far the group of the workers is."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest

from schemas.settings import BadSettings, Settings
from schemas.topics import generation
from workers.log import LogAway
from workers.log.kafka_refusals import away
from workers.log.kafka_topic import Topic, brokers, describe
from workers.log.places import LogState

GROUP = "penstock"
# A broker that says nothing for as long is left for another one, which a question takes no time of.
ASKING_MS = 3_000
# The same of whoever reads. Beyond the session of a member that hangs, 10 s, for which the others of a group wait.
READING_MS = 15_000
# For how long, in s, nobody may know the group: its broker died, or has just begun to read its commits.
COORDINATED = 5.0
PAUSE = 0.1
UNCOORDINATED = (GroupLoadInProgressError, GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError)

Committed = Sequence[tuple[str, Sequence[tuple[int, int, str, int]]]]


@dataclass(frozen=True)
class Kafka:
    """Connections to ask with, for the time of a `with` block."""

    client: AIOKafkaClient
    admin: AIOKafkaAdminClient
    consumer: AIOKafkaConsumer


async def state(settings: Settings) -> LogState:
    """Raises `LogAway` and `BadSettings`."""
    async with connected(settings) as kafka:
        topic = await described(kafka.client, settings.topic, settings.partitions)
        name = generation(settings.topic, topic.id, topic.partitions)
        places = _places(settings)
        begin = await kafka.consumer.beginning_offsets(places)
        end = await kafka.consumer.end_offsets(places)
        committed = await commits(kafka.client, kafka.admin, GROUP, settings.topic, name)
        return LogState(name, _plain(begin), _plain(end), committed, *await _kept(kafka.admin, settings.topic))


async def offsets_at(settings: Settings, at: int) -> Mapping[int, int]:
    """Raises `LogAway` and `BadSettings`."""
    async with connected(settings) as kafka:
        await described(kafka.client, settings.topic, settings.partitions)
        places = _places(settings)
        end = await kafka.consumer.end_offsets(places)
        found = await kafka.consumer.offsets_for_times(dict.fromkeys(places, at))
        return _plain({place: found[place].offset if found[place] else end[place] for place in places})


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Kafka]:
    """Raises `LogAway` for whatever goes wrong with Kafka within the block."""
    try:
        async with AsyncExitStack() as stack:
            client = AIOKafkaClient(bootstrap_servers=settings.kafka, request_timeout_ms=ASKING_MS)
            stack.push_async_callback(client.close)
            await client.bootstrap()
            there = brokers(client)
            admin = AIOKafkaAdminClient(bootstrap_servers=there, request_timeout_ms=ASKING_MS)
            stack.push_async_callback(admin.close)
            await admin.start()
            consumer = AIOKafkaConsumer(bootstrap_servers=there, request_timeout_ms=READING_MS)
            stack.push_async_callback(consumer.stop)
            await consumer.start()
            yield Kafka(client, admin, consumer)
    except UnknownTopicOrPartitionError:
        raise LogAway(f"There is no topic {settings.topic} yet: an edge makes it. PENSTOCK_TOPIC names it.") from None
    except (KafkaError, OSError) as error:
        raise away(settings.kafka, error) from error


async def described(client: AIOKafkaClient, topic: str, partitions: int | None) -> Topic:
    """Raises aiokafka's errors, and `BadSettings` if the topic has another number of partitions; None takes any."""
    found = await describe(client, topic)
    if partitions is not None and found.partitions != partitions:
        raise BadSettings(
            f"PENSTOCK_PARTITIONS={partitions}, but topic {topic} has {found.partitions}: set that number for every"
            " edge and worker, or name a new PENSTOCK_TOPIC and drain the old one first."
        )
    return found


async def commits(
    client: AIOKafkaClient, admin: AIOKafkaAdminClient, group: str, topic: str, generation: str
) -> dict[int, int]:
    """What the group committed of this very generation: each commit carries its name. Waits a moment for the broker
    that coordinates the group. Raises aiokafka's errors."""
    clock = asyncio.get_running_loop().time
    until = clock() + COORDINATED
    while True:
        try:
            found = await _committed(client, admin, group)
        except UNCOORDINATED:
            if clock() >= until:
                raise
        else:
            return {
                partition: offset
                for name, places in found
                for partition, offset, note, _ in places
                if name == topic and note == generation and offset >= 0
            }
        await asyncio.sleep(PAUSE)


async def _committed(client: AIOKafkaClient, admin: AIOKafkaAdminClient, group: str) -> Committed:
    """By topic, of each partition with a code. Not by aiokafka's own `list_consumer_group_offsets`: it does not look at
    what is said of the group as a whole. A broker that has just begun to coordinate it, and reads its commits yet, then
    looks like a group that has none."""
    response = await client.send(await admin.find_coordinator(group), OffsetFetchRequest(group, None))
    for code in (response.error_code, *(code for _, places in response.topics for *_, code in places)):
        if code:
            raise for_code(code)(f"the commits of group {group} cannot be had")
    found: Committed = response.topics
    return found


def _places(settings: Settings) -> list[TopicPartition]:
    return [TopicPartition(settings.topic, partition) for partition in range(settings.partitions)]


def _plain(offsets: Mapping[TopicPartition, int]) -> dict[int, int]:
    return {place.partition: offset for place, offset in offsets.items()}


async def _kept(admin: AIOKafkaAdminClient, topic: str) -> tuple[int | None, int]:
    """retention.ms, None for ever, and segment.ms."""
    names = dict.fromkeys(("retention.ms", "segment.ms"))
    [response] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, names)])
    code, _, _, _, entries = response.resources[0]
    if code:
        raise UnknownTopicOrPartitionError(topic)
    said = {entry[0]: int(entry[1]) for entry in entries}
    return (said["retention.ms"] if said["retention.ms"] >= 0 else None), said["segment.ms"]
