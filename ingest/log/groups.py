"""Group commit: requests that arrive while a write is on its way share the next write.

A log has lanes (partitions). A lane has at most one group on its way and collects the next one meanwhile, so the
price of a write is paid once per group, and the order within a lane is that of arrival. Where a batch stays open when
it is handed over, until the log takes it up, its group collects as long.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Generic, TypeVar

from ingest.errors import TooLarge, Unavailable
from ingest.log import Done
from schemas import messages as schema
from schemas.messages import Message, Written
from schemas.topics import LARGEST_RECORD, parted, partition

B = TypeVar("B")
_NO_ROOM = "too much is waiting for the log"
TOO_LARGE = f"one message may have at most {LARGEST_RECORD} bytes on the log"
Encoded = tuple[bytes, bytes, int]  # key, value, and the bytes of both together
_SIZE = itemgetter(2)
_CLOCK = 0.001  # s, by which a timer of the loop may be early


class Group(Generic[B]):
    """What shares one write: the batch, and the requests that wait for it. Settled exactly once.

    waiters: each with the time, of the loop's clock, before which it is not told of a failure.
    """

    __slots__ = ("batch", "bytes", "deadline", "failure", "settled", "waiters")

    def __init__(self, batch: B, deadline: float) -> None:
        self.batch = batch
        self.bytes = 0
        self.deadline = deadline
        self.failure = ""
        self.settled = False
        self.waiters: list[tuple[float, Done]] = []

    def waiter(self) -> asyncio.Future[None]:
        """Done when the group is settled. One for each request: whoever is cancelled cancels only their own."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiters.append((0.0, partial(_wake, waiter)))
        return waiter

    def settle(self, failure: str = "") -> None:
        if self.settled:
            return
        self.settled, self.failure = True, failure
        for until, done in self.waiters:
            try:
                if failure and until:
                    asyncio.get_running_loop().call_at(until, done, failure)
                else:
                    done(failure)
            except Exception as error:  # noqa: BLE001  a mistake in one answer must not cost the others theirs
                asyncio.get_running_loop().call_exception_handler({"message": "an answer failed", "exception": error})


class Groups(Generic[B]):
    """The lanes of one log.

    make: an empty batch.
    add: put records into a batch, in their order, and tell how many it took: less than all when it is full or closed;
        an empty batch takes any record.
    stays_open: whether `add` still works on a batch that was handed to `send`, until it takes less than all.
    send: begin to write the batch to a lane by a deadline (of the loop's clock). It calls `Done` once, and not before
        it has returned; later than the deadline if the write is on its way and may still succeed.
    """

    def __init__(
        self,
        lanes: int,
        *,
        make: Callable[[], B],
        add: Callable[[B, Sequence[Encoded]], int],
        send: Callable[[int, B, float, Done], None],
        timeout: float,
        pending_limit: int,
        stays_open: bool = False,
    ) -> None:
        self._make = make
        self._add = add
        self._send = send
        self._timeout = timeout
        self._free = pending_limit
        self._stays_open = stays_open
        self._lanes = [_Lane(self, number) for number in range(lanes)]
        self._loop = asyncio.get_running_loop()
        self._open = True
        self.overdue = 0  # groups whose callers were refused while the write is still on its way

    async def append(self, messages: Sequence[Message]) -> None:
        """See `Log.append`."""
        groups = self.put(encoded(messages))
        del messages  # what waits is encoded; the messages may be several times as large
        await settled(groups)

    def append_then(self, messages: Sequence[Message | Written], done: Done) -> None:
        """See `Log.append_then`."""
        self.put_then(encoded(messages), done)

    def put_then(self, records: Sequence[Encoded], done: Done, until: float = 0.0) -> None:
        """As `put`; `done` is told, of a failure not before a time of the loop's clock."""
        if len(records) == 1:  # as most are
            self._put_one(records).waiters.append((until, done))
        else:
            when_settled(self.put(records), done, until)

    def put(self, records: Sequence[Encoded]) -> list[Group[B]]:
        """Queue them, in their order; the groups that they are in. Raises `Unavailable`, and then none is queued."""
        if len(records) == 1:
            return [self._put_one(records)]
        self._check_room(sum(map(_SIZE, records)))
        parts = parted(records, len(self._lanes))
        return [group for lane, part in zip(self._lanes, parts, strict=True) if part for group in lane.put(part)]

    def _put_one(self, records: Sequence[Encoded]) -> Group[B]:
        [(key, _, size)] = records
        self._check_room(size)
        return self._lanes[partition(key, len(self._lanes))].put_one(records, size)

    def _check_room(self, size: int) -> None:
        if not self._open:
            raise Unavailable("shutting down")
        if size > self._free:
            raise Unavailable(_NO_ROOM)

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

    def abandon(self) -> None:
        """Forget writes that are still on their way."""
        for lane in self._lanes:
            lane.abandon()


