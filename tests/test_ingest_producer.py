"""The short way of a batch to Kafka and what it knows of aiokafka's insides, with a real broker."""

import asyncio
import gc
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO

import pytest
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaError
from aiokafka.protocol.produce import ProduceRequest_v7, ProduceResponse_v7
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.log.groups import encoded
from ingest.log.produce import FEW
from ingest.log.produce_wire import request, results
from ingest.log.producer import BATCH_BYTES, Producer, close_producer, open_producer
from ingest.log.record_batch import Framed, RecordBatch, framed, framed_again
from ingest.log.topic import prepare_topic
from schemas.messages import Written
from tests.reading import numbers_of

PARTITIONS, BATCHES = 4, 150
CLIENT = "penstock"
_INT64 = st.integers(-1, 2**63 - 1)


@asynccontextmanager
async def producing(kafka: str, topic: str) -> AsyncIterator[Producer]:
    await prepare_topic(kafka, topic, PARTITIONS, 1)
    producer = await open_producer([kafka], topic, 10, time.time())
    try:
        yield producer
    finally:
        await close_producer(producer, 20)


def batch(*of: int) -> RecordBatch:
    made = RecordBatch(BATCH_BYTES)
    made.add(_records(*of))
    return made


async def _sent(producer: Producer, number: int, *later: int) -> None:
    """later: what comes in the next turn of the loop."""
    told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    of = batch(number)
    assert producer.requests.take_up(0, of, lambda timestamp, _: told.set_result(timestamp))
    await asyncio.sleep(0)
    assert of.add(_records(*later)) == len(later)
    async with asyncio.timeout(60):
        assert await told > 0
    assert not of.add(_records(9))


def _alive() -> set[RecordBatch]:
    return {each for each in gc.get_objects() if isinstance(each, RecordBatch)}


def _records(*of: int) -> list[Framed]:
    return framed_again([(b"key", b'{"id":"%d"}' % number, 0) for number in of])


def connections(producer: Producer) -> list[AIOKafkaConnection]:
    return list(producer.client._conns.values())


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if condition():
                return
            await asyncio.sleep(0)


@pytest.mark.kafka
@pytest.mark.parametrize("cuts", [0, 20])
async def test_every_batch_is_there_once_and_in_its_order(kafka: str, topic: str, cuts: int) -> None:
    """One after the other in each partition, some while the broker is free and some while it is not. cuts: how often
    the connection breaks while an answer is still to come."""
    chance, left, open_ones = random.Random(cuts), [BATCHES] * PARTITIONS, 0
    async with producing(kafka, topic) as producer:
        met: set[tuple[bool, bool]] = set()
        done = asyncio.Event()

        def told(partition: int, timestamp: int, error: KafkaError | None) -> None:
            nonlocal open_ones
            assert error is None
            assert timestamp > 0 or cuts
            open_ones -= 1
            send(partition)

        def send(partition: int) -> None:
            nonlocal open_ones
            if left[partition]:
                left[partition] -= 1
                open_ones += 1
                of = batch(BATCHES - left[partition])
                met.add((bool(connections(producer)), bool(producer._sender._in_flight)))
                assert producer.requests.take_up(
                    partition, of, lambda timestamp, error: told(partition, timestamp, error)
                )
            elif not open_ones:
                done.set()

        for partition in range(PARTITIONS):
            send(partition)
        async with asyncio.timeout(60):
            for _ in range(cuts):
                await eventually(lambda: any(connection._requests for connection in connections(producer)))
                for connection in connections(producer):
                    connection.close(CloseReason.CONNECTION_BROKEN)
                await asyncio.sleep(chance.random() / 50)
            await done.wait()

    assert {busy for _, busy in met} == {True, False}
    assert (
        await numbers_of(kafka, topic, PARTITIONS, PARTITIONS * BATCHES) == [list(range(1, BATCHES + 1))] * PARTITIONS
    )


@pytest.mark.kafka
async def test_what_comes_before_it_is_sent_goes_with_it(kafka: str, topic: str) -> None:
    """Into the batch that is handed over, until it has its number; a few wait for the next turn of the loop as well."""
    async with producing(kafka, topic) as producer:
        await _sent(producer, 1, 2)  # without a connection
        await _sent(producer, 3, 4)
        many = batch(*range(5, 5 + FEW))
        assert producer.requests.take_up(0, many, lambda *_: None)
        await asyncio.sleep(0)
        assert not many.add(_records(99))

    assert await numbers_of(kafka, topic, PARTITIONS, 4 + FEW) == [[*range(1, 5 + FEW)], [], [], []]


async def _leaves_nothing(producer: Producer, number: int) -> bool:
    """Unless aiokafka sent it: its loop keeps what it repeated last."""
    before = _alive()
    await _sent(producer, number)
    return _alive() <= before


@pytest.mark.kafka
async def test_what_was_sent_is_gone_once_it_is_told(kafka: str, topic: str) -> None:
    """Nothing of a request waits until Python looks for garbage: of large batches that would be much."""
    async with producing(kafka, topic) as producer:
        await _sent(producer, 1)
        gc.collect()
        gc.disable()
        try:
            assert any([await _leaves_nothing(producer, number) for number in (2, 3, 4)])
        finally:
            gc.enable()


