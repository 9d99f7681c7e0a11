"""The log on Kafka: a 200 means that all in-sync replicas have the message.

Requests that arrive together share one record batch per partition (`groups.py`), and one idempotent producer sends
the batches. The producer is made anew after an error that it cannot get over:

1. A batch gets its sequence number when it is first sent. If it then fails for good (too large for the topic, no
   leader for `request_timeout`), the broker still waits for that number.
2. Every later batch of that partition fails with OutOfOrderSequenceNumber, for ever.
3. So the first failed delivery takes the producer out of use; what it has open settles; only when it is closed is
   the next one made. Two producers with open batches could swap the order of two writes.

A broker that is merely away is no such error: aiokafka repeats the batch under the same number until it arrives.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import structlog
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    ProducerClosed,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import RecordMetadata

from ingest.errors import Unavailable
from ingest.log import Done
from ingest.log.counting import counting_from, not_before
from ingest.log.groups import Encoded, Group, Groups, settled
from ingest.log.producer import BATCH_BYTES, Producer, close_producer, open_producer
from ingest.log.record_batch import Framed, RecordBatch, framed, framed_again
from ingest.log.topic import prepare_topic
from schemas.messages import Message, Written
from schemas.settings import BadSettings

# Stays below a broker's socket.request.max.bytes (100 MB): one request may carry all that is pending.
PENDING_BYTES = 64 * 1024 * 1024
OPEN_PATIENCE = 5.0
RETRY_PAUSE = 0.5
RETRY_CONTRADICTION_PAUSE = 5.0
JUDGE_PAUSE = 60.0
CLOSE_PATIENCE = 2.0
CLOCKS_APART = 2.0  # s, from which on it is told
# Of the cluster where the first Write is missing: it is asked for a producer's id.
FORBIDDEN = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)
RIGHTS = "let the edge's user create, describe and write the topic, and describe its configs"
REFUSED = "Kafka did not take the write"

log = structlog.get_logger()


class KafkaLog:
    """Entering raises `BadSettings` if the topic contradicts the settings. If Kafka does not answer it enters all
    the same: appends are refused until it does. A contradiction found only then is logged, and appends stay refused.

    append_timeout: s until an append is refused.
    request_timeout: s after which aiokafka gives a request up and repeats it.
    clock: s since 1970.
    newest: the latest append time that Kafka has confirmed here, or had at the start if our clock was behind it; by its
        clock, in ms since 1970.
    ahead: s by which its clock was ahead of ours when it last confirmed something.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        topic: str,
        partitions: int,
        replication: int,
        append_timeout: float,
        request_timeout: float = 10.0,
        pending_bytes: int = PENDING_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._partitions = partitions
        self._replication = replication
        self._request_timeout = request_timeout
        self._append_timeout = append_timeout
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.newest = 0
        self.ahead = 0.0
        self._turn = (0.0, 0)
        self._begin = b""
        self._judge_at = 0.0
        self._producer: Producer | None = None
        self._usable = asyncio.Event()
        self._broken = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._groups = Groups(
            partitions,
            make=partial(RecordBatch, BATCH_BYTES),
            add=RecordBatch.add,
            send=self._send,
            timeout=append_timeout,
            pending_limit=pending_bytes,
            # One request to a broker carries what came during the last, of all its partitions.
            stays_open=True,
        )

    async def append(self, messages: Sequence[Message]) -> None:
        """See `Log.append`; a refused one that Kafka takes late counts as written before the refusal."""
        now = self._loop.time()
        until = now + self._append_timeout
        groups = self._groups.put(self._framed(messages, now))
        del messages  # what waits is encoded; the messages may be several times as large
        try:
            await settled(groups)
        except Unavailable:
            await asyncio.sleep(until - self._loop.time())
            raise

    def append_then(self, messages: Sequence[Message | Written], done: Done) -> None:
        """The same, and as late with a refusal."""
        now = self._loop.time()
        self._groups.put_then(self._framed(messages, now), done, now + self._append_timeout)

    def put(self, records: Sequence[Encoded]) -> Sequence[Group[RecordBatch]]:
        return self._groups.put(framed_again(records))

    def _framed(self, messages: Sequence[Message | Written], now: float) -> Sequence[Framed]:
        if self._turn != (now, self.newest):  # what comes in one turn of the loop counts from one moment on
            at = not_before(self.newest, self._clock() + self.ahead) + self._append_timeout
            self._turn, self._begin = (now, self.newest), counting_from(at)
        return framed(messages, self._begin)

    def reachable(self) -> bool:
        return self._usable.is_set() and not self._groups.overdue

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(OPEN_PATIENCE):
                self._use(await self._open())
        except TimeoutError:
            log.warning("kafka_away", bootstrap=self._bootstrap)
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._groups.close()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        if self._producer is not None:
            await close_producer(self._producer, CLOSE_PATIENCE)
        for task in self._tasks:
            task.cancel()
        self._groups.abandon()

    def _send(self, partition: int, batch: RecordBatch, deadline: float, done: Done) -> None:
        producer = self._producer
        if (
            producer is not None
            and self._usable.is_set()
            and producer.requests.take_up(partition, batch, partial(self._sent, producer, done))
        ):
            return
        self._begin_task(self._hand_over_by(deadline, partition, batch, done))

    def _begin_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _sent(self, producer: Producer, done: Done, timestamp: int, error: KafkaError | None) -> None:
        if error is None:
            self._confirmed(producer, timestamp)
            done("")
        else:
            self._give_up(producer, error)
            done(REFUSED)

    async def _hand_over_by(self, deadline: float, partition: int, batch: RecordBatch, done: Done) -> None:
        producer, failure = None, "the write was abandoned"
        try:
            # It may wait for metadata, up to the request timeout; given up here, nothing was handed over.
            async with asyncio.timeout_at(deadline):
                producer = await self._in_use()
                delivery = await self._hand_over(producer, partition, batch)
            confirmed = await delivery
        except TimeoutError:
            failure = "Kafka does not answer"
        except ProducerClosed:
            failure = "Kafka's producer is being made anew"
        except KafkaError as error:
            self._give_up(producer, error)
            failure = REFUSED
        else:
            self._confirmed(producer, confirmed.timestamp)
            failure = ""
        finally:
            done(failure)

    async def _in_use(self) -> Producer:
        while self._producer is None or not self._usable.is_set():
            await self._usable.wait()
        return self._producer

    async def _hand_over(
        self, producer: Producer, partition: int, batch: RecordBatch
    ) -> asyncio.Future[RecordMetadata]:
        if partition not in await producer.partitions_for(self._topic):
            raise KafkaError(f"topic {self._topic} has no partition {partition}")
        delivery: asyncio.Future[RecordMetadata] = await producer.send_batch(batch, self._topic, partition=partition)
        return delivery

    def _confirmed(self, producer: Producer, timestamp: int) -> None:
        """timestamp: the append time in ms. -1 of a repeat of what it had, and of a topic without them, which somebody
        has made or altered while we ran: so the topic is judged again."""
        self.newest = max(self.newest, timestamp)
        if timestamp >= 0:
            self.ahead = max(0.0, timestamp / 1000 - self._clock())
        elif self._loop.time() >= self._judge_at:
            self._judge_at = self._loop.time() + JUDGE_PAUSE
            self._begin_task(self._judge(producer))

    async def _judge(self, producer: Producer) -> None:
        """Beside the writes, which most often are in order: a repeat is seldom a sign of anything."""
        try:
            async with asyncio.timeout(self._request_timeout):
                await prepare_topic(self._bootstrap, self._topic, self._partitions, self._replication)
        except BadSettings as error:
            self._give_up(producer, KafkaError(str(error)))
        except (KafkaError, OSError, TimeoutError) as error:  # a later repeat asks again
            log.warning("kafka_away", bootstrap=self._bootstrap, error=repr(error))

    def _give_up(self, producer: Producer | None, error: KafkaError) -> None:
        if producer is self._producer and self._usable.is_set():
            log.warning("kafka_producer_broken", topic=self._topic, error=repr(error))
            self._usable.clear()
            self._broken.set()

    def _use(self, producer: Producer) -> None:
        if (ahead := producer.latest / 1000 - self._clock()) > CLOCKS_APART:
            log.warning(
                "clock_behind", seconds=round(ahead), remedy="keep the clocks of edges and brokers in step (NTP)"
            )
        self.newest = max(self.newest, producer.latest)
        self._producer = producer
        self._broken.clear()
        self._usable.set()

    async def _keep(self) -> None:
        """For ever: a producer is in use, or the last one is closed and the next one is being opened."""
        while True:
            while self._producer is None:
                await self._reopen()
            await self._broken.wait()
            await close_producer(self._producer, self._request_timeout)
            self._producer = None

    async def _reopen(self) -> None:
        try:
            self._use(await self._open())
        except BadSettings as error:
            log.error("kafka_topic_contradicts", error=str(error))
            await asyncio.sleep(RETRY_CONTRADICTION_PAUSE)

    async def _open(self) -> Producer:
        """Try until Kafka answers. Raises `BadSettings`."""
        while True:
            try:
                async with asyncio.timeout(self._request_timeout):
                    there = await prepare_topic(self._bootstrap, self._topic, self._partitions, self._replication)
                    return await open_producer(there, self._topic, self._request_timeout, self._clock())
            except FORBIDDEN as error:
                log.error("kafka_forbids", topic=self._topic, error=repr(error), remedy=RIGHTS)
                await asyncio.sleep(RETRY_CONTRADICTION_PAUSE)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("kafka_away", bootstrap=self._bootstrap, error=repr(error))
                await asyncio.sleep(RETRY_PAUSE)
