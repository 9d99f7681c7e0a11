"""`penstock audit`: a table of what was looked at, and what was found."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from deploy.command import fail
from deploy.replay import moment
from schemas.settings import Settings
from workers.audit.audit import Progress as Tell
from workers.audit.audit import audit
from workers.audit.report import Finding, Report
from workers.log import LogAway

WIDE = 160  # columns, where no terminal says otherwise
LISTED = 20
COLUMNS = ("log", "partition", "first", "last", "taken", "dead", "mended", "erased", "missing")
ADVICE = {
    "missing": "Offsets that are in no table: while the log keeps them, penstock replay --from log brings them back.",
    "no row": "Messages of the journal that a table lacks: penstock replay brings them back.",
    "no message": "Rows that no message made: somebody wrote into the table, or the journal lost a part.",
    "double": "A view that shows a row twice: please report it.",
}


def run(settings: Settings, url: str, since: str, *, as_json: bool) -> bool:
    """Whether all is proved. Raises `BadSettings`, `Away` and `Failed`."""
    begin = moment(since, time.time()) or 0
    try:
        with _progress(quiet=as_json) as tell:
            report = audit(settings, url, begin, tell)
    except LogAway as error:
        fail(str(error))
    if as_json:
        told = {"proved": report.proved, "missing": report.missing, **msgspec.to_builtins(report)}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        _show(Console(width=None if sys.stdout.isatty() else WIDE, highlight=False), report)
    return report.proved


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Tell]:
    """A bar on stderr, if that is a terminal: on a small instance it is gone before it is seen."""
    columns = TextColumn("{task.description:8}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("log", total=None)
        yield lambda name, done, total: bar.update(task, description=name, completed=done, total=max(total, 1))


def _show(out: Console, report: Report) -> None:
    table = Table(*COLUMNS[:1], box=box.SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS[1:]:
        table.add_column(column, justify="right")
    for span in report.spans:
        kinds = (span.taken, span.dead, span.mended, span.erased, span.missing)
        last = str(span.end - 1) if span.end > span.first else "-"
        style = "red" if span.missing else ""
        table.add_row(
            Text(span.log), str(span.partition), str(span.first), last, *(f"{n:,}" for n in kinds), style=style
        )
    out.print(table)
    since = datetime.fromtimestamp(report.since / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    if report.proved:
        total = sum(span.end - span.first for span in report.spans)
        out.print(
            f"Proved: each of the {total:,} records since {since} UTC is accounted for, and nothing is there twice."
        )
        return
    for what in dict.fromkeys(finding.what for finding in report.findings):
        found = [finding for finding in report.findings if finding.what == what]
        out.print(Text(ADVICE[what], style="red"))
        for finding in found[:LISTED]:
            out.print(Text(f"  {_line(finding)}"))
        if len(found) > LISTED:
            out.print(f"  ... and {len(found) - LISTED} more: see --json")
    out.print(
        f"Since {since} UTC: {report.missing:,} missing, {report.unmatched:,} unmatched, {report.doubled:,} doubled."
    )


def _line(finding: Finding) -> str:
    place = f" partition {finding.partition}" if finding.partition is not None else ""
    if finding.what == "missing" and finding.first != finding.last:
        return f"{finding.where}{place} offsets {finding.first} to {finding.last}"
    offset = f" offset {finding.first}" if finding.first is not None else ""
    return f"{finding.where}{place}{offset} {finding.text}".rstrip()
