"""The usual event in each API's words, see `ingest.usual`: None is what has to be read with care."""

from collections.abc import Mapping

from ingest import identifiers, limits
from ingest.api.cdp_semantic import SEMANTIC
from ingest.api.usual_parts import Call, Entity, Event, Values, end_of, is_idle, person_of, user_of
from ingest.ids import classified
from ingest.usual import (
    Client,
    Moment,
    Times,
    as_json,
    data_of,
    is_short,
    name_of,
    times_of,
    times_of_date,
    times_of_repeat,
    written,
)
from schemas.messages import Written

Path = Mapping[str, str]

# All that such an event may have: whatever else there is may change what it means; but for a call see `is_idle`.
_EVENT = frozenset({"name", "data", "timestamp"})
_ENTITY = frozenset({"type", "action", "identifiers", "name", "attributes", "timestamp"})
_CALL = frozenset({"type", "event", "userId", "anonymousId", "messageId", "timestamp", "properties", "context"})
_SEMANTIC = frozenset(map(name_of, SEMANTIC))


def event(client: Client, moment: Moment, id: bytes, path: Path, values: Values, texts: Event) -> Written | None:
    """Track v1. Raises `BadRequest` where the path names nobody."""
    name, sent = name_of(values.get("name")), values.get("timestamp")
    times = moment.times if sent is None else times_of(moment, sent)
    data = data_of(values.get("data"), texts.data, 1)
    if name is None or times is None or data is None or not _EVENT.issuperset(values):
        return None
    subject = identifiers.subject(path["identifier"])
    return written(client, client.event, id, subject, times[0], name, times[1], data, client.end)


def entity(client: Client, moment: Moment, id: bytes, values: Values, texts: Entity, around: int) -> Written | None:
    """An event of a person in Track v2. around: levels that it is nested in."""
    get = values.get
    if get("action") != "event" or get("type") != "person" or not _ENTITY.issuperset(values):
        return None
    subject, name, sent = person_of(get("identifiers")), name_of(get("name")), get("timestamp")
    times = moment.times if sent is None else times_of(moment, sent)
    data = data_of(get("attributes"), texts.attributes, around + 1)
    if not subject or name is None or times is None or data is None:
        return None
    return written(client, client.event, id, subject, times[0], name, times[1], data, client.end)


def track(client: Client, moment: Moment, id: bytes, values: Values, texts: Call, around: int) -> Written | None:
    """A track call of Data Pipelines, with what libraries send beside it."""
    get = values.get
    name, subject = name_of(get("event")), user_of(get("userId"), get("anonymousId"))
    properties, context, message_id, sent = get("properties"), get("context"), get("messageId"), get("timestamp")
    # An empty object is none, here.
    data = data_of(properties, texts.properties, around + 1) if properties != {} else b""
    end = client.end if context is None else end_of(client, context, texts.context, around + 1)
    if name is None or name in _SEMANTIC or not subject or data is None or end is None:
        return None
    if get("type") != "track" and (around or "type" in values):
        return None
    if not _CALL.issuperset(values) and not is_idle(values, _CALL, around):
        return None
    times: Times | None = moment.times
    if message_id is not None:
        if not message_id or not isinstance(message_id, str) or not is_short(message_id, limits.EVENT_ID):
            return None
        id, times = as_json(message_id), times_of_repeat(moment, sent, classified(message_id).at)
    elif sent is not None:
        times = times_of_date(moment, sent)
    if times is None:
        return None
    return written(client, client.event, id, subject, times[0], name, times[1], data, end)
