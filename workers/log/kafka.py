"""Reads the log from Kafka, as one of the members of a consumer group.

How an offset is never committed for records that somebody else owns, or that were never handed out:

1. A rebalance begins: aiokafka hands out nothing any more, then calls `on_partitions_revoked`, and the epoch rises.
2. What was polled before carries the old epoch: its commit does nothing.
3. The rebalance ends: every partition starts at its committed offset, even one that never left us. What is polled
   now carries the new epoch. So the epoch must not rise again here: between the new assignment and
   `on_partitions_assigned` there is an await, and records handed out in it would be taken for old ones.
"""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from workers.log import Polled

# At most this much is fetched ahead: of one partition, and by one request. A partition's is no smaller than
# max.message.bytes, so that the largest batch comes in one piece.
FETCH_PARTITION_BYTES = 4 * 1024 * 1024
FETCH_BYTES = 32 * 1024 * 1024
FETCH_WAIT_MS = 100
KEEP_ALIVE_MS = 100
RETRY_PAUSE = 0.5
CLOSE_PATIENCE = 5.0

log = structlog.get_logger()


class KafkaReader:
    """While the topic does not exist or Kafka does not answer, there is nothing to poll. Raises `KafkaError` for
    what waiting will not mend, such as a missing permission.

    commit_timeout: s for which a commit is tried. One given up is logged; the next one covers it.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        topic: str,
        group: str = "penstock",
        commit_timeout: float = 10.0,
    ) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._group = group
        self._commit_timeout = commit_timeout
        self._opening: asyncio.Task[AIOKafkaConsumer]  # made on entering
        self._epochs = _Epochs()

    @property
    def generation(self) -> str:
        return self._topic

    async def __aenter__(self) -> Self:
        self._opening = asyncio.create_task(self._open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opening.cancel()
        await asyncio.wait({self._opening})
        if not self._opening.cancelled() and self._opening.exception() is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_PATIENCE):
                    await self._opening.result().stop()

    async def poll(self, limit: int, wait: float) -> Polled:
        deadline = asyncio.get_running_loop().time() + wait
        found = {}
        with suppress(TimeoutError):
            # In a rebalance getmany waits longer than it is told to. Cancelled while it waits, it has taken nothing.
            async with asyncio.timeout_at(deadline):
                consumer = await self._consumer()
                found = await consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit)
        # Nothing runs between the taking and this line: these records are of this epoch.
        return Polled({place.partition: records for place, records in found.items()}, self._epochs.current)

    async def commit(self, polled: Polled) -> None:
        next_offsets = {
            TopicPartition(self._topic, partition): records[-1].offset + 1
            for partition, records in polled.records.items()
            if records
        }
        if not next_offsets or polled.epoch != self._epochs.current:
            return
        consumer = await self._consumer()
        try:
            async with asyncio.timeout(self._commit_timeout):
                await consumer.commit(next_offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("commit_refused", topic=self._topic, error=repr(error))  # it is read again, here or elsewhere
        except TimeoutError:
            log.warning("commit_given_up", topic=self._topic)

    async def keep_alive(self) -> None:
        consumer = await self._consumer()
        consumer.pause(*consumer.assignment())
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * KEEP_ALIVE_MS / 1000):
                found = await consumer.getmany(timeout_ms=KEEP_ALIVE_MS)
                for place, records in found.items():
                    # A rebalance came in between, and nothing is paused after one: give them back.
                    consumer.seek(place, records[0].offset)
        consumer.resume(*consumer.assignment())

    async def _consumer(self) -> AIOKafkaConsumer:
        """Raises what opening it ended with. A caller that is cancelled leaves the opening alone."""
        if not self._opening.done():
            await asyncio.wait({self._opening})
        return self._opening.result()

    async def _open(self) -> AIOKafkaConsumer:
        while True:
            try:
                if await self._topic_exists():
                    return await self._joined()
            except (KafkaError, OSError) as error:
                if isinstance(error, KafkaError) and not error.retriable:
                    raise
                log.warning("kafka_away", bootstrap=self._bootstrap, error=repr(error))
            await asyncio.sleep(RETRY_PAUSE)

    async def _topic_exists(self) -> bool:
        # Of all topics: to ask for one by name may make it, with the broker's defaults.
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            await admin.start()
            return self._topic in await admin.list_topics()
        finally:
            await admin.close()

    async def _joined(self) -> AIOKafkaConsumer:
        """A member of the group, with its partitions assigned."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_PARTITION_BYTES,
            fetch_max_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        consumer.subscribe([self._topic], listener=self._epochs)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(consumer.stop)
            await consumer.start()
            undo.pop_all()
        return consumer


class _Epochs(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Counts the assignments, see above."""

    def __init__(self) -> None:
        self.current = 0

    async def on_partitions_revoked(self, _revoked: Collection[TopicPartition]) -> None:
        self.current += 1

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        log.info("partitions_assigned", partitions=sorted(place.partition for place in assigned))
