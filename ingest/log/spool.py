"""A log with a spool: while Kafka is away, a 200 means that the message is fsynced to this edge's disk.

1. Direct: a message goes to Kafka. One that Kafka does not take in time goes to the spool.
2. Spooling: from then on everything goes to the spool, so that what comes later stays behind it.
3. The spool is drained in its order: appended to Kafka, and removed once Kafka has confirmed. A crash between the two
   repeats records, with the same bytes.
4. Only when the spool is empty, and nothing is on its way into it, the next message goes to Kafka directly.

Two copies of a message may so be on the log, and either may come late: behind a newer write, or a deletion, that went
through another edge. So each message says in `spooled_at` from when on it counts at the latest, and is not answered
before that moment: what is newer than the answer wins over both.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

import structlog

from ingest.errors import Unavailable
from ingest.log import Done
from ingest.log.counting import counting_from, not_before
from ingest.log.groups import Encoded, Group, encoded, settled, when_settled
from ingest.log.spool_file import Held, Spool
from schemas import failpoints
from schemas.messages import Message, Written

PAUSE = 0.1  # s between two looks at whether Kafka is back

log = structlog.get_logger()


class Direct(Protocol):
    """The log behind the spool; `ingest.log.kafka.KafkaLog` says what the calls promise."""

    newest: int
    ahead: float

    def put(self, records: Sequence[Encoded]) -> Sequence[Group[Any]]: ...

    def reachable(self) -> bool: ...

    async def __aenter__(self) -> Any: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> object: ...


class UnderWay(NamedTuple):
    """What was handed to Kafka. until: the loop's time from which on it counts, should Kafka take it later still."""

    records: Sequence[Encoded]
    groups: Sequence[Group[Any]]
    until: float


class SpooledLog:
    """Entering takes the spool's folder and enters the log. Raises `BadSettings` for either. What an earlier process
    has left in the spool is drained first.

    append_timeout: s until what Kafka has not confirmed is spooled; that of `direct`. clock: s since 1970.
    """

    def __init__(
        self, direct: Direct, spool: Spool, *, append_timeout: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._direct = direct
        self._spool = spool
        self._timeout = append_timeout
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._away = asyncio.Event()
        self._said = 0.0
        self._drained = 0  # the offset of the spool up to which Kafka has confirmed
        self._closed = False
        self._drainer: asyncio.Task[None] | None = None

    @property
    def held(self) -> Held:
        """What is in the spool."""
        return self._spool.held

    def spooling(self) -> bool:
        """Whether messages go to the spool now."""
        return self._away.is_set()

    def reachable(self) -> bool:
        """Whether a message would be taken, by Kafka or by the spool."""
        return self.delivering() or self._spool.reachable()

    def delivering(self) -> bool:
        """Whether messages go to Kafka itself, and it takes them."""
        return not self.spooling() and self._direct.reachable()

    async def append(self, messages: Sequence[Message]) -> None:
        """See `Log.append`: durable on Kafka, or in the spool."""
        if self._closed:
            raise Unavailable("shutting down")
        under_way = None if self.spooling() else self._hand_over(messages)
        if under_way is None:
            records = encoded(messages, counting_from(self._now()))
            del messages
            await settled(self._spool.put(records))
            return
        del messages
        try:
            await settled(under_way.groups)
        except Unavailable as reason:
            self._begin(reason)
            await settled(self._spool.put(under_way.records))
            await asyncio.sleep(under_way.until - self._loop.time())

    def append_then(self, messages: Sequence[Message | Written], done: Done) -> None:
        """The same while messages go to Kafka itself."""
        if self._closed or self.spooling() or (under_way := self._hand_over(messages)) is None:
            raise Unavailable("not directly")

        def settled(failure: str) -> None:
            if failure:
                # In the next turn, as whoever waits for the same write: so they keep their order.
                self._loop.call_soon(self._spool_then, under_way, failure, done)
            else:
                done("")

        when_settled(under_way.groups, settled)

    def _spool_then(self, under_way: UnderWay, reason: str, done: Done) -> None:
        self._begin(reason)

        def settled(failure: str) -> None:
            if failure:
                done(failure)
            else:
                self._loop.call_at(under_way.until, done, "")

        try:
            when_settled(self._spool.put(under_way.records), settled)
        except Unavailable as error:
            done(str(error))

    async def __aenter__(self) -> Self:
        await self._spool.open()
        try:
            await self._direct.__aenter__()
        except BaseException:  # also cancelled: else the folder stays locked
            await self._spool.close()
            raise
        self._said = self.held.newest_at / 1000
        if self.held.records or not self._direct.reachable():
            self._begin("left by an earlier process" if self.held.records else "Kafka does not answer")
        self._drainer = asyncio.create_task(self._drain())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        if self._drainer is not None:
            self._drainer.cancel()
            await asyncio.wait({self._drainer})
        # First Kafka: whoever still waits for it is then told, and has queued for the spool when that is closed.
        await self._direct.__aexit__(kind, error, trace)
        await self._spool.close()
        if self.held.records:
            log.warning("spool_left", folder=str(self._spool.folder), records=self.held.records, drained="at the start")

    def _hand_over(self, messages: Sequence[Message | Written]) -> UnderWay | None:
        """None if Kafka's queue is full: then nothing of them can arrive."""
        until = self._loop.time() + self._timeout
        records = encoded(messages, counting_from(self._now() + self._timeout))
        try:
            return UnderWay(records, self._direct.put(records), until)
        except Unavailable as reason:
            self._begin(reason)
            return None

    def _now(self) -> float:
        """Never before the last write that Kafka confirmed here, nor before one in the spool."""
        self._said = max(self._said, not_before(self._direct.newest, self._clock() + self._direct.ahead))
        return self._said

    def _begin(self, reason: Unavailable | str) -> None:
        if not self._away.is_set():
            self._away.set()
            log.warning("spooling", reason=str(reason), records=self.held.records)

    async def _drain(self) -> None:
        """For ever: whenever there is something in the spool and Kafka is there, move it."""
        while True:
            await self._away.wait()
            if not (self._direct.reachable() and await self._moved()):
                await asyncio.sleep(PAUSE)

    async def _moved(self) -> bool:
        """Whether some records were, and there may be more."""
        try:
            oldest = await self._spool.oldest(self._drained)
            if oldest:
                await settled(self._direct.put([record for _, record in oldest]))
                self._drained = oldest[-1][0]  # kept, so that a disk that cannot delete does not make us repeat them
                failpoints.reach("spool.drain")
            await self._spool.remove(self._drained)
        except Unavailable:
            return False
        if self._spool.empty():
            await self._end()
        return bool(oldest)

    async def _end(self) -> None:
        self._away.clear()
        self._said = 0.0
        log.info("spool_drained")
        with suppress(Unavailable):
            await self._spool.compact()
