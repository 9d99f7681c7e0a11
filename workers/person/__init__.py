"""Who somebody is, by any identifier: what is known of that person, and which message said it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

FOR_EVER = (1 << 128) - 1  # above every version


@dataclass(frozen=True)
class Message:
    """That said something. Empty where it is not known any more: the journal keeps seven days."""

    kind: str = ""
    endpoint: str = ""
    id: str = ""


@dataclass(frozen=True)
class Link:
    """One message that said of two identifiers that they are one person.

    other: the one at the other end; empty if that one was erased, or is not known any more.
    """

    at: datetime
    other: str
    message: Message


@dataclass(frozen=True)
class Identifier:
    """One of those that a person has, as `kind:identifier`.

    linked: how it became that person's; None of the founder, the identifier under which the person was first known.
    merged: the mergers in which what was its person until then became this one, the first one first; `other` is the
        former person's identifier that the message named.
    until: of an anonymous one, when it stopped being that person's: later events under it are nobody's.
    """

    identifier: str
    joined_at: datetime
    message: Message
    linked: Link | None = None
    merged: Sequence[Link] = ()
    until: datetime | None = None


@dataclass(frozen=True)
class Refusal:
    """A link to one of the identifiers that was not made. times: how often it was tried; `link` is the last time."""

    identifier: str
    reason: str
    times: int
    link: Link


@dataclass(frozen=True)
class Attribute:
    """value: the exact JSON. identifier: under which it was said."""

    name: str
    value: msgspec.Raw
    set_at: datetime
    identifier: str
    message: Message


@dataclass(frozen=True)
class Device:
    """attributes: one JSON object of the exact values, as below."""

    token: str
    platform: str
    identifier: str
    last_used_at: datetime
    updated_at: datetime
    attributes: msgspec.Raw


@dataclass(frozen=True)
class Segment:
    segment_id: str
    identifier: str
    added_at: datetime


@dataclass(frozen=True)
class Relationship:
    """cio_object_id: of an object that was named by it; the other two are empty then."""

    object_type_id: str
    object_id: str
    cio_object_id: str
    identifier: str
    updated_at: datetime
    attributes: msgspec.Raw


@dataclass(frozen=True)
class Event:
    """kind: event, page or screen. data: the exact JSON."""

    id: str
    kind: str
    name: str
    timestamp: datetime
    received_at: datetime
    identifier: str
    data: msgspec.Raw


@dataclass(frozen=True)
class Person:
    """founder: the identifier under which it was first known. first_seen_at, updated_at: of all that was said of it,
    whatever identifier was used. events: the last ones, the newest first."""

    workspace: str
    cio_id: str
    founder: str
    first_seen_at: datetime
    updated_at: datetime
    identifiers: Sequence[Identifier]
    refused: Sequence[Refusal]
    attributes: Sequence[Attribute]
    devices: Sequence[Device]
    segments: Sequence[Segment]
    relationships: Sequence[Relationship]
    events: Sequence[Event]


@dataclass(frozen=True)
class Found:
    """state: `known`; `several` (in more workspaces than one); `anonymous` (a visitor whom nobody claimed), `erased`,
    `suppressed` or `unknown`. workspaces: those of which that is true.

    erasure, erased_at: the message that asked for the erasure, and when; of an erased workspace there is none.
    """

    state: str
    identifier: str
    workspaces: Sequence[str] = ()
    erasure: str = ""
    erased_at: datetime | None = None
    person: Person | None = None


def effective(version: int) -> datetime:
    """The time of a version, see `messages`."""
    return datetime.fromtimestamp((version >> 86) / 1000, UTC)
