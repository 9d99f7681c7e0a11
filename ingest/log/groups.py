"""Group commit: requests that arrive while a write is on its way share the next write.

A log has lanes (partitions). A lane has at most one group on its way and collects the next one meanwhile, so the
price of a write is paid once per group, and the order within a lane is that of arrival.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from ingest.errors import TooLarge, Unavailable
from schemas import messages as schema
from schemas.messages import Message
from schemas.topics import LARGEST_RECORD, partition

B = TypeVar("B")
Encoded = tuple[bytes, bytes, int]  # key, value, and the bytes of both together


class Group(Generic[B]):
    """What shares one write: the batch, and the requests that wait for it. Settled exactly once."""

    __slots__ = ("batch", "bytes", "deadline", "failure", "settled", "timer", "waiters")

    def __init__(self, batch: B, deadline: float) -> None:
        self.batch = batch
        self.bytes = 0
        self.deadline = deadline
        self.failure = ""
        self.settled = False
        self.timer: asyncio.TimerHandle | None = None
        self.waiters: list[asyncio.Future[None]] = []

    def waiter(self) -> asyncio.Future[None]:
        """Done when the group is settled. One for each request: whoever is cancelled cancels only their own."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        return waiter

    def settle(self, failure: str = "") -> None:
        if self.settled:
            return
        self.settled, self.failure = True, failure
        if self.timer is not None:
            self.timer.cancel()
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)


class Groups(Generic[B]):
    """The lanes of one log.

    make: an empty batch.
    add: put a record into a batch, or return False when it is full; an empty batch takes any record.
    send: write the batch to a lane by a deadline (of the loop's clock), or raise `Unavailable`; it may return later
        than the deadline if the write is on its way and may still succeed.
    """

    def __init__(
        self,
        lanes: int,
        *,
        make: Callable[[], B],
        add: Callable[[B, bytes, bytes], bool],
        send: Callable[[int, B, float], Coroutine[Any, Any, None]],
        timeout: float,
        pending_limit: int,
    ) -> None:
        self._make = make
        self._add = add
        self._send = send
        self._timeout = timeout
        self._free = pending_limit
        self._lanes = [_Lane(self, number) for number in range(lanes)]
        self._loop = asyncio.get_running_loop()
        self._open = True
        self.overdue = 0  # groups whose callers were refused while the write is still on its way

    async def append(self, messages: Sequence[Message]) -> None:
        """See `Log.append`."""
        groups = self.put(encoded(messages))
        del messages  # what waits is encoded; the messages may be several times as large
        await settled(groups)

    def put(self, records: Sequence[Encoded]) -> list[Group[B]]:
        """Queue them, in their order; the groups that they are in. Raises `Unavailable`, and then none is queued."""
        if not self._open:
            raise Unavailable("shutting down")
        if sum(size for _, _, size in records) > self._free:
            raise Unavailable("too much is waiting for the log")
        lanes, count = self._lanes, len(self._lanes)
        return [lanes[partition(key, count)].put(key, value, size) for key, value, size in records]

    def idle(self) -> bool:
        """Whether nothing waits or is on its way."""
        return not any(lane.waiting or lane.sending for lane in self._lanes)

    async def close(self) -> None:
        """Refuse what comes from now on, and return when everybody who waits has an answer: within the timeout."""
        self._open = False
        for lane in self._lanes:
            for group in (lane.sending, *lane.waiting):
                if group is not None and not group.settled:
                    await group.waiter()

    async def abandon(self) -> None:
        """Forget writes that are still on their way."""
        tasks = [lane.task for lane in self._lanes if lane.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def encoded(messages: Sequence[Message]) -> list[Encoded]:
    """The records of messages. Raises `TooLarge` if one is more than a log can hold."""
    records = []
    for message in messages:
        key, value = schema.key(message), schema.encode(message)
        size = len(key) + len(value)
        if size > LARGEST_RECORD:
            raise TooLarge(f"one message may have at most {LARGEST_RECORD} bytes on the log")
        records.append((key, value, size))
    return records


async def settled(groups: Sequence[Group[Any]]) -> None:
    """Return once all are written. Raises `Unavailable` as soon as one is not; the others may still be."""
    for group in groups:
        if not group.settled:
            await group.waiter()
        if group.failure:
            raise Unavailable(group.failure)


class _Lane(Generic[B]):
    def __init__(self, groups: Groups[B], number: int) -> None:
        self._groups = groups
        self._number = number
        self._newest: Group[B] | None = None
        self.waiting: deque[Group[B]] = deque()
        self.sending: Group[B] | None = None
        self.task: asyncio.Task[None] | None = None

    def put(self, key: bytes, value: bytes, size: int) -> Group[B]:
        """Into the group that collects, or into a new one when that is full or gone."""
        group, groups = self._newest, self._groups
        if group is None or not groups._add(group.batch, key, value):
            group = self._begin()
            groups._add(group.batch, key, value)
        group.bytes += size
        groups._free -= size
        return group

    def _begin(self) -> Group[B]:
        loop, timeout = self._groups._loop, self._groups._timeout
        group = Group(self._groups._make(), loop.time() + timeout)
        group.timer = loop.call_at(group.deadline, self._expire, group)
        self._newest = group
        self.waiting.append(group)
        # It runs in the next turn of the loop: what arrives in this one shares the group even if nothing is on its way.
        if self.task is None or self.task.done():
            self.task = loop.create_task(self._write())
        return group

    async def _write(self) -> None:
        while self.waiting:
            group = self.sending = self.waiting.popleft()
            self._leave(group)
            failure = "the write was abandoned"
            try:
                await self._groups._send(self._number, group.batch, group.deadline)
                failure = ""
            except Unavailable as error:
                failure = str(error)
            finally:
                self._groups._free += group.bytes
                if group.settled:
                    self._groups.overdue -= 1
                group.settle(failure)
                self.sending = None

    def _expire(self, group: Group[B]) -> None:
        if group is self.sending:
            self._groups.overdue += 1
        else:  # nobody waits for it any more, and it was not handed over: it never will be
            self.waiting.remove(group)
            self._leave(group)
            self._groups._free += group.bytes
        group.settle("the log did not confirm in time")

    def _leave(self, group: Group[B]) -> None:
        if group is self._newest:
            self._newest = None
