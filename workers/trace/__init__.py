"""Where one message is: on the log, in the journal, in its table, in dead_letters, erased, or nowhere that we know."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

MOST = 50  # sightings of one kind


@dataclass(frozen=True)
class Wanted:
    """A message by any of its ids; or those of a subject that were appended within two times, in ms since 1970."""

    id: str = ""
    subject: str = ""
    since: int = 0
    until: int = 0
    workspace: str = ""

    def matches(self, message: dict[str, Any], at: int) -> bool:
        if self.workspace and message.get("workspace") != self.workspace:
            return False
        if self.id:
            return self.id in (message.get("id"), message.get("client_id"))
        return message.get("subject") == self.subject and self.since <= at <= self.until


@dataclass
class Sighting:
    """One record, and what became of it.

    fate: `inserted`, `inserting`, `waiting`, `replaced`, `erased`, `suppressed` (it came while its customer was),
        `refused` (by the edge, which answered 200), `dead`, `mended`, `lacking` (the journal has it, its table has
        not), `old` (its record is older than the journal).
    at, received_at, spooled_at: ms since 1970; 0 where it is not known.
    behind: records that the worker takes before this one.
    detail: which later one, which deletion, which suppression or which error.
    person: the `cio_id` of the person whose it is by now; empty if it is nobody's, or not in a table.
    refusals: which of the identifiers that it names were not linked, or why nothing was done of it at all.
    """

    fate: str
    log: str = ""
    partition: int = 0
    offset: int = 0
    at: int = 0
    id: str = ""
    client_id: str = ""
    workspace: str = ""
    kind: str = ""
    subject: str = ""
    name: str = ""
    endpoint: str = ""
    received_at: int = 0
    spooled_at: int = 0
    behind: int = 0
    detail: str = ""
    person: str = ""
    refusals: list[str] = field(default_factory=list)


@dataclass
class Trace:
    """log_away: why the log could not be asked; empty if it was. erased: records of that subject of which nothing is
    left but their place."""

    sightings: list[Sighting] = field(default_factory=list)
    log_away: str = ""
    erased: int = 0


def decoded(value: bytes | str) -> dict[str, Any]:
    """What a record's value says; nothing if it is no message of ours."""
    try:
        found = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def sighting(fate: str, log: str, partition: int, offset: int, at: int, message: dict[str, Any]) -> Sighting:
    """Of a message that never became a row."""
    seen = Sighting(fate, log, partition, offset, at)
    for name in ("id", "client_id", "workspace", "kind", "subject", "name"):
        setattr(seen, name, str(message.get(name, "")))
    context = message.get("context")
    seen.endpoint = str(context.get("endpoint", "")) if isinstance(context, dict) else ""
    seen.received_at, seen.spooled_at = _ms(message.get("received_at")), _ms(message.get("spooled_at"))
    return seen


def _ms(seconds: object) -> int:
    return int(seconds * 1000) if isinstance(seconds, int | float) else 0
