"""The message: what the edge writes to the log, and all that a worker or a view may rely on.

A message is one JSON object. Text that a client sent as JSON travels as that exact text: `attributes` holds it
in strings, `data` as it stands. Whoever reads a message back (ClickHouse) never has to parse a client's JSON.
"""

from typing import Literal

import msgspec

Kind = Literal["identify", "delete", "event", "page", "screen"]

EMPTY_OBJECT = msgspec.Raw(b"{}")


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a message came from. `flags` names what was odd about it, for instance `timestamp_out_of_range`."""

    endpoint: str
    ip: str = ""
    user_agent: str = ""
    flags: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One checked request, or one item of a batch.

    id: what makes it one message; a repeat of an event keeps it.
    client_id: an event id that the client chose and that is no ULID or UUID; kept, never used to tell repeats.
    workspace: the site id.
    subject: whom it is about, as `kind:identifier`; see `ingest.identifiers`.
    name: of an event, a page or a screen.
    timestamp: s since 1970, when it happened by the client's word or else by receipt, within what DateTime64(3) holds.
    sent_timestamp: the client's own timestamp, its exact text; empty when it sent none.
    filed_at: s since 1970; its month files an event, so it is made only of what a repeat repeats. Absent: `timestamp`.
    received_at: s since 1970, when the edge took it.
    spooled_at: s since 1970, set where the log is Kafka: when its request is answered at the latest, or when it went to
        the edge's spool. It counts no later than that, however late it reaches the log.
    attributes: of an identify, pairs of name and exact JSON text; `null` and `""` unset.
    data: of an event, the client's exact JSON object.
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
    attributes: tuple[tuple[str, str], ...] = ()
    data: msgspec.Raw = EMPTY_OBJECT
    context: Context


_encoder = msgspec.json.Encoder()


def encode(message: Message) -> bytes:
    """The record's value: one JSON object that starts with `{"`."""
    return _encoder.encode(message)


def key(message: Message) -> bytes:
    """The record's key. One subject's messages share it, and so keep their order on the log."""
    return f"{message.workspace}\0{message.subject}".encode()
