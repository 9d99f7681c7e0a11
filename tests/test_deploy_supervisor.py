"""How `up` keeps its parts, ends them, and holds its data folder: with small processes in place of the real ones."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import instance, supervisor
from deploy.children import start_child
from deploy.instance import FolderInUse, Instance, locked, noted, running_instance
from deploy.supervisor import Part, PartFailed

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(supervisor, "QUICK", 60.0)


def child(code: str) -> Callable[[], "subprocess.Popen[bytes]"]:
    return lambda: start_child([sys.executable, "-c", code])


def counting(file: Path, then: str) -> Callable[[], "subprocess.Popen[bytes]"]:
    """A child that notes each of its starts."""
    return child(f"import sys, time; open({str(file)!r}, 'a').write('.'); {then}")


async def started(file: Path, times: int) -> None:
    await asyncio.to_thread(_wait_for_starts, file, times)


def _wait_for_starts(file: Path, times: int) -> None:
    deadline = time.monotonic() + 60
    while not file.exists() or len(file.read_text()) < times:
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_part_that_dies_is_started_again_and_stops_when_asked(tmp_path: Path) -> None:
    """Killed from outside, twice."""
    starts = tmp_path / "starts"
    part = Part("worker", counting(starts, "time.sleep(60)"), stop_within=60)
    keeper = asyncio.create_task(part.keep())
    for times in (1, 2):
        await started(starts, times)
        assert part.process
        part.process.kill()
    await started(starts, 3)
    await part.stop()
    await keeper

    assert part.process
    assert part.process.returncode == -signal.SIGTERM


async def test_part_that_dies_again_and_again_is_given_up(tmp_path: Path) -> None:
    """Five quick deaths; the error says which part and how it ended."""
    starts = tmp_path / "starts"

    with pytest.raises(PartFailed, match="The worker ended with exit code 7, 5 times in a row"):
        await Part("worker", counting(starts, "sys.exit(7)"), stop_within=60).keep()
    assert starts.stat().st_size == supervisor.QUICK_DEATHS


async def test_part_with_bad_settings_is_not_restarted(tmp_path: Path) -> None:
    """Exit code 2 becomes that of `up`."""
    starts = tmp_path / "starts"

    with pytest.raises(PartFailed, match="refused its settings") as failed:
        await Part("edge", counting(starts, "sys.exit(2)"), stop_within=60).keep()
    assert failed.value.code == 2
    assert starts.stat().st_size == 1


async def test_part_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    """After its time is over."""
    starts = tmp_path / "starts"
    deaf = "import signal; signal.signal(15, signal.SIG_IGN)"
    part = Part("edge", child(f"{deaf}; open({str(starts)!r}, 'a').write('.'); signal.pause()"), stop_within=0.2)
    keeper = asyncio.create_task(part.keep())
    await started(starts, 1)
    await part.stop()
    await keeper

    assert part.process
    assert part.process.returncode == -signal.SIGKILL


def test_owned_child_ends_with_its_parent() -> None:
    """The end of stdin is as good as SIGTERM."""
    code = "from deploy.children import stop_with_parent; import time; stop_with_parent(); time.sleep(60)"
    process = start_child([sys.executable, "-c", code], environ={"PYTHONPATH": str(ROOT)})
    assert process.stdin
    process.stdin.close()

    assert process.wait(60) == -signal.SIGTERM


def holder(data: Path) -> "tuple[subprocess.Popen[bytes], int]":
    """Another `up` that holds the folder, and the process id of its child, which does too."""
    code = (
        "import subprocess, sys, time; from pathlib import Path; from deploy.instance import locked\n"
        f"with locked(Path({str(data)!r}), print) as lock:\n"
        "    child = subprocess.Popen(['sleep', '120'], pass_fds=[lock], stdout=subprocess.DEVNULL)\n"
        "    print(child.pid, flush=True); time.sleep(120)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout
    child = int(process.stdout.readline())
    process.stdout.close()
    return process, child


def test_second_holder_is_refused_at_once_and_told_by_whom(tmp_path: Path) -> None:
    """A running instance is left alone."""
    process, child = holder(tmp_path / "data")
    try:
        with pytest.raises(FolderInUse, match=f"already running .* \\(process {process.pid}\\)"), _lock(tmp_path):
            pass
    finally:
        process.kill()
        process.wait()
        os.kill(child, signal.SIGKILL)


def test_orphans_of_a_killed_holder_are_waited_for(tmp_path: Path) -> None:
    """They have the lock as long as they live; a person is told what the start is waiting for."""
    process, orphan = holder(tmp_path / "data")
    process.kill()
    process.wait()
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        os.kill(orphan, signal.SIGKILL)

    with locked(tmp_path / "data", say):
        pass

    assert said == [f"Waiting for the processes of an earlier penstock up on {tmp_path / 'data'} to stop ..."]


def test_orphans_that_stay_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is bounded."""
    monkeypatch.setattr(instance, "ORPHANS_END_WITHIN", 0.2)
    process, orphan = holder(tmp_path / "data")
    process.kill()
    process.wait()

    with pytest.raises(FolderInUse, match="still hold"), _lock(tmp_path):
        pass
    os.kill(orphan, signal.SIGKILL)


def test_note_names_the_instance_while_it_is_up(tmp_path: Path) -> None:
    """Only its owner may read it: it holds the reader's password. A killed one's note is not believed."""
    note = Instance(pid=os.getpid(), edge="http://edge", clickhouse_read="http://reader")
    with _lock(tmp_path), noted(tmp_path / "data", note):
        assert running_instance(tmp_path / "data") == note
        assert (tmp_path / "data" / "instance.json").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700

    assert running_instance(tmp_path / "data") is None


def _lock(folder: Path) -> contextlib.AbstractContextManager[int]:
    return locked(folder / "data", lambda text: None)
