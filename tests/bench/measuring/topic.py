"""A topic full of messages, written as an edge does, and a consumer group that is put back to its beginning."""

import random
import time
from itertools import islice

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from ingest.log.kafka import KafkaLog
from tests.bench.measuring.messages import message
from workers.log.kafka_places import GROUP

TOPIC, PARTITIONS = "bench", 4
AT_ONCE_BYTES, TYPICAL_BYTES = 1_000_000, 350


async def fill(bootstrap: str, count: int, *, padding: int = 0) -> None:
    """Into a topic that is made for it. padding: bytes that each message has more."""
    log = KafkaLog(bootstrap=bootstrap, topic=TOPIC, partitions=PARTITIONS, replication=1, append_timeout=30)
    rng, began = random.Random(1), time.time()
    messages = (message(number, rng, began) for number in range(count))
    at_once = max(1, AT_ONCE_BYTES // (TYPICAL_BYTES + padding))
    async with log:
        while some := list(islice(messages, at_once)):
            if padding:
                some = [msgspec.structs.replace(one, client_id="x" * padding) for one in some]
            await log.append(some)


async def forget(bootstrap: str) -> None:
    """How far the workers came. None of them may run."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, OffsetAndMetadata(0, "")))
    finally:
        await consumer.stop()
