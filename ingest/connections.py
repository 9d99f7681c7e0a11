"""What all connections of a process share: how many there may be, a clock, and one sweep that ends the late ones.

One timer for all of them, so that no request pays for a timer of its own; bounds are kept to the second.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Protocol

from ingest import limits
from ingest.coming import Coming
from ingest.errors import Overloaded
from ingest.origins import Origins
from ingest.refusals import Refusals

TICK = 0.02
TICKS = 50  # in which all are looked at once: thousands at a time would hold up a request
CROWDED = 0.8  # of the connections there may be; from then on who does nothing has to go soon


class Sweepable(Protocol):
    """A connection, looked at once in every sweep."""

    def sweep(self, now: float, idle_for: float) -> None: ...


class Connections:
    """now: the loop's time at the last tick, s. draining: the process ends, no connection outlives its answer.

    refusals: where a refusal passes that no application sees.
    """

    def __init__(
        self,
        refusals: Refusals,
        limit: int = limits.CONNECTIONS,
        origins: Origins | None = None,
    ) -> None:
        self.limit = limit
        self.origins = origins or Origins()
        self.refusals = refusals
        self.coming = Coming(limits.BODIES_COMING, limits.BODIES_WAITING)
        self._came = 0  # bytes of bodies in this turn of the loop
        self.now = 0.0
        self.draining = False
        self._open: Collection[Any] = ()
        self._unseen: list[Sweepable] = []  # in this round
        self._share = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self._open)

    def watch(self, connections: Collection[Any]) -> None:
        """Sweep these for as long as there are any. The collection is the server's own, which it keeps."""
        self._open = connections
        if self._timer is None:
            self._again()

    def let_in(self, size: int) -> None:
        """Some of a body, on its way to the request that will have a share for it. Raises `Overloaded`: all connections
        are read before any request goes on, and what a crowd sends at once is more than there may be in flight."""
        if self._came + size > limits.BODIES_AT_ONCE:
            raise Overloaded("too much is in flight; please retry")
        if not self._came:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._came += size

    def _next_turn(self) -> None:
        self._came = 0

    def drain(self) -> None:
        """From now on connections without a request are closed, and half of one has little time for its rest."""
        self.draining = True

    def _again(self) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time()
        self._timer = loop.call_later(TICK, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        if not self._open:
            return
        self._again()
        self.coming.sweep(self.now)
        if self.draining or not self._unseen:
            self._unseen = list(self._open)
            self._share = len(self._unseen) if self.draining else len(self._unseen) // TICKS + 1
        idle_for = self._idle_for()
        for connection in self._unseen[-self._share :]:
            connection.sweep(self.now, idle_for)
        del self._unseen[-self._share :]

    def _idle_for(self) -> float:
        if self.draining:
            return 0.0
        crowded = self.open > CROWDED * self.limit
        return limits.IDLE_WHILE_CROWDED if crowded else limits.IDLE
