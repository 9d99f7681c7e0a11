"""aiokafka's producer: opened whole or not at all, and closed without leaving a batch that could still arrive."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from ingest.log.latest import latest_append
from ingest.log.produce import ProduceRequests

BATCH_BYTES = 1_048_576
CUT_TIMEOUT = 1.0


class Producer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka has no types
    """requests: the short way of its batches, once it is open. latest: the topic's latest append time then, in ms since
    1970, if it is beyond the clock; else 0."""

    requests: ProduceRequests
    latest: int


async def open_producer(brokers: Sequence[str], topic: str, request_timeout: float, clock: float) -> Producer:
    """A producer that has its id and knows the topic. Raises aiokafka's errors; tries for as long as it is let.

    clock: s since 1970.
    """
    producer = Producer(
        bootstrap_servers=brokers,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,
        request_timeout_ms=int(request_timeout * 1000),
    )
    async with AsyncExitStack() as undo:
        undo.push_async_callback(producer.stop)
        await producer.start()
        await producer.partitions_for(topic)
        producer.requests = ProduceRequests(producer, topic, request_timeout)
        producer.latest = await latest_append(producer.client, topic, int(clock * 1000))
        undo.pop_all()
    return producer


async def close_producer(producer: Producer, patience: float) -> None:
    """Refuse new batches, let the open ones settle, close. What has not settled after `patience` fails.

    An idempotent producer repeats a batch for ever while its partition does not answer, and `stop` waits for that.
    """
    stopping = asyncio.create_task(_stop(producer))
    try:
        await asyncio.wait({stopping}, timeout=patience)
    finally:  # also when cancelled: nobody else will close it
        if not stopping.done():
            await _cut(producer)
        await stopping
        _heed_waiters(producer)


async def _stop(producer: Producer) -> None:
    await producer.requests.settle()
    await producer.stop()


async def _cut(producer: Producer) -> None:
    # There is no public way to stop an aiokafka producer that cannot deliver. First the sender, so that it begins
    # nothing new; then the connections, so that what it waits for fails.
    sender = producer._sender.sender_task
    sender.cancel()
    given_up = KafkaConnectionError("given up")
    producer.requests.cut(given_up)
    await producer.client.close()
    _, waiting = await asyncio.wait({sender}, timeout=CUT_TIMEOUT)
    if waiting:  # for metadata, which nobody fetches any more
        sender.cancel()
        await asyncio.wait(waiting)
    accumulator = producer._message_accumulator
    for batches in accumulator._batches.values():
        # A batch between two tries is in neither set, and its own callback would then fail to find it.
        accumulator._pending_batches.update(batches)
    accumulator.fail_all(given_up)


def _heed_waiters(producer: Producer) -> None:
    """Nobody asks what the wait for a batch ended with that was never taken up: asyncio would log an error, but of none
    that was cancelled, be it too late."""
    for batches in producer._message_accumulator._batches.values():
        for batch in batches:
            batch._drain_waiter.cancel()
