"""Servers in processes of their own, and what the kernel says that they used."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.running import answers, environment

ROOT = Path(__file__).parents[3]
PEERS = ROOT / "build" / "peers"
_TICK = os.sysconf("SC_CLK_TCK")


def cpu(*pids: int) -> float:
    """Seconds of CPU that processes have used, all their threads together."""
    return sum(_cpu(pid) for pid in pids)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def rss(pid: int) -> float:
    """MB of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def children(pid: int) -> list[int]:
    """Processes that it started."""
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return list(map(int, listed.stdout.split()))


@contextmanager
def running(command: Sequence[str], settings: Mapping[str, str], port: int, core: int = 0) -> Iterator[int]:
    """Its process id, once it answers; bound to one core, or to all with a negative one."""
    pinned = ["taskset", "-c", str(core)] if core >= 0 else []
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        [*pinned, *command], env=environment(**settings), cwd=ROOT, stdout=quiet, stderr=quiet
    ) as process:
        try:
            answers(port, "/live")
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)
