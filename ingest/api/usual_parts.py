"""What usual bodies have in each API, beside what they say; see `ingest.usual`."""

from typing import Any

import msgspec

from ingest import identifiers, limits
from ingest.json_text import is_within
from ingest.usual import NESTS, Client, data_of, identifier_of

Values = dict[str, Any]

_NOTHING = msgspec.Raw(b"")
_PERSONS = {"id": "id:", "anonymous_id": "anon:"}


class Event(msgspec.Struct, gc=False):
    """The texts in an event of Track v1 that travel as they are."""

    data: msgspec.Raw = _NOTHING


class Entity(msgspec.Struct, gc=False):
    """The same in Track v2."""

    attributes: msgspec.Raw = _NOTHING


class Call(msgspec.Struct, gc=False):
    """The same in Data Pipelines."""

    properties: msgspec.Raw = _NOTHING
    traits: msgspec.Raw = _NOTHING
    context: msgspec.Raw = _NOTHING


def person_of(named: object) -> str:
    if type(named) is not dict or len(named) != 1:
        return ""
    [(kind, value)] = named.items()
    prefix, person = _PERSONS.get(kind), identifier_of(value)
    return prefix + person if prefix and person else ""


def user_of(user: object, visitor: object) -> str:
    """The user counts; a visitor beside it has to be one all the same."""
    if visitor is not None and not identifier_of(visitor):
        return ""
    if user is None:
        return identifiers.of_anonymous(identifier_of(visitor)) if visitor is not None else ""
    person = identifier_of(user)
    return identifiers.of_customer(person) if person else ""


def is_idle(values: Values, known: frozenset[str], around: int) -> bool:
    """Whether what libraries send beside what is known of a call, as `integrations` and `sentAt`, is nothing that
    anybody reads."""
    if not values.get("timestamp") and "originalTimestamp" in values:  # the one stands in for the other
        return False
    rest = (values[name] for name in values.keys() - known)
    return all(is_within(each, limits.NESTING - around - 1) for each in rest if type(each) in NESTS)


def end_of(client: Client, context: object, text: msgspec.Raw, around: int) -> bytes | None:
    said = data_of(context, text, around)
    return None if said is None else client.end_with(bytes(text))
