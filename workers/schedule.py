"""Jobs in threads: beside the pump, each with a client of its own, again and again until the worker stops, and before
it. The end of the process waits for none of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from functools import partial
from threading import Thread
from typing import ParamSpec, TypeVar

import structlog

from workers.clickhouse import Away, Failed
from workers.log import LogAway

SOON = 30.0  # s after the start at most until the first run

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger()


async def every(seconds: float, job: Callable[[], None], stop: asyncio.Event, *, name: str) -> None:
    """Run a blocking job `seconds` after its last end, the first time soon after the start; 0: never.

    Returns once stopped, also while the job still runs: it ends with the process, so it must be one that may be
    killed anywhere. Whatever it raises is logged and tried again next time: what stops the pump is the pump's own.
    """
    wait = min(seconds, SOON)
    while seconds and not await _set_within(stop, wait):
        running = started(job, name=name)
        if await done_before(stop, running):
            _tell(running, name)
        wait = seconds


def started(job: Callable[[], T], *, name: str) -> asyncio.Future[T]:
    """What a blocking job comes to. It ends with the process, so it must be one that may be killed anywhere."""
    return asyncio.wrap_future(_started(job, name))


def in_thread(job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
    """As `asyncio.to_thread`, and as `started`: the end of the process waits for none."""
    return started(partial(job, *args, **kwargs), name="pump")


async def done_before(stop: asyncio.Event, running: asyncio.Future[T]) -> bool:
    """Whether it came to an end before the stop; else nobody waits for it any more."""
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
        return running.done()
    finally:
        stopped.cancel()
        running.cancel()


@asynccontextmanager
async def beside(*jobs: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run these for the time of a `with` block."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _started(job: Callable[[], T], name: str) -> Future[T]:
    """A daemon thread: the end of the process does not wait for it, as it would for an executor's."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = job()
        except BaseException as error:  # noqa: BLE001  handed over, not swallowed
            outcome.set_exception(error)
        else:
            outcome.set_result(result)

    Thread(target=run, name=name, daemon=True).start()
    return outcome


def _tell(done: asyncio.Future[None], name: str) -> None:
    error = done.exception()
    if isinstance(error, Away | Failed | LogAway):
        log.warning("did not succeed, tried again later", job=name, error=str(error))
    elif error:
        log.error("a job failed, tried again later", job=name, exc_info=error)


async def _set_within(stop: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
