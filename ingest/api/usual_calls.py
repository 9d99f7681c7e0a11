"""The usual event in each API's words, see `ingest.usual`: None is what has to be read with care."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ingest import identifiers, limits
from ingest.api.cdp_semantic import SEMANTIC
from ingest.ids import classified
from ingest.json_text import is_within
from ingest.usual import (
    NESTS,
    Client,
    Moment,
    Times,
    as_json,
    data_of,
    identifier_of,
    is_short,
    name_of,
    times_of,
    times_of_date,
    times_of_repeat,
    written,
)
from schemas.messages import Written

Path = Mapping[str, str]
Values = dict[str, Any]

_NOTHING = msgspec.Raw(b"")
_PERSONS = {"id": "id:", "anonymous_id": "anon:"}
# All that such an event may have: whatever else there is may change what it means; but for a call see `_is_idle`.
_EVENT = frozenset({"name", "data", "timestamp"})
_ENTITY = frozenset({"type", "action", "identifiers", "name", "attributes", "timestamp"})
_CALL = frozenset({"type", "event", "userId", "anonymousId", "messageId", "timestamp", "properties", "context"})
_SEMANTIC = frozenset(map(name_of, SEMANTIC))


class Event(msgspec.Struct, gc=False):
    """The texts in an event of Track v1 that travel as they are."""

    data: msgspec.Raw = _NOTHING


class Entity(msgspec.Struct, gc=False):
    """The same in Track v2."""

    attributes: msgspec.Raw = _NOTHING


class Call(msgspec.Struct, gc=False):
    """The same in Data Pipelines."""

    properties: msgspec.Raw = _NOTHING
    context: msgspec.Raw = _NOTHING


def event(client: Client, moment: Moment, id: bytes, path: Path, values: Values, texts: Event) -> Written | None:
    """Track v1. Raises `BadRequest` where the path names nobody."""
    name, sent = name_of(values.get("name")), values.get("timestamp")
    times = moment.times if sent is None else times_of(moment, sent)
    data = data_of(values.get("data"), texts.data, 1)
    if name is None or times is None or data is None or not _EVENT.issuperset(values):
        return None
    return written(client, id, identifiers.subject(path["identifier"]), times, name, data, client.end)


def entity(client: Client, moment: Moment, id: bytes, values: Values, texts: Entity, around: int) -> Written | None:
    """An event of a person in Track v2. around: levels that it is nested in."""
    get = values.get
    if get("action") != "event" or get("type") != "person" or not _ENTITY.issuperset(values):
        return None
    subject, name, sent = _person(get("identifiers")), name_of(get("name")), get("timestamp")
    times = moment.times if sent is None else times_of(moment, sent)
    data = data_of(get("attributes"), texts.attributes, around + 1)
    if not subject or name is None or times is None or data is None:
        return None
    return written(client, id, subject, times, name, data, client.end)


def track(client: Client, moment: Moment, id: bytes, values: Values, texts: Call, around: int) -> Written | None:
    """A track call of Data Pipelines, with what libraries send beside it."""
    get = values.get
    name, subject = name_of(get("event")), _user(get("userId"), get("anonymousId"))
    properties, context, message_id, sent = get("properties"), get("context"), get("messageId"), get("timestamp")
    # An empty object is none, here.
    data = data_of(properties, texts.properties, around + 1) if properties != {} else b""
    end = client.end if context is None else _end(client, context, texts.context, around + 1)
    if name is None or name in _SEMANTIC or not subject or data is None or end is None:
        return None
    if get("type") != "track" and (around or "type" in values):
        return None
    if not _CALL.issuperset(values) and not _is_idle(values, around):
        return None
    times: Times | None = moment.times
    if message_id is not None:
        if not message_id or not isinstance(message_id, str) or not is_short(message_id, limits.EVENT_ID):
            return None
        id, times = as_json(message_id), times_of_repeat(moment, sent, classified(message_id).at)
    elif sent is not None:
        times = times_of_date(moment, sent)
    return None if times is None else written(client, id, subject, times, name, data, end)


def _person(named: object) -> str:
    if type(named) is not dict or len(named) != 1:
        return ""
    [(kind, value)] = named.items()
    prefix, person = _PERSONS.get(kind), identifier_of(value)
    return prefix + person if prefix and person else ""


def _user(user: object, visitor: object) -> str:
    """The user counts; a visitor beside it has to be one all the same."""
    if visitor is not None and not identifier_of(visitor):
        return ""
    if user is None:
        return identifiers.of_anonymous(identifier_of(visitor)) if visitor is not None else ""
    person = identifier_of(user)
    return identifiers.of_customer(person) if person else ""


def _is_idle(values: Values, around: int) -> bool:
    """Whether what libraries send beside a call, as `integrations` and `sentAt`, is nothing that anybody reads."""
    if not values.get("timestamp") and "originalTimestamp" in values:  # the one stands in for the other
        return False
    rest = (values[name] for name in values.keys() - _CALL)
    return all(is_within(each, limits.NESTING - around - 1) for each in rest if type(each) in NESTS)


def _end(client: Client, context: object, text: msgspec.Raw, around: int) -> bytes | None:
    said = data_of(context, text, around)
    return None if said is None else client.end_with(bytes(text))