def encoded(messages: Sequence[Message | Written], begin: bytes = b"{") -> list[Encoded]:
    """The records of messages. begin: of their values. Raises `TooLarge` if one is more than a log can hold."""
    records = []
    for message in messages:
        if isinstance(message, Written):
            key, value = message.key, begin + message.rest
        else:
            key, value = schema.key(message), begin + schema.encode(message)[1:]
        size = len(key) + len(value)
        if size > LARGEST_RECORD:
            raise TooLarge(TOO_LARGE)
        records.append((key, value, size))
    return records


async def settled(groups: Sequence[Group[Any]]) -> None:
    """Return once all are written. Raises `Unavailable` as soon as one is not; the others may still be."""
    for group in groups:
        if not group.settled:
            await group.waiter()
        if group.failure:
            raise Unavailable(group.failure)


def when_settled(groups: Sequence[Group[Any]], done: Done, until: float = 0.0) -> None:
    """`done` is called once: with "" when all are written, with the reason as soon as one is not, but not before a time
    of the loop's clock. None is settled yet, as they come from `put`."""
    if len(groups) == 1:
        groups[0].waiters.append((until, done))
        return
    distinct = dict.fromkeys(groups)
    left, told = len(distinct), False

    def one(failure: str) -> None:
        nonlocal left, told
        left -= 1
        if not told and (failure or left == 0):
            told = True
            done(failure)

    for group in distinct:
        group.waiters.append((until, one))


def _wake(waiter: "asyncio.Future[None]", _failure: str) -> None:
    if not waiter.done():
        waiter.set_result(None)


class _Lane(Generic[B]):
    def __init__(self, groups: Groups[B], number: int) -> None:
        self._groups = groups
        self._number = number
        self._newest: Group[B] | None = None
        self.waiting: deque[Group[B]] = deque()
        self.sending: Group[B] | None = None
        self._timer: asyncio.TimerHandle | None = None  # for the first deadline, or for one that was met
        self._done = self._sent

    def put(self, records: Sequence[Encoded]) -> list[Group[B]]:
        """Into the group that collects, and into new ones when that is full or gone."""
        found = []
        while records:
            group, groups = self._newest, self._groups
            taken = 0 if group is None else groups._add(group.batch, records)
            if group is None or not taken:
                group = self._begin()
                taken = groups._add(group.batch, records)
            size = records[0][2] if taken == 1 else sum(map(_SIZE, records[:taken]))
            group.bytes += size
            groups._free -= size
            found.append(group)
            if taken == len(records):  # as most often
                break
            records = records[taken:]
        return found

    def put_one(self, records: Sequence[Encoded], size: int) -> Group[B]:
        """The same with a single one, as most requests have, in fewer steps."""
        groups, group = self._groups, self._newest
        if group is None or not groups._add(group.batch, records):
            group = self._begin()
            groups._add(group.batch, records)
        group.bytes += size
        groups._free -= size
        return group

    def abandon(self) -> None:
        self.waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self) -> Group[B]:
        loop = self._groups._loop
        group = Group(self._groups._make(), loop.time() + self._groups._timeout)
        if self._timer is None:
            self._timer = loop.call_at(group.deadline, self._expire)
        self._newest = group
        self.waiting.append(group)
        if self._groups._stays_open:
            self._next()
        elif self.sending is None and len(self.waiting) == 1:
            # In the next turn of the loop: what arrives in this one shares the group even if nothing is on its way.
            loop.call_soon(self._next)
        return group

    def _next(self) -> None:
        if self.sending is not None or not self.waiting:
            return
        group = self.sending = self.waiting.popleft()
        if not self._groups._stays_open:
            self._leave(group)
        self._groups._send(self._number, group.batch, group.deadline, self._done)

    def _sent(self, failure: str) -> None:
        group = self.sending
        assert group is not None  # noqa: S101  it was handed over, and nothing else is until this was called
        self._leave(group)
        self._groups._free += group.bytes
        if group.settled:
            self._groups.overdue -= 1
        self.sending = None
        group.settle(failure)
        self._next()

    def _expire(self) -> None:
        now, waiting = self._groups._loop.time() + _CLOCK, self.waiting
        if self.sending is not None and not self.sending.settled and self.sending.deadline <= now:
            self._groups.overdue += 1
            self._late(self.sending)
        while waiting and waiting[0].deadline <= now:
            # Nobody waits for it any more, and it was not handed over: it never will be.
            group = waiting.popleft()
            self._groups._free += group.bytes
            self._late(group)
        first = next((group for group in (self.sending, *waiting) if group is not None and not group.settled), None)
        self._timer = None if first is None else self._groups._loop.call_at(first.deadline, self._expire)

    def _late(self, group: Group[B]) -> None:
        self._leave(group)
        group.settle("the log did not confirm in time")

    def _leave(self, group: Group[B]) -> None:
        if group is self._newest:
            self._newest = None
