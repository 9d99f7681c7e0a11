"""The short way of a record batch to its broker and back, while all goes well.

aiokafka's sender spends a task and two walks through schemas on a request, and futures on each of its batches: with a
few records in a batch that is more than all the rest of it. Here batches go over aiokafka's own connections and under
its numbers, in the few steps that are left when nothing is wrong: one request to a broker at a time, with all that came
during the last. What is no plain success, and what has to wait for a connection, is aiokafka's again, under the numbers
that it has: aiokafka repeats, finds leaders and gives up as it always does.
"""

import asyncio
import struct
from collections.abc import Callable, Sequence
from functools import cache, partial
from io import BytesIO
from typing import Any, TypeAlias

from aiokafka import AIOKafkaProducer
from aiokafka.client import ConnectionGroup
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import MessageBatch
from aiokafka.producer.sender import SendProduceReqHandler
from aiokafka.protocol.produce import ProduceResponse_v7
from aiokafka.structs import RecordMetadata, TopicPartition

from ingest.log.produce_wire import API_KEY, VERSION, Batch, Result, request, results
from ingest.log.record_batch import RecordBatch

Told = Callable[[int, KafkaError | None], None]
Answer: TypeAlias = ProduceResponse_v7 | KafkaError
# Records: a request with fewer waits a turn of the loop more. Who was answered in the first has asked again by the
# second, and what a request costs is shared; with many the broker would only be idle meanwhile.
FEW = 16
_CORRELATION = struct.Struct(">i")


class Delivery:
    """A batch and where it goes. told: called once, with its append time (ms, -1 of a repeat) or aiokafka's error."""

    __slots__ = ("batch", "place", "told")

    def __init__(self, place: TopicPartition, batch: RecordBatch, told: Told) -> None:
        self.place = place
        self.batch = batch
        self.told = told


