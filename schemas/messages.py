"""The message: what the edge writes to the log, and all that a worker or a view may rely on.

A message is one JSON object. Text that a client sent as JSON travels as that exact text: `attributes` holds it
in strings, `data` as it stands. Whoever reads a message back (ClickHouse) never has to parse a client's JSON.
"""

from typing import Literal

import msgspec

Kind = Literal[
    "identify",
    "delete",
    "event",
    "page",
    "screen",
    "suppress",
    "unsuppress",
    "merge",
    "add_device",
    "delete_device",
    "add_relationships",
    "delete_relationships",
    "add_to_segment",
    "remove_from_segment",
    "form",
    "metric",
    "unsubscribe",
    "rejection",
    "telemetry",
]

EMPTY_OBJECT = msgspec.Raw(b"{}")


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a message came from.

    flags: what was odd about it, for instance `timestamp_out_of_range`.
    sent: the client's own `context`, its exact JSON object.
    """

    endpoint: str
    ip: str = ""
    user_agent: str = ""
    flags: tuple[str, ...] = ()
    sent: msgspec.Raw = EMPTY_OBJECT


Attributes = tuple[tuple[str, str], ...]

# Among the attributes of an identify of a person, and no attribute: it creates nobody.
MUST_EXIST = ("_update", "true")


class Message(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One checked request, or one item of a batch.

    id: what makes it one message; a repeat of an event keeps it.
    client_id: an event id that the client chose and that is no ULID or UUID; kept, never used to tell repeats.
    workspace: the site id.
    subject: whom it is about, as `kind:identifier`; see `ingest.identifiers`.
    name: of an event, a page or a screen; of a device its platform, of a delivery the metric, of a rejection why.
    target: the other thing it is about: a device's token, a segment's id, a form's id.
    links: subjects that it says are the same one as its own, or, of a merge, become it. None is its own, each is there
        once, in the order id, email, phone, cio, anon; of two of a kind the one that an attribute gives first.
    relationships: the other ends, each a subject, with what is said of the relationship.
    timestamp: s since 1970, when it happened by the client's word or else by receipt, within what DateTime64(3) holds.
    sent_timestamp: the client's own timestamp, its exact text; empty when it sent none.
    filed_at: s since 1970; its month files an event, so it is made only of what a repeat repeats. Absent: `timestamp`.
    received_at: s since 1970, when the edge took it.
    spooled_at: s since 1970, set where the log is Kafka: when its request is answered at the latest, or when it went to
        the edge's spool. It counts no later than that, however late it reaches the log.
    attributes: pairs of name and exact JSON text; `null` and `""` unset. Of an identify, a form, a device, a metric.
        Of a person's identify one may be `MUST_EXIST`, to the letter; `_update` is there in no other way. Of an object
        `_update` is an attribute.
    data: of an event or a form, the client's exact JSON object; of a rejection, ours.
    fingerprint: hash of the request's body, if its `Idempotency-Key` became the id: another body under one key shows.
    """

    id: str
    workspace: str
    kind: Kind
    subject: str
    received_at: float
    timestamp: float
    name: str = ""
    client_id: str = ""
    sent_timestamp: str = ""
    filed_at: float | None = None
    spooled_at: float | None = None
    target: str = ""
    links: tuple[str, ...] = ()
    relationships: tuple[tuple[str, Attributes], ...] = ()
    attributes: Attributes = ()
    data: msgspec.Raw = EMPTY_OBJECT
    fingerprint: str = ""
    context: Context


class Written(msgspec.Struct, frozen=True, gc=False):
    """A message as it goes to the log: the record's key, and its value but for the first brace."""

    key: bytes
    rest: bytes


_encoder = msgspec.json.Encoder()


def encode(message: Message) -> bytes:
    """The record's value: one JSON object that starts with `{"`."""
    return _encoder.encode(message)


def key(message: Message) -> bytes:
    """The record's key. One subject's messages share it, and so keep their order on the log."""
    return f"{message.workspace}\0{message.subject}".encode()
