"""Bodies of which more is to come: how much of them is held, who has to wait, and who has to go when that is too much.

Large ones that come at once are read and answered by turns, a few at a time; what the others still have to send stays
with them until then. Beyond the limit the slowest go, by what they sent a second: those who send as fast as they can
are done before it is their turn, however many take their time.
"""

import asyncio
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl

ROOM = 3 / 4  # of the limit, to which it is brought down: not every byte shall cost a look at all of them
CROWDED = 1 / 2  # of the limit: when large bodies hold as much they are read by turns
LARGE = 32_768
TURNS = 4  # of them at a time
TURN_TIME = 2.0  # s for a body's rest and the answer, while others wait
_MOMENT = 0.02  # s, that a clock may be behind: what has just begun is not slow


class Unfinished(Protocol):
    """A connection in the midst of a request's body."""

    transport: asyncio.Transport
    flow: FlowControl

    def cut_short(self) -> None:
        """It ends with a 503; what it held is `forget`-ed."""


class Coming:
    """limit: bytes, with what a request takes beside its body; waiting: so many more, of those who wait for their turn.
    held: so many are, of both. turns: the large ones whose it is, since when; empty while none waits."""

    def __init__(self, limit: int, waiting: int) -> None:
        self.limit = limit
        self.waiting = waiting
        self.held = 0
        self._bodies: dict[Unfinished, tuple[int, float]] = {}
        self._large: dict[Unfinished, int] = {}
        self.turns: dict[Unfinished, float] = {}
        self._waiting: set[Unfinished] = set()
        self._held_waiting = 0
        self._now = 0.0

    def holds(self, who: Unfinished, size: int, since: float, now: float) -> None:
        """So many bytes by now, since then, s of one clock. Others may have to go for it, or who sends it."""
        self._now = now
        before, _ = self._bodies.get(who, (0, 0.0))
        self._bodies[who] = size, since
        self.held += size - before
        if size >= LARGE:
            self._large[who] = size
            if who in self._waiting:
                self._held_waiting += size - before
            if who not in self.turns and self._is_crowded():
                self._take_turns()
        self._make_room()

    def whole(self, who: Unfinished) -> None:
        """All of it is here, to be answered: its turn goes on."""
        if who in self._bodies:
            size, _ = self._bodies.pop(who)
            self.held -= size
            self._large.pop(who, None)
            self._wait_no_more(who, size)

    def forget(self, who: Unfinished) -> None:
        """It is answered, or nobody waits for it."""
        self.whole(who)
        if who in self.turns:
            self._end(who)

    def sweep(self, now: float) -> None:
        """Now and then: who has not sent the rest in its turn goes, and nobody waits for an answer that takes long."""
        self._now = now
        for who in [who for who, since in self.turns.items() if now - since >= TURN_TIME]:
            if who in self._bodies and self._waiting:
                who.cut_short()
            elif who in self.turns:
                self._end(who)

    def _is_crowded(self) -> bool:
        if self._waiting:
            return True
        return len(self._large) > TURNS and sum(self._large.values()) > self.limit * CROWDED

    def _take_turns(self) -> None:
        """Those begin of whom most is here. Who waits is told so again: a request that begins to read goes on."""
        for who in sorted(self._large, key=self._large.__getitem__, reverse=True):
            if who in self.turns:
                continue
            if len(self.turns) < TURNS and who not in self._waiting:
                self.turns[who] = self._now
            else:
                if who not in self._waiting:
                    self._waiting.add(who)
                    self._held_waiting += self._large[who]
                who.flow.pause_reading()

    def _end(self, who: Unfinished) -> None:
        del self.turns[who]
        if self._waiting:
            who = max(self._waiting, key=self._large.__getitem__)
            self._wait_no_more(who, self._large[who])
            self.turns[who] = self._now
            if not who.transport.is_closing():
                who.flow.resume_reading()
        if not self._waiting:
            self.turns.clear()

    def _wait_no_more(self, who: Unfinished, size: int) -> None:
        if who in self._waiting:
            self._waiting.remove(who)
            self._held_waiting -= size

    def _make_room(self) -> None:
        for crowd, limit in ((False, self.limit), (True, self.waiting)):
            if self._held_by(crowd) > limit:
                self._cut_slowest(crowd, int(limit * ROOM))

    def _held_by(self, crowd: bool) -> int:
        """crowd: those who wait for their turn, or all others."""
        return self._held_waiting if crowd else self.held - self._held_waiting

    def _cut_slowest(self, crowd: bool, least: int) -> None:
        speeds = {
            who: size / (self._now - since + _MOMENT)
            for who, (size, since) in self._bodies.items()
            if (who in self._waiting) == crowd
        }
        for who in sorted(speeds, key=speeds.__getitem__):
            if self._held_by(crowd) <= least:
                return
            who.cut_short()
