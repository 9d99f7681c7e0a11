"""How a replay is seen: a bar on a terminal, elsewhere a line every few seconds. On stderr, beside the answer."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from workers.replay import Show

EVERY = 5.0  # s between two lines


@contextmanager
def showing() -> Iterator[Show]:
    """For the time of a `with` block."""
    if sys.stderr.isatty():
        with _bar(Console(stderr=True, highlight=False)) as progress:
            yield Bar(progress)
    else:
        yield Lines()


class Bar:
    """One that moves."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("planning", total=None)

    def begin(self, total: int) -> None:
        self._progress.reset(self._task, total=total, description="replaying")

    def advance(self, records: int) -> None:
        self._progress.advance(self._task, records)

    def say(self, text: str) -> None:
        self._progress.console.print(text, style="yellow", markup=False)


class Lines:
    """For a log, or a pipe."""

    def __init__(self) -> None:
        self._total = self._records = 0
        self._began = self._told = time.monotonic()

    def begin(self, total: int) -> None:
        self._total = total
        self._began = self._told = time.monotonic()
        self.say(f"{total:,} records to replay")

    def advance(self, records: int) -> None:
        self._records += records
        now = time.monotonic()
        if now - self._told < EVERY:
            return
        self._told = now
        rate = self._records / (now - self._began)
        left = max(0, self._total - self._records) / rate
        self.say(f"{self._records:,} of {self._total:,} records, {rate:,.0f}/s, {left:,.0f} s left")

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201


class _Records(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.total is None else f"{task.completed:,.0f} of {task.total:,.0f}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        _Records(),
        _Rate(),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        speed_estimate_period=60,
    )
