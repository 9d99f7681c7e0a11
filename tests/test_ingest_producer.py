"""What `ingest/log/producer.py` knows of aiokafka's insides, with a real broker."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from ingest.log.producer import OpenBatch, close_producer, open_producer, take_up
from ingest.log.topic import prepare_topic

pytestmark = pytest.mark.kafka
PARTITIONS, ROUNDS = 4, 50


def batch(*values: bytes) -> OpenBatch:
    made = OpenBatch()
    for value in values:
        made.add(b"key", value)
    return made


def idle(producer: AIOKafkaProducer) -> bool:
    return not producer._sender._in_flight


async def test_every_batch_that_is_taken_up_arrives_in_its_order(kafka: str, topic: str) -> None:
    """While nothing is on its way to the broker, and while something is."""
    await prepare_topic(kafka, topic, PARTITIONS, 1)
    producer = await open_producer(kafka, topic, 10)
    try:
        deliveries, met_idle, met_busy, number = [], 0, 0, [0] * PARTITIONS
        while min(number) < ROUNDS:
            for partition in range(PARTITIONS):
                delivery = take_up(producer, topic, partition, batch(b"x"))
                if delivery is None:  # the one before it is still there
                    continue
                deliveries.append((number[partition], delivery))
                number[partition] += 1
                met_idle, met_busy = met_idle + idle(producer), met_busy + (not idle(producer))
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            offsets = [(await delivery).offset for _, delivery in deliveries]
        assert offsets == [number for number, _ in deliveries]
        assert met_idle
        assert met_busy
    finally:
        await close_producer(producer, 2)


async def test_what_has_to_wait_is_not_taken_up(kafka: str, topic: str) -> None:
    """The second for a partition that nobody looked at yet; one that is not there; whatever comes after the end."""
    await prepare_topic(kafka, topic, 1, 1)
    producer = await open_producer(kafka, topic, 10)
    try:
        first = take_up(producer, topic, 0, batch(b"1"))
        assert first is not None
        assert take_up(producer, topic, 0, batch(b"2")) is None
        assert take_up(producer, topic, 1, batch(b"2")) is None
        async with asyncio.timeout(20):
            assert (await first).offset == 0
    finally:
        await close_producer(producer, 2)

    assert take_up(producer, topic, 0, batch(b"2")) is None
