"""`penstock person`: somebody as a page for a person, or as JSON."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingest.identifiers import of_cio_id, of_customer, of_email
from workers.person import Attribute, Found, Identifier, Message, Person, Refusal
from workers.person.person import person

WIDE = 160  # columns, where no terminal says otherwise
NARROW = 120  # columns, below which what is said about a row stands under it
MOST = 300  # characters of one value
_KIND = re.compile(r"(id|email|phone|cio|anon):(.+)", re.DOTALL)
NOBODY = {
    "several": "{who} is somebody in more than one workspace: {sites}. Name one with --workspace.",
    "anonymous": (
        "{who} in {sites} is an anonymous visitor: nobody has claimed it yet. Its events are in the view events."
    ),
    "erased": "Whoever had {who} in {sites} was erased{by}. Nothing is known of it since; see penstock erasures.",
    "suppressed": "{who} in {sites} is suppressed{by}: all that is said of it is ignored until unsuppress.",
    "unknown": (
        "Nobody has {who} here. Either nothing was ever said that makes somebody of it, or no worker has taken it yet:"
        " penstock trace --customer tells."
    ),
}
REASONS = {
    "identifier_conflict": "it is another person's",
    "suppressed": "it is suppressed",
    "too_many_links": "one of the two has to do with too many others",
    "unknown_cio_id": "the cio_id was nobody's",
    "unknown_person": "_update, and there was nobody",
    "unknown_primary": "the primary was nobody",
    "unknown_secondary": "the secondary was nobody",
}


def subject(identifier: str) -> str:
    """As a message has it: of the kind that it names, else of the one that the edge would take it for."""
    if not (match := _KIND.fullmatch(identifier)):
        return of_customer(identifier)
    kind, text = match.groups()
    if kind == "email":
        return of_email(text)
    return of_cio_id(text) if kind == "cio" else identifier


def run(url: str, identifier: str, workspace: str, events: int, *, as_json: bool) -> bool:
    """Whether that is somebody. Raises `Away` and `Failed`."""
    found = person(url, subject(identifier), workspace, events)
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        out = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
        if found.person:
            show(out, found.person)
        else:
            out.print(Text(_nobody(found)))
    return found.person is not None


def show(out: Console, person: Person) -> None:
    """Print all of it."""
    out.print(Text(f"{_plain(person.founder)} in {_plain(person.workspace)}", style="bold"))
    head = Table.grid(padding=(0, 2), pad_edge=True)
    head.add_row("cio_id", Text(person.cio_id, overflow="fold"))
    head.add_row("first seen", f"{_when(person.first_seen_at)} UTC, as all times here")
    head.add_row("updated", _when(person.updated_at))
    out.print(head)
    linked = ((_when(each.joined_at), each.identifier, list(_linked(each))) for each in person.identifiers)
    _section(out, "Identifiers", ("since", "identifier", "linked"), linked)
    refused = ((_when(each.link.at), each.identifier, _refused(each)) for each in person.refused)
    _section(out, "Refused links", ("last tried", "identifier", "why"), refused)
    attributes = ((each.name, _text(each.value), _set(each)) for each in person.attributes)
    _section(out, "Attributes", ("attribute", "value", "set"), attributes)
    _things(out, person)
    events = (
        (_when(each.timestamp), each.name or each.kind, [f"{each.kind} {each.id}, {each.identifier}"])
        for each in person.events
    )
    _section(out, "Last events", ("time", "event", "under"), events)


def _things(out: Console, person: Person) -> None:
    devices = (
        (each.platform, each.token, [_given(each.updated_at, each.identifier), *_said(each.attributes)])
        for each in person.devices
    )
    _section(out, "Devices", ("platform", "token", "given"), devices)
    segments = ((_when(each.added_at), each.segment_id, [each.identifier]) for each in person.segments)
    _section(out, "Segments", ("since", "segment", "under"), segments)
    related = (
        (
            each.object_type_id,
            each.object_id or each.cio_object_id,
            [_given(each.updated_at, each.identifier), *_said(each.attributes)],
        )
        for each in person.relationships
    )
    _section(out, "Relationships", ("type", "object", "said"), related)


def _section(
    out: Console, title: str, columns: tuple[str, str, str], rows: Iterable[tuple[str, str, Sequence[str]]]
) -> None:
    """Of each row two cells, and lines about it: beside them, or under the second where there is no room."""
    beside = out.width >= NARROW
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns if beside else columns[:2]:
        table.add_column(column, overflow="fold")
    for first, second, lines in rows:
        cell, about = Text(_plain(second)), Text("\n".join(map(_plain, lines)), style="dim")
        table.add_row(Text(_plain(first)), *([cell, about] if beside else [Text("\n").join([cell, about])]))
    if table.row_count:
        out.print(table)


def _linked(one: Identifier) -> Iterator[str]:
    if one.linked:
        yield f"with {one.linked.other or 'one that was erased'}"
    yield from _by(one.message)
    for merger in one.merged:
        yield f"merged {_when(merger.at)}: until then the person of {merger.other or 'another one'}"
        yield from _by(merger.message)
    if one.until:
        yield f"its events count until {_when(one.until)}"


def _refused(refusal: Refusal) -> list[str]:
    other = refusal.link.other or "one that was erased"
    times = f", {refusal.times:,} times" if refusal.times > 1 else ""
    return [f"with {other}: {REASONS.get(refusal.reason, refusal.reason)}{times}", *_by(refusal.link.message)]


def _set(attribute: Attribute) -> list[str]:
    return [_given(attribute.set_at, attribute.identifier), *_by(attribute.message)]


def _given(at: datetime, identifier: str) -> str:
    return f"{_when(at)}, {identifier}"


def _said(attributes: msgspec.Raw) -> list[str]:
    text = _text(attributes)
    return [] if text == "{}" else [text]


def _by(message: Message) -> list[str]:
    """Nothing, of a message that nobody knows any more."""
    endpoint = f" by {message.endpoint}" if message.endpoint else ""
    return [f"{message.kind} {message.id}{endpoint}"] if message.id else []


def _nobody(found: Found) -> str:
    by = f" by {found.erasure}, requested at {_when(found.erased_at)} UTC" if found.erased_at else ""
    sites = _plain(", ".join(found.workspaces))
    return NOBODY[found.state].format(who=_plain(found.identifier), sites=sites, by=by)


def _text(value: msgspec.Raw) -> str:
    return bytes(value).decode()


def _plain(text: str) -> str:
    """Somebody else's text: none of it may command the terminal, or fill it."""
    shown = "".join(letter if letter.isprintable() else "." for letter in text[:MOST])
    return shown if len(text) <= MOST else f"{shown}… ({len(text):,} characters: see --json)"


def _when(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
