"""Whether the memory of those who live long stays flat."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

LONG = 120.0  # s of a life, and below a fifth of the run: what is younger is still warming up
MAY_GROW, MAY_GROW_BYTES = 0.20, 30 * 1024 * 1024


@dataclass
class Life:
    """Of one process: the part it is, and its samples of s since the beginning and resident bytes."""

    part: str
    samples: list[tuple[float, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.samples[-1][0] - self.samples[0][0]

    def quarter(self, number: int) -> int:
        """The median of the first, second, third or fourth quarter of its time."""
        begin = self.samples[0][0]
        in_it = [size for at, size in self.samples if number - 1 <= 4 * (at - begin) / max(self.seconds, 1) <= number]
        return int(median(in_it or [self.samples[-1][1]]))

    @property
    def grows(self) -> bool:
        before, after = self.quarter(2), self.quarter(4)
        return after - before > max(MAY_GROW * before, MAY_GROW_BYTES)


@dataclass
class Memory:
    """The samples of a run, by process."""

    lives: dict[int, Life] = field(default_factory=dict)

    def sample(self, at: float, pids: Mapping[str, int]) -> None:
        if not pids:
            return
        question = ["ps", "-o", "pid=,rss=", "-p", ",".join(map(str, pids.values()))]
        parts = {pid: part for part, pid in pids.items()}
        for line in subprocess.run(question, capture_output=True, text=True).stdout.splitlines():
            pid, kilobytes = map(int, line.split())
            self.lives.setdefault(pid, Life(parts[pid])).samples.append((at, kilobytes * 1024))

    def long_lives(self, seconds: float) -> list[Life]:
        """Those that can be judged in a run of so many seconds."""
        return [life for life in self.lives.values() if life.seconds >= max(LONG, seconds / 5)]
