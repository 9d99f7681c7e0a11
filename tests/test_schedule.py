"""Jobs beside the pump."""

import asyncio
import threading

import pytest

from workers import schedule
from workers.clickhouse import Away, Failed
from workers.log import LogAway
from workers.schedule import beside, every

PAUSE = 0.01


async def until(condition: threading.Event) -> None:
    await asyncio.wait_for(asyncio.to_thread(condition.wait, 20), 20)


async def test_job_runs_again_and_again_until_the_stop() -> None:
    """`seconds` after each end, and never after the stop."""
    stop, thrice, runs = asyncio.Event(), threading.Event(), []

    def job() -> None:
        runs.append(threading.current_thread().name)
        if len(runs) == 3:
            thrice.set()

    running = asyncio.create_task(every(PAUSE, job, stop, name="purge"))
    await until(thrice)
    stop.set()
    await asyncio.wait_for(running, 20)  # the last may go on
    while any(thread.name == "purge" for thread in threading.enumerate()):  # noqa: ASYNC110  threads tell nobody
        await asyncio.sleep(PAUSE)
    ran = len(runs)
    await asyncio.sleep(5 * PAUSE)

    assert len(runs) == ran
    assert set(runs) == {"purge"}


async def test_first_run_comes_soon_after_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is started anew every day purges all the same."""
    monkeypatch.setattr(schedule, "SOON", PAUSE)
    ran = threading.Event()

    async with beside(every(86_400, ran.set, asyncio.Event(), name="purge")):
        await until(ran)


async def test_no_seconds_mean_never() -> None:
    """PENSTOCK_PURGE_EVERY=0 turns it off."""
    await asyncio.wait_for(every(0, pytest.fail, asyncio.Event(), name="purge"), 5)


@pytest.mark.parametrize("error", [Away("away"), Failed("refused"), LogAway("away"), ValueError("our mistake")])
async def test_failure_is_told_and_tried_again(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    """The pump goes on whatever happens to a job beside it."""
    stop, again, runs = asyncio.Event(), threading.Event(), []

    def job() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise error
        again.set()

    async with beside(every(PAUSE, job, stop, name="purge")):
        await until(again)

    said = capsys.readouterr().out
    assert str(error) in said
    assert ("error" if isinstance(error, ValueError) else "warning") in said


async def test_running_job_does_not_hold_up_the_end() -> None:
    """It is one that may be killed anywhere, and its thread ends with the process."""
    stop, begun, release = asyncio.Event(), threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        release.wait(60)

    running = asyncio.create_task(every(PAUSE, job, stop, name="purge"))
    await until(begun)
    stop.set()
    await asyncio.wait_for(running, 20)
    release.set()


async def test_jobs_end_with_the_block() -> None:
    """Also when the pump raises: its error is the one that is seen."""
    stop = asyncio.Event()

    with pytest.raises(KeyError, match="pump"):
        async with beside(every(3600, pytest.fail, stop, name="purge"), every(3600, pytest.fail, stop, name="audit")):
            raise KeyError("pump")

    assert {task.get_name() for task in asyncio.all_tasks()} == {asyncio.current_task().get_name()}  # type: ignore[union-attr]
