"""What `penstock replay` was told, and what it tells: a bar while it runs, then what became of it."""

import asyncio
import re
import shlex
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.table import Table

from deploy.command import fail
from deploy.replay_progress import showing
from schemas.settings import BadSettings, Settings
from workers.clickhouse import Away, Failed
from workers.dead_letters import TooManyDeadLetters
from workers.log import LogAway, LogBroken, LogReplaced
from workers.replay.main import NothingToResume, Order, rehearse, replay
from workers.replay.pace import Pace
from workers.replay.patience import Interrupted
from workers.replay.rehearsal import Rehearsal
from workers.replay.run import Summary
from workers.replay.selection import Selection

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SUBJECT = re.compile(
    r"(id|email|phone|cio|anon|invite|object|cio_object|delivery|form|rejection|telemetry):.+", re.DOTALL
)
INTERRUPTED = 130
SHOWN = 10
WIDE = 160  # columns, where no terminal says otherwise
CALLED = {"journal": "the journal", "log": "the log", "dead-letters": "the dead letters"}


@dataclass(frozen=True)
class Request:
    """The options as they were given.

    times: since and until. places: generation, partition, first and last offset. content: workspace, customer, kind
    and name of an event.
    """

    source: str
    times: tuple[str, str]
    places: tuple[str | None, int | None, int | None, int | None]
    content: tuple[str | None, str | None, str | None, str | None]
    rate: float | None
    resume: bool


def run(settings: Settings, url: str, request: Request, *, dry_run: bool) -> int:
    """The exit code. Raises `BadSettings` for options that make no sense."""
    order = _order(request, time.time())
    out = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    again = f"Go on with: {resumed(sys.argv[1:])}"
    try:
        if dry_run:
            with showing() as show:
                found = asyncio.run(rehearse(settings, url, order, show))
            _tell_rehearsed(out, order, *found)
        else:
            with showing() as show:
                summary = asyncio.run(replay(settings, url, order, show))
            _tell(out, order, summary)
    except (Interrupted, KeyboardInterrupt):
        fail("Interrupted; nothing was changed." if dry_run else f"Interrupted. {again}", INTERRUPTED)
    except NothingToResume as error:
        fail(str(error))
    except (Away, LogAway, Failed, LogBroken, LogReplaced, TooManyDeadLetters) as error:
        fail(str(error) if dry_run else f"{_sentence(error)} {again}")
    return 0


def resumed(arguments: list[str]) -> str:
    """The command that goes on with what these arguments began."""
    return shlex.join(["penstock", *arguments, *(["--resume"] if "--resume" not in arguments else [])])


def moment(text: str, now: float) -> int | None:
    """ms since 1970 of an ISO time, in UTC unless it says otherwise, or of an age. Raises `BadSettings`."""
    if not text:
        return None
    if age := re.fullmatch(r"(\d{1,9})([smhd])", text):
        return int((now - int(age[1]) * UNITS[age[2]]) * 1000)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadSettings(
            f"{text!r} is no time: write 2026-11-01, 2026-11-01T12:00 or an age like 90m, 2h, 7d."
        ) from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def subject(customer: str | None) -> str | None:
    """As a message has it: with the kind it names, else the kind that the edge would take it for."""
    if customer is None or SUBJECT.fullmatch(customer):
        return customer
    if "@" in customer:
        return f"email:{customer.lower()}"
    return f"cio:{customer[4:]}" if customer.startswith("cio_") else f"id:{customer}"


def _order(request: Request, now: float) -> Order:
    since, until = (moment(text, now) for text in request.times)
    if since is not None and until is not None and since >= until:
        raise BadSettings("--since is not before --until: nothing lies between them.")
    generation, partition, first, last = request.places
    if first is not None and last is not None and first > last:
        raise BadSettings("--from-offset is beyond --to-offset: nothing lies between them.")
    workspace, customer, kind, name = request.content
    selection = Selection(generation, partition, first, last, since, until, workspace, subject(customer), kind, name)
    return Order(request.source, selection, request.times, Pace(request.rate), request.resume)


def _tell(out: Console, order: Order, summary: Summary) -> None:
    rate = f" in {summary.seconds:,.1f} s, {summary.records / summary.seconds:,.0f}/s" if summary.records else ""
    if order.source == "dead-letters":
        out.print(f"Mended {summary.rows:,} of {summary.records:,} dead letters{rate}.")
    else:
        out.print(f"Replayed {summary.rows:,} records from {CALLED[order.source]}{rate}.")
    _tell_refused(out, order, summary)


def _tell_rehearsed(out: Console, order: Order, summary: Summary, rehearsal: Rehearsal) -> None:
    out.print(f"It would replay {summary.rows:,} of {summary.records:,} records from {CALLED[order.source]}.")
    if rehearsal.tables:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("day")
        table.add_column("table")
        for name in ("rows", "new"):
            table.add_column(name, justify="right")
        last = ""
        for (name, day), tally in sorted(rehearsal.tables.items(), key=lambda item: item[0][::-1]):
            if tally.rows:
                table.add_row("" if day == last else day, name, f"{tally.rows:,}", f"{tally.new:,}")
                last = day
        out.print(table)
        out.print("Rows that are not new replace themselves. Nothing was changed.")
    _tell_refused(out, order, summary)


def _tell_refused(out: Console, order: Order, summary: Summary) -> None:
    if not summary.refused:
        return
    still = "stay dead" if order.source == "dead-letters" else "were refused and are in no table"
    out.print(f"{summary.refused:,} {still}; the first of them:")
    for one in summary.refusals[:SHOWN]:
        out.print(f"  {one.log}  partition {one.partition}  offset {one.offset}: {one.reason}", markup=False)
    if summary.unknown:
        out.print(f"{summary.unknown:,} of them are not in dead_letters: the worker has not come to them yet.")


def _sentence(error: Exception) -> str:
    text = str(error).rstrip(".")
    return f"{text}. Run `penstock migrate` first." if "(UNKNOWN_TABLE)" in text else f"{text}."
