"""Keeps parts running: each is a child process that is started again when it dies, until that is plainly no use."""

import asyncio
import contextlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from deploy.children import BAD_SETTINGS, stop_child

QUICK = 10.0  # seconds: who lives shorter died at once
QUICK_DEATHS = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0

log = structlog.get_logger()


class PartFailed(Exception):
    """A part cannot be kept running. `code` is what the supervisor's own process ends with."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class Part:
    """`start` returns a started child, and may take its time until the child is of use. It raises `PartFailed`."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    stop_within: float
    process: subprocess.Popen[bytes] | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self) -> None:
        """Start it, again and again, until `stop`. Raises `PartFailed` when restarts do not help."""
        loop = asyncio.get_running_loop()
        quick_deaths = 0
        while not self.stopping.is_set():
            since = loop.time()
            ended, code = await self._run_once()
            if self.stopping.is_set():
                return
            quick_deaths = quick_deaths + 1 if loop.time() - since < QUICK else 1
            self._judge(ended, code, quick_deaths)
            pause = min(FIRST_PAUSE * 2 ** (quick_deaths - 1), LONGEST_PAUSE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), pause)

    async def stop(self) -> None:
        """Return when it is gone; kill it when that takes too long."""
        self.stopping.set()
        if self.process:
            await asyncio.to_thread(stop_child, self.process, within=self.stop_within)

    async def _run_once(self) -> tuple[str, int]:
        try:
            self.process = await asyncio.to_thread(self.start)
        except PartFailed as error:
            if not self.started.is_set():  # it never worked here: no accident that passes
                raise
            return f"did not start: {error}", error.code
        self.started.set()
        if self.stopping.is_set():  # asked while it was starting: `stop` could not know the process yet
            await asyncio.to_thread(stop_child, self.process, within=self.stop_within)
        code = await asyncio.to_thread(self.process.wait)
        if self.process.stdin:
            self.process.stdin.close()
        return (f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"), code

    def _judge(self, ended: str, code: int, quick_deaths: int) -> None:
        if code == BAD_SETTINGS:
            raise PartFailed(f"The {self.name} refused its settings.", BAD_SETTINGS)
        if quick_deaths >= QUICK_DEATHS:
            raise PartFailed(f"The {self.name} {ended}, {quick_deaths} times in a row right after its start.")
        log.warning("restarting", part=self.name, ended=ended)
