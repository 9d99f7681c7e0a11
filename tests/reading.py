"""What tests of the logs read back."""

import asyncio
from collections.abc import Iterable

import msgspec

from workers.log import Record
from workers.log.kafka import KafkaReader


def numbers(records: Iterable[Record]) -> list[int]:
    """The ids of the messages, which tests count upwards."""
    return [int(msgspec.json.decode(record.value or b"")["id"]) for record in records]


async def numbers_of(address: str, topic: str, partitions: int, count: int) -> list[list[int]]:
    """The numbers of each partition of a Kafka topic in their order, read until there are so many, and whatever comes
    right after. Raises `TimeoutError` if they do not come."""
    found: list[list[int]] = [[] for _ in range(partitions)]
    async with KafkaReader(bootstrap=address, topic=topic, group=f"check-{topic}") as reader, asyncio.timeout(60):
        came = True
        while came or sum(map(len, found)) < count:
            polled = (await reader.poll(10_000, 0.5)).records
            came = bool(polled)
            for partition, records in polled.items():
                found[partition] += numbers(records)
    return found
