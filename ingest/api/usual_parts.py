"""What usual bodies have in each API, beside what they say; see `ingest.usual`.

The types here hold all that such a body may have: whatever else there is may change what it means, and msgspec refuses
it, as it refuses a value of another type. What travels as it was sent is only cut out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct, field

from ingest import identifiers
from ingest.arrivals import Arrival
from ingest.usual import NOTHING, Client, data_of, identifier_of, is_shallow
from schemas.messages import Message, Written

Path = Mapping[str, str]
Arrive = Callable[[float], Arrival]
Made = Sequence[Message | Written]

# A number as its text: of larger ones, and of others, the text may not be the one that was sent.
Id = str | Annotated[int, Meta(gt=0, le=2**63 - 1)]


TEXTS = 4  # of a call, see there


class Event(Struct, gc=False, forbid_unknown_fields=True):
    """Of Track v1."""

    name: str
    data: Raw = NOTHING
    timestamp: int | None = None


class Named(Struct, gc=False, forbid_unknown_fields=True):
    """Who is meant, in Track v2."""

    id: Id = ""
    anonymous_id: Id = ""


class Entity(Struct, gc=False, forbid_unknown_fields=True):
    """Of Track v2."""

    type: Literal["person"]
    action: Literal["event", "identify"]
    identifiers: Named
    name: str = ""
    attributes: Raw = NOTHING
    timestamp: int | None = None


class Call(Struct, gc=False, forbid_unknown_fields=True):
    """Of Data Pipelines. original: counts where there is no timestamp. What begins with `idle` nobody reads, but
    libraries send it."""

    type: Literal["track", "identify"] | None = None
    event: str = ""
    user: Id | None = field(name="userId", default=None)
    visitor: Id | None = field(name="anonymousId", default=None)
    id: str | None = field(name="messageId", default=None)
    timestamp: str | None = None
    properties: Raw = NOTHING
    traits: Raw = NOTHING
    context: Raw = NOTHING
    original: str | None = field(name="originalTimestamp", default=None)
    idle_integrations: Raw = field(name="integrations", default=NOTHING)
    idle_metadata: Raw = field(name="_metadata", default=NOTHING)
    idle_sent: str | None = field(name="sentAt", default=None)
    idle_received: str | None = field(name="receivedAt", default=None)
    idle_channel: str | None = field(name="channel", default=None)
    idle_key: str | None = field(name="writeKey", default=None)

    def texts(self) -> tuple[Raw, ...]:
        """What may be deep and is not read; properties and context come first."""
        return self.properties, self.context, self.idle_integrations, self.idle_metadata


class Known(Struct, gc=False, forbid_unknown_fields=True):
    """Who is meant by most in Track v2."""

    id: str


class Happened(Struct, gc=False, forbid_unknown_fields=True):
    """An event of Track v2 that says no more than whom, what, and data."""

    type: Literal["person"]
    action: Literal["event"]
    identifiers: Known
    name: str
    attributes: Raw


class LoneEvent(Struct, gc=False, forbid_unknown_fields=True, tag_field="action", tag="event"):
    """The same, for a call that came alone and is this or a `LoneIdentify`: only of several types msgspec insists on
    what tells them apart."""

    type: Literal["person"]
    identifiers: Known
    name: str
    attributes: Raw


class LoneIdentify(Struct, gc=False, forbid_unknown_fields=True, tag_field="action", tag="identify"):
    """An identify of Track v2 that says no more than who, and attributes."""

    type: Literal["person"]
    identifiers: Known
    attributes: dict[str, Raw]


class Tracked(Struct, gc=False, forbid_unknown_fields=True):
    """The same of Data Pipelines."""

    type: Literal["track"]
    user: str = field(name="userId")
    event: str
    properties: Raw


def person_of(named: Named) -> str:
    id, visitor = named.id, named.anonymous_id
    if visitor == "":
        person = identifier_of(id)
        return "id:" + person if person else ""
    person = identifier_of(visitor) if id == "" else ""
    return "anon:" + person if person else ""


def user_of(user: str | int | None, visitor: str | int | None) -> str:
    """The user counts; a visitor beside it has to be one all the same."""
    if visitor is not None and not identifier_of(visitor):
        return ""
    if user is None:
        return identifiers.of_anonymous(identifier_of(visitor)) if visitor is not None else ""
    person = identifier_of(user)
    return identifiers.of_customer(person) if person else ""


def is_plain(said: Call, unread: Raw, around: int) -> bool:
    """Whether what stands beside what is read means nothing. unread: what calls of another type say. around: levels
    that it is nested in."""
    if unread is not NOTHING or (said.original is not None and not said.timestamp):
        return False
    return is_shallow(said.idle_integrations, around + 1) and is_shallow(said.idle_metadata, around + 1)


def is_bare(said: Call) -> bool:
    """Whether it says no more than whom, what, and properties."""
    return (
        said.user is not None
        and said.id is None
        and said.timestamp is None
        and said.visitor is None
        and said.context is NOTHING
        and said.traits is NOTHING
        and said.original is None
        and said.idle_integrations is NOTHING
        and said.idle_metadata is NOTHING
    )


def end_of(client: Client, context: Raw, around: int) -> bytes | None:
    """Of a call's message, with its own context if it has one."""
    if context is NOTHING:
        return client.end
    said = data_of(context, around)
    return None if said is None else client.end_with(bytes(context)) if said else client.end
