"""Reads the log from Kafka, as one of the members of a consumer group.

How an offset is never committed for records that somebody else owns, or that were never handed out:

1. A rebalance begins: aiokafka hands out nothing any more, then calls `on_partitions_revoked`, and the epoch rises.
2. What was polled before carries the old epoch: its commit does nothing.
3. The rebalance ends. What aiokafka finds now is dropped until every partition, even one that never left us, was put
   to where this generation was committed; what is polled from then on carries the new epoch.

How a topic that was made anew under the same name is never taken for the old one:

1. After records were taken, and before they are handed out, Kafka is asked for the topic's id. Ids never come back: if
   it is the one that was opened, then these records were that topic's. If it is another, `LogReplaced` ends the reader.
   While nothing comes it is asked now and then: a consumer whose topic went away finds a new one after minutes.
2. A commit carries the generation. One of another generation is as good as none: a worker that had not noticed yet may
   have committed the old topic's offsets to the new one.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from schemas.topics import LEAST_MAX_MESSAGE_BYTES, generation
from workers.log import LogReplaced, Polled
from workers.log.kafka_epochs import Epochs
from workers.log.kafka_places import ASKING_MS, GROUP, READING_MS, commits, described
from workers.log.kafka_records import leave_as_unpacked
from workers.log.kafka_refusals import translated
from workers.log.kafka_stop import stop
from workers.log.kafka_topic import brokers, describe

# At most this much is fetched ahead: of one partition, and by one request; it is in memory several times over for a
# moment, beside two batches. An edge's largest batch fits. Somebody else's that does not comes whole once its partition
# is the first of a request, and their order is drawn by lot.
FETCH_PARTITION_BYTES = LEAST_MAX_MESSAGE_BYTES
FETCH_BYTES = 2 * FETCH_PARTITION_BYTES
FETCH_WAIT_MS = 100
KEEP_ALIVE = 0.2
RETRY_PAUSE = 0.5
CONFIRM_PATIENCE = 4.0  # a connection that says nothing is closed before, and its broker not asked again
CONFIRM_IDLE = 2.0
LEAVING = 1.0

# Of no topic: who asks for it is heard of, and takes nothing.
NOBODYS = TopicPartition("", 0)

Found = Mapping[TopicPartition, Sequence[Any]]

log = structlog.get_logger()


@dataclass(frozen=True)
class Opened:
    """A topic that exists, and the group joined. `client` asks for the id, `admin` for the commits."""

    generation: str
    client: AIOKafkaClient
    admin: AIOKafkaAdminClient
    consumer: AIOKafkaConsumer
    closing: AsyncExitStack


class KafkaReader:
    """While the topic does not exist or Kafka does not answer, there is nothing to poll. Raises `LogBroken` for what
    waiting will not mend, such as a missing permission.

    partitions: that the topic must have, else `poll` raises `BadSettings`; None takes any number.
    commit_timeout: s for which a commit is tried. One given up is logged; the next one covers it.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        topic: str,
        partitions: int | None = None,
        group: str = GROUP,
        commit_timeout: float = 10.0,
    ) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._partitions = partitions
        self._group = group
        self._commit_timeout = commit_timeout
        self._opening: asyncio.Task[Opened]  # made on entering
        self._placing: asyncio.Task[None] | None = None
        self._epochs = Epochs()
        self._next: dict[int, int] = {}  # by partition, what should come next
        self._confirm_at = 0.0

    @property
    def generation(self) -> str:
        return self._opening.result().generation if self._opening.done() else ""

    async def __aenter__(self) -> Self:
        self._opening = asyncio.create_task(self._open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = {task for task in (self._opening, self._placing) if task}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        if not self._opening.cancelled() and self._opening.exception() is None:
            await self._opening.result().closing.aclose()

    async def poll(self, limit: int, wait: float) -> Polled:
        with translated(self._topic):
            found = await self._taken(limit, wait)
        # Nothing runs between the taking and this line: these records are of this epoch.
        epoch = self._epochs.current
        if not self._epochs.placed:
            found = {}
        idle = not found and asyncio.get_running_loop().time() < self._confirm_at
        if idle or not self._opening.done() or not await self._confirmed(self._opening.result(), found, epoch):
            return Polled({}, epoch)
        self._notice_gaps(found)
        return Polled({place.partition: records for place, records in found.items()}, epoch)

    async def _taken(self, limit: int, wait: float) -> Found:
        with suppress(TimeoutError):
            # In a rebalance getmany waits longer than it is told to. Cancelled while it waits, it has taken nothing.
            async with asyncio.timeout(wait):
                opened = await self._opened()
                await self._placed(opened)
                opened.consumer.resume(*opened.consumer.paused())
                found: Found = await opened.consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit)
                return found
        return {}

    async def commit(self, polled: Polled) -> None:
        with translated(self._topic):
            await self._commit(polled, await self._opened())

    async def _commit(self, polled: Polled, opened: Opened) -> None:
        next_offsets = {
            TopicPartition(self._topic, partition): OffsetAndMetadata(records[-1].offset + 1, opened.generation)
            for partition, records in polled.records.items()
            if records
        }
        if not next_offsets or polled.epoch != self._epochs.current:
            return
        try:
            async with asyncio.timeout(self._commit_timeout):
                await opened.consumer.commit(next_offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("commit_refused", topic=self._topic, error=repr(error))  # it is read again, here or elsewhere
        except TimeoutError:
            _heed_commits()
            log.warning("commit_given_up", topic=self._topic)

    async def rewind(self) -> None:
        self._epochs.again()

    async def keep_alive(self) -> None:
        with translated(self._topic):
            await self._keep_alive((await self._opened()).consumer)

    async def _keep_alive(self, consumer: AIOKafkaConsumer) -> None:
        # Nothing more is fetched, and what was stays: a partition that is asked for while it is paused loses it.
        # After a rebalance nothing is paused.
        consumer.pause(*consumer.assignment())
        with suppress(TimeoutError):
            async with asyncio.timeout(KEEP_ALIVE):  # in a rebalance it waits longer than it is told to
                await consumer.getmany(NOBODYS, timeout_ms=0)

    async def _opened(self) -> Opened:
        """Raises what opening it ended with. A caller that is cancelled leaves the opening alone."""
        if not self._opening.done():
            await asyncio.wait({self._opening})
        return self._opening.result()

    async def _placed(self, opened: Opened) -> None:
        """After a rebalance: every partition stands where it was committed. A cancelled caller leaves it to go on."""
        if not self._epochs.to_place:
            return
        if self._placing is None:
            self._placing = asyncio.create_task(self._place(opened, self._epochs.current))
        await asyncio.wait({self._placing})
        done, self._placing = self._placing, None
        try:
            done.result()
        except (KafkaError, OSError) as error:
            if isinstance(error, KafkaError) and not error.retriable:
                raise
            log.warning("kafka_away", bootstrap=self._bootstrap, error=repr(error))

    async def _place(self, opened: Opened, epoch: int) -> None:
        ours = [TopicPartition(self._topic, partition) for partition in self._epochs.assigned or ()]
        begin = await opened.consumer.beginning_offsets(ours) if ours else {}
        committed = await commits(opened.client, opened.admin, self._group, self._topic, opened.generation)
        if epoch != self._epochs.current:
            return
        self._next = {place.partition: committed.get(place.partition, begin[place]) for place in ours}
        for place in ours:
            opened.consumer.seek(place, self._next[place.partition])
        self._epochs.placed = True

    async def _confirmed(self, opened: Opened, found: Found, epoch: int) -> bool:
        """Whether these records are of the topic that was opened. While Kafka does not say they are given back, and
        come again. Raises `LogReplaced`."""
        self._confirm_at = asyncio.get_running_loop().time() + CONFIRM_IDLE
        try:
            async with asyncio.timeout(CONFIRM_PATIENCE):
                now = await describe(opened.client, self._topic)
        except (TimeoutError, KafkaError, OSError) as error:
            log.warning("kafka_away", bootstrap=self._bootstrap, error=repr(error))
            if epoch == self._epochs.current:
                _give_back(opened.consumer, found)
            return False
        if (name := generation(self._topic, *now)) != opened.generation:
            raise LogReplaced(f"topic {self._topic} was {opened.generation} and is now {name}")
        return True

    def _notice_gaps(self, found: Found) -> None:
        """What expired, or was cut off by a broker, before it was read: the log cannot say more than that."""
        for place, records in found.items():
            expected, first = self._next.get(place.partition, records[0].offset), records[0].offset
            if first != expected:
                log.error("log_jumped", partition=place.partition, expected=expected, found=first)
            self._next[place.partition] = records[-1].offset + 1

    async def _open(self) -> Opened:
        while True:
            try:
                return await self._joined()
            except (KafkaError, OSError) as error:
                if isinstance(error, KafkaError) and not error.retriable:
                    raise
                log.warning("kafka_away", bootstrap=self._bootstrap, error=repr(error))
            await asyncio.sleep(RETRY_PAUSE)

    async def _joined(self) -> Opened:
        """A member of the group, with its partitions assigned."""
        async with AsyncExitStack() as undo:
            client = AIOKafkaClient(bootstrap_servers=self._bootstrap, request_timeout_ms=ASKING_MS)
            undo.push_async_callback(client.close)
            await _whole(client.bootstrap())
            # Before anything asks for the topic by name, which may make it, with the broker's defaults.
            topic = await described(client, self._topic, self._partitions)
            there = brokers(client)
            admin = AIOKafkaAdminClient(bootstrap_servers=there, request_timeout_ms=ASKING_MS)
            undo.push_async_callback(admin.close)
            await _whole(admin.start())
            consumer = self._consumer(there)
            undo.push_async_callback(stop, consumer)
            await _whole(consumer.start())
            leave_as_unpacked(consumer)
            return Opened(generation(self._topic, *topic), client, admin, consumer, undo.pop_all())

    def _consumer(self, there: Sequence[str]) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=there,
            group_id=self._group,
            request_timeout_ms=READING_MS,
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # where a commit lies outside of the log: too much is better than too little
            max_partition_fetch_bytes=FETCH_PARTITION_BYTES,
            fetch_max_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        consumer.subscribe([self._topic], listener=self._epochs)
        return consumer


async def _whole(step: Coroutine[Any, Any, None]) -> None:
    """A step of aiokafka's. Cancelled, it would forget a connection that is just being made: it may end before."""
    task = asyncio.create_task(step)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=LEAVING)
        task.cancel()
        await asyncio.wait({task})
        task.cancelled() or task.exception()
        raise


def _give_back(consumer: AIOKafkaConsumer, found: Found) -> None:
    for place, records in found.items():
        consumer.seek(place, records[0].offset)


def _heed_commits() -> None:
    """aiokafka shields what sends a commit. Nobody asks any more what that ended with: asyncio would log an error."""
    for task in asyncio.all_tasks():
        if "_do_commit_offsets" in repr(task.get_coro()):
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