@pytest.mark.kafka
async def test_what_has_to_wait_is_not_taken_up(kafka: str, topic: str) -> None:
    """The second of a partition; one of a partition that is not there; whatever comes after the end."""
    told: list[KafkaError | None] = []
    async with producing(kafka, topic) as producer:
        assert producer.requests.take_up(0, batch(1), lambda _, error: told.append(error))
        assert not producer.requests.take_up(0, batch(2), lambda _, error: told.append(error))
        assert not producer.requests.take_up(PARTITIONS, batch(2), lambda _, error: told.append(error))

    assert told == [None]
    assert not producer.requests.take_up(0, batch(2), lambda _, error: told.append(error))


@pytest.mark.kafka
async def test_who_waits_is_told_when_aiokafka_breaks(kafka: str, topic: str) -> None:
    """Its sender ends with an error: what waited for a broker that is not free, and what comes later."""
    told: asyncio.Future[KafkaError | None] = asyncio.get_running_loop().create_future()
    async with producing(kafka, topic) as producer:
        sender = producer._sender
        leader = producer.client.cluster.leader_for_partition(TopicPartition(topic, 0))
        sender._in_flight.add(leader)
        assert producer.requests.take_up(0, batch(1), lambda _, error: told.set_result(error))
        await asyncio.sleep(0.1)
        assert not told.done()
        sender._maybe_wait_for_pid = None  # its next turn
        if not (waiter := producer._message_accumulator._waiter_future).done():
            waiter.set_result(None)
        async with asyncio.timeout(60):
            assert isinstance(await told, KafkaError)
        assert not producer.requests.take_up(0, batch(2), lambda _, error: told.set_result(error))


@given(st.integers(0, 2**31 - 1), st.lists(st.tuples(st.integers(0, 9_999), st.binary(max_size=300)), max_size=20))
def test_requests_are_what_aiokafka_would_send(correlation: int, batches: list[tuple[int, bytes]]) -> None:
    theirs = ProduceRequest_v7(None, -1, 40_000, [("topic-1", batches)])
    head = theirs.build_request_header(correlation_id=correlation, client_id=CLIENT)
    message = head.encode() + theirs.encode()

    pieces = [(partition, len(records), (records[:7], records[7:])) for partition, records in batches]
    ours = request(correlation, CLIENT.encode(), 40_000, b"topic-1", pieces)

    assert b"".join(ours) == len(message).to_bytes(4, "big") + message


@given(
    st.lists(st.tuples(st.integers(0, 9_999), st.integers(-1, 120), _INT64, _INT64, _INT64), max_size=20),
    st.sampled_from(["topic-1", "topic-2", "topic"]),
)
def test_responses_are_read_as_aiokafka_reads_them(partitions: list[tuple[int, ...]], topic: str) -> None:
    """About another topic, or cut off: not at all."""
    body = ProduceResponse_v7(topics=[(topic, partitions)], throttle_time_ms=0).encode()
    [(_, theirs)] = ProduceResponse_v7.decode(BytesIO(body)).topics

    ours = results(body, b"topic-1")

    assert ours == (sorted(theirs) if topic == "topic-1" else None)
    if partitions:
        assert results(body[:-5], b"topic-1") is None


_SIZE = st.one_of(st.integers(0, 80), st.sampled_from([4_000, 4_081, 4_095, 4_096, 8_191, 8_192]))


@settings(deadline=None, max_examples=60)
@example([(0, 0)], 4_200, 1_000_000)
@example([(0, 67)], 5, 446)  # to the byte
@given(st.lists(st.tuples(_SIZE, _SIZE), min_size=1, max_size=8), st.integers(1, 70), st.integers(100, 20_000))
def test_a_batch_is_what_aiokafka_would_make(sizes: list[tuple[int, int]], times: int, limit: int) -> None:
    """And it is full where aiokafka's would be, however the records are added."""
    written = [Written(b"k" * key, b"v" * value) for key, value in sizes] * times
    made, theirs = RecordBatch(limit), DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, limit)
    taken = 0
    for each in (written[:1], written[1:]):
        taken += made.add(framed(each, b"{"))
    made._set_producer_state(7, 3, 11)
    assert made.add(framed(written[:1], b"{")) == 0
    data = made._build()
    at = int.from_bytes(data[27:35], "big")
    for number, message in enumerate(written):
        full = theirs.append(number, at, message.key, b"{" + message.rest, []) is None
        assert full == (number >= taken)
        if full:
            break
    theirs.set_producer_state(7, 3, 11)
    assert data == bytes(theirs.build())
    assert (made.size(), made.record_count()) == (len(data), taken)
    assert framed(written, b"{") == framed_again(encoded(written))


def test_an_edge_does_without_what_unpacks_records() -> None:
    """aiokafka would load it, which takes memory; what else asks for it finds it."""
    code = (
        "import ingest.log.without_cramjam, aiokafka.codec as codec; before = codec.has_zstd();"
        "import cramjam; print(before, cramjam.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)

    assert done.stdout.split() == ["False", "cramjam"]
