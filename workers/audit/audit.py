"""The audit as a whole, and the small one that the worker does again and again."""

import asyncio
from collections.abc import Callable
from time import time

import structlog

from schemas.settings import Settings
from workers.asking import Asking
from workers.audit import offsets, tables, views
from workers.audit.report import Report
from workers.log import LogAway
from workers.log.places import LogState, log_state, offsets_at
from workers.metrics import WorkerMetrics

# The journal keeps seven days; what is about to expire shall not expire while it is looked at.
HORIZON = 7 * 86_400_000 - 3_600_000
RECENT = 900_000  # ms that the worker looks back
RECENT_SECONDS = 30.0  # that one of its questions may take

log = structlog.get_logger()

Progress = Callable[[str, int, int], None]


def audit(settings: Settings, url: str, since: int, tell: Progress) -> Report:
    """Look at all that was appended at `since` or later, in ms since 1970, and at no more than the journal keeps.

    tell: what is looked at, how much of it is done, of how much. Raises `LogAway`, `Away`, `Failed`, `BadSettings`.
    """
    now = int(time() * 1000)
    report = Report(max(since, now - HORIZON), now)
    # Before anything else: what the log says here was in the tables before the tables are asked.
    state = asyncio.run(log_state(settings))
    with Asking(url) as asking:
        _look(asking, settings, state, report, tell)
        tell("views", 0, 1)
        report.add(views.check(asking))
        tell("views", 1, 1)
    return report


def _look(asking: Asking, settings: Settings, state: LogState, report: Report, tell: Progress) -> None:
    report.spans = offsets.spans(asking, state, report.since, asyncio.run(offsets_at(settings, report.since)))
    total, done = sum(span.end - span.first for span in report.spans), 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        tell("offsets", done, total)

    for span in report.spans:
        report.add(offsets.check(asking, span, step))
    cut = tables.slices(asking, report.since)
    rows = sum(slice.rows for slice in cut)
    for number, slice in enumerate(cut, 1):
        tell("tables", sum(slice.rows for slice in cut[: number - 1]), rows)
        report.add(tables.check(asking, state, slice))
    tell("tables", rows, rows)


class RecentAudit:
    """What was appended lately, told to the metrics. Small enough to go beside the pump: one thread of the server."""

    def __init__(self, settings: Settings, metrics: WorkerMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._since = int(time() * 1000) - RECENT

    def look(self) -> None:
        """Blocking; in any thread, one call at a time. Raises `Away`, `Failed` and `BadSettings`."""
        now = int(time() * 1000)
        report = Report(self._since, now)
        try:
            state = asyncio.run(log_state(self._settings))
            with Asking(self._settings.clickhouse, seconds=RECENT_SECONDS, threads=1) as asking:
                _look(asking, self._settings, state, report, lambda *_: None)
        except LogAway as error:
            log.warning("the audit waits for the log", error=str(error))
            return
        self._since = now - RECENT
        self._metrics.audited(report.missing, report.unmatched)
        if not report.proved:
            log.error("audit: see penstock audit", missing=report.missing, unmatched=report.unmatched)
