"""`penstock trace`: what was found of a message, in plain words, and what to do next."""

import re
import sys
import time
from datetime import UTC, datetime

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.replay import UNITS, moment, subject
from schemas.settings import BadSettings, Settings
from workers.trace import Sighting, Trace, Wanted
from workers.trace.trace import trace

WIDE = 160  # columns, where no terminal says otherwise
# Where a kind of message shows.
VIEWS = {
    "identify": "customers, or objects",
    "delete": "erasures",
    "suppress": "erasures",
    "unsuppress": "erasures",
    "merge": "identifiers",
    "add_device": "devices",
    "delete_device": "devices",
    "add_relationships": "relationships",
    "delete_relationships": "relationships",
    "add_to_segment": "segment_members",
    "remove_from_segment": "segment_members",
    "form": "form_submissions and forms",
    "metric": "deliveries",
    "unsubscribe": "unsubscribes",
    "telemetry": "no view: the journal keeps it for seven days",
}
FATES = {
    "inserted": "inserted; it counts in {view}",
    "inserting": "inserted just now or in part: the worker has not confirmed it yet",
    "waiting": "not inserted yet: the worker takes {behind:,} others before it",
    "replaced": "inserted, and replaced by a later one, {detail}",
    "erased": "erased: {detail}",
    "suppressed": "ignored: its customer is suppressed {detail}",
    "refused": "refused, though it was answered 200: {detail}",
    "dead": "a dead letter: {detail}",
    "mended": "was a dead letter; a replay brought it back",
    "lacking": "in the journal, and missing in {detail}",
    "old": "in {view}; its record is older than the journal",
}
NOWHERE = (
    "Not known here: no message with it was on the log in the last seven days, and no event has it. Either no edge"
    " answered 200 to it, or it was erased, or it is older, or it still waits in an edge's spool (its /ready says so)."
    " Next: the client's answer; the edge's log, by the X-Request-Id of that answer; penstock audit proves that nothing"
    " which was acknowledged is missing."
)


def wanted(id: str, customer: str, at: str, within: str, workspace: str) -> Wanted:
    """Raises `BadSettings` for a time that is none."""
    if id:
        return Wanted(id, workspace=workspace)
    span = re.fullmatch(r"(\d{1,9})([smhd])", within)
    if not span:
        raise BadSettings(f"--within {within!r} is no duration: write 90s, 10m or 2h.")
    middle, around = moment(at, time.time()) or 0, int(span[1]) * UNITS[span[2]] * 1000
    return Wanted("", subject(customer) or "", middle - around, middle + around, workspace)


def run(settings: Settings, url: str, wanted: Wanted, *, as_json: bool) -> bool:
    """Whether something was found. Raises `Away`, `Failed` and `BadSettings`."""
    found = trace(settings, url, wanted)
    if as_json:
        told = msgspec.to_builtins(found)
        for seen, told_of in zip(found.sightings, told["sightings"], strict=True):
            told_of["next"] = following(seen)
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        _show(Console(width=None if sys.stdout.isatty() else WIDE, highlight=False), found)
    return bool(found.sightings or found.erased)


def _show(out: Console, found: Trace) -> None:
    for seen in found.sightings:
        out.print(Text(_title(seen), style="bold"))
        table = Table.grid(padding=(0, 2), pad_edge=True)
        for name, text in _lines(seen):
            table.add_row(name, Text(text))
        out.print(table)
        out.print()
    if found.erased:
        out.print(f"{found.erased:,} records of then were erased from disk: see penstock erasures.")
    if found.log_away:
        out.print(Text(f"What no worker has taken yet was not looked at. {found.log_away}", style="yellow"))
    if not found.sightings and not found.erased:
        out.print(NOWHERE)


def _title(seen: Sighting) -> str:
    named = f" {seen.name!r}" if seen.name else ""
    return (
        f"{seen.kind or 'record'}{named} {seen.id} of {seen.subject or 'nobody'} in {seen.workspace or 'no workspace'}"
    )


def _lines(seen: Sighting) -> list[tuple[str, str]]:
    lines = []
    if seen.received_at:
        lines.append(("accepted", f"{_when(seen.received_at)} by {seen.endpoint or 'an edge'}"))
    if seen.client_id:
        lines.append(("client id", seen.client_id))
    if seen.spooled_at and seen.at - seen.spooled_at > 1000:
        lines.append(("spooled", f"{_when(seen.spooled_at)}, until the log was back"))
    if seen.log:
        lines.append(("on the log", f"{_when(seen.at)}, {seen.log} partition {seen.partition} offset {seen.offset}"))
    if seen.person:
        lines.append(("person", f"cio_{seen.person}"))
    lines += [("refused", refusal) for refusal in seen.refusals]
    return [*lines, ("now", _fate(seen)), *[("next", text) for text in [following(seen)] if text]]


def _fate(seen: Sighting) -> str:
    view = VIEWS.get(seen.kind, "events")
    return FATES[seen.fate].format(view=view, detail=seen.detail, behind=seen.behind)


def following(seen: Sighting) -> str:
    """What to do about it; empty if nothing."""
    match seen.fate:
        case "waiting" | "inserting":
            return "wait for the worker, if it runs: its log, or penstock_worker_lag, says whether it comes nearer"
        case "dead":
            return "mend the cause, then: penstock replay --from dead-letters"
        case "suppressed":
            return "unsuppress the customer, and send it again"
        case "refused":
            return "see rejections for what was sent; X-Strict-Mode: 1 answers with the error"
        case "lacking":
            return "penstock audit for the whole extent, then: penstock replay"
        case _:
            return ""


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"
