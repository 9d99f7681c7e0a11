"""How an outage is waited out in a replay: for a while and aloud, since a person waits with it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from workers.clickhouse import Away
from workers.log import LogAway
from workers.replay import Show

SECONDS = 60.0
BACKOFF = 0.5
LONGEST_BACKOFF = 5.0

T = TypeVar("T")


class Interrupted(Exception):
    """Told to stop before the end. What was inserted is kept, and so is the position."""


class Patience:
    """seconds: for which one outage is waited out."""

    def __init__(self, show: Show, stop: asyncio.Event, seconds: float = SECONDS) -> None:
        self._show = show
        self._stop = stop
        self._seconds = seconds

    async def over(self, call: Callable[[], Awaitable[T]]) -> T:
        """The answer of a call that may be repeated. Raises `Away` or `LogAway` when it was repeated for long enough,
        `Interrupted` between two tries, and whatever else the call raises."""
        backoff, until = BACKOFF, 0.0
        while True:
            try:
                return await call()
            except (Away, LogAway) as error:
                if not until:
                    until = monotonic() + self._seconds
                    self._show.say(f"{_name(error)} is away, trying again for {self._seconds:.0f} s: {error}")
                if monotonic() + backoff > until:
                    raise
            await self.sleep(backoff)
            backoff = min(2 * backoff, LONGEST_BACKOFF)

    async def sleep(self, seconds: float) -> None:
        """Raises `Interrupted`."""
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return
        raise Interrupted


def _name(error: Exception) -> str:
    return "The log" if isinstance(error, LogAway) else "ClickHouse"