class ProduceRequests:
    """Of a producer that was started. timeout: s until a request is given up, and repeated."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, timeout: float) -> None:
        self.topic = topic
        self.timeout = timeout
        self.loop = asyncio.get_running_loop()
        self._client = producer.client
        self._sender = producer._sender
        self._accumulator = producer._message_accumulator
        self._numbers = producer._txn_manager
        self._place = cache(partial(TopicPartition, topic))
        self._open: dict[TopicPartition, Delivery] = {}
        self._waiting: dict[int, list[Delivery]] = {}  # by the broker that leads
        self._repairs: set[asyncio.Task[None]] = set()
        self._settled = asyncio.Event()
        # A broker has one request at a time, whoever sends it.
        self._send_by_aiokafka = self._sender._send_produce_req
        self._sender._send_produce_req = self._then_go_on
        # Nobody would take what waits then, or is to be repeated.
        self._sender.sender_task.add_done_callback(lambda _: self.cut(KafkaError("aiokafka's sender has ended")))

    def take_up(self, partition: int, batch: RecordBatch, told: Told) -> bool:
        """Send it, unless `send_batch` would have to wait or refuse: then False. It may be added to in this turn of the
        loop, and until the broker is free."""
        place, accumulator = self._place(partition), self._accumulator
        leader = self._client.cluster.leader_for_partition(place)
        if leader is None or place in self._open or place in accumulator._batches:
            return False
        if accumulator._closed or accumulator._exception is not None:
            return False
        delivery = self._open[place] = Delivery(place, batch, told)
        waiting = self._waiting.get(leader)
        if waiting is None:
            self._waiting[leader] = [delivery]
            self.loop.call_soon(self._send_if_many, leader)
        else:
            waiting.append(delivery)
        return True

    async def settle(self) -> None:
        """Return when nothing is on its way."""
        while self._open:
            self._settled.clear()
            await self._settled.wait()

    def cut(self, error: KafkaError) -> None:
        """Give up what waits or is on its way; the connections are about to be closed."""
        for repair in self._repairs:
            repair.cancel()
        self._waiting.clear()
        for delivery in [*self._open.values()]:
            self._tell(delivery, -1, error)

    def confirmed(self, leader: int, deliveries: Sequence[Delivery], found: Sequence[Result]) -> None:
        for delivery, (_, _, _, timestamp, _) in zip(deliveries, found, strict=True):
            self._tell(delivery, timestamp, None)
        self._free(leader)

    def unconfirmed(self, leader: int, deliveries: Sequence[Delivery], answer: Answer) -> None:
        """Let aiokafka find out what that means for each."""
        batches = {each.place: self._handed_back(each) for each in deliveries if each.place in self._open}
        repair = self.loop.create_task(self._repair(leader, batches, answer))
        self._repairs.add(repair)
        repair.add_done_callback(self._repairs.discard)

    def _send_if_many(self, leader: int) -> None:
        if sum(each.batch.record_count() for each in self._waiting.get(leader, ())) < FEW:
            self.loop.call_soon(self._send, leader)
        else:
            self._send(leader)

    def _send(self, leader: int) -> None:
        if leader in self._sender._in_flight or leader not in self._waiting:
            return
        deliveries = self._waiting.pop(leader)
        connection = self._client._conns.get((leader, ConnectionGroup.DEFAULT))
        if connection is None or not connection.connected() or not _speaks(connection):
            for delivery in deliveries:
                waiting = self._accumulator._append_batch(delivery.batch, delivery.place)
                waiting.future.add_done_callback(partial(self._pass_on, delivery))
            return
        deliveries.sort(key=_partition)
        self._sender._in_flight.add(leader)
        _Request(self, leader, connection, deliveries).send([self._numbered(delivery) for delivery in deliveries])

    def _numbered(self, delivery: Delivery) -> Batch:
        place, batch, numbers = delivery.place, delivery.batch, self._numbers
        batch._set_producer_state(numbers.producer_id, numbers.producer_epoch, numbers.sequence_number(place))
        numbers.increment_sequence_number(place, batch.record_count())
        return place.partition, batch.size(), batch.parts()

    def _handed_back(self, delivery: Delivery) -> MessageBatch:
        accumulator = self._accumulator
        batch = MessageBatch(delivery.place, delivery.batch, accumulator._batch_ttl, accumulator._linger_time)
        batch.drain_ready()  # it was sent once, so it keeps its numbers
        accumulator._pending_batches.add(batch)
        batch.future.add_done_callback(lambda _: accumulator._pending_batches.discard(batch))
        batch.future.add_done_callback(partial(self._pass_on, delivery))
        return batch

    async def _repair(self, leader: int, batches: dict[TopicPartition, MessageBatch], answer: Answer) -> None:
        handler = SendProduceReqHandler(self._sender, batches)
        handler._client = _Answered(self._client, answer)
        try:
            await handler.do(leader)
        finally:
            self._free(leader)

    async def _then_go_on(self, leader: int, batches: dict[TopicPartition, MessageBatch]) -> None:
        await self._send_by_aiokafka(leader, batches)
        self._free(leader)

    def _free(self, leader: int) -> None:
        """The broker has no request. What aiokafka holds for it is older than what waits here."""
        self._sender._in_flight.discard(leader)
        held = self._accumulator._batches
        if held:
            self._accumulator._wakeup(self._accumulator._waiter_future)
        if leader in self._waiting and not any(map(partial(self._leads, leader), held)):
            self.loop.call_soon(self._send_if_many, leader)

    def _leads(self, leader: int, place: TopicPartition) -> bool:
        return bool(self._client.cluster.leader_for_partition(place) == leader)

    def _pass_on(self, delivery: Delivery, done: asyncio.Future[RecordMetadata]) -> None:
        error = done.exception()
        self._tell(delivery, -1 if error is not None else done.result().timestamp, error)

    def _tell(self, delivery: Delivery, timestamp: int, error: KafkaError | None) -> None:
        if self._open.get(delivery.place) is delivery:
            del self._open[delivery.place]
            if not self._open:
                self._settled.set()
            delivery.told(timestamp, error)


class _Request:
    """One that is on its way. To aiokafka's connection it is both what was asked and the future of the answer."""

    def __init__(
        self, requests: ProduceRequests, leader: int, connection: AIOKafkaConnection, deliveries: Sequence[Delivery]
    ) -> None:
        self._requests = requests
        self._leader = leader
        self._connection = connection
        self._deliveries = deliveries
        self._topic = requests.topic.encode()
        self._timer = requests.loop.call_later(requests.timeout, connection.close, CloseReason.CONNECTION_TIMEOUT)
        self._done = False
        self.correlation_id = connection._next_correlation_id()

    @property
    def RESPONSE_TYPE(self) -> "_Request":  # noqa: N802  aiokafka's name; kept as an attribute it would keep itself
        return self

    def send(self, batches: Sequence[Batch]) -> None:
        """batches: in the order of the deliveries."""
        connection, timeout = self._connection, int(self._requests.timeout * 1000)
        connection._requests.append((self.correlation_id, self, self))
        data = request(self.correlation_id, connection._client_id.encode(), timeout, self._topic, batches)
        try:
            connection._writer.writelines(data)
        except OSError:
            connection.close(CloseReason.CONNECTION_BROKEN)

    def parse_response_header(self, response: BytesIO) -> "_Request":
        (self.correlation_id,) = _CORRELATION.unpack(response.read(_CORRELATION.size))
        return self

    def decode(self, response: BytesIO) -> bytes:
        return response.read()

    def done(self) -> bool:
        return self._done

    def set_result(self, body: bytes) -> None:
        self._end()
        found = results(body, self._topic)
        if found is not None and [each[:2] for each in found] == [(_partition(each), 0) for each in self._deliveries]:
            self._requests.confirmed(self._leader, self._deliveries, found)
        else:
            self._requests.unconfirmed(self._leader, self._deliveries, ProduceResponse_v7.decode(BytesIO(body)))

    def set_exception(self, error: KafkaError) -> None:
        self._end()
        self._requests.unconfirmed(self._leader, self._deliveries, error)

    def _end(self) -> None:
        self._done = True
        self._timer.cancel()


class _Answered:
    """aiokafka's client, when the request was sent already."""

    def __init__(self, client: Any, answer: Answer) -> None:
        self._client = client
        self._answer = answer

    async def send(self, _node: int, _request: object) -> ProduceResponse_v7:
        if isinstance(self._answer, KafkaError):
            raise self._answer
        return self._answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _speaks(connection: AIOKafkaConnection) -> bool:
    lowest, highest = connection._versions.get(API_KEY, (0, 0))
    return bool(lowest <= VERSION <= highest)


def _partition(delivery: Delivery) -> int:
    return int(delivery.place.partition)
