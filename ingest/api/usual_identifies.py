"""The usual identify in each API's words, see `ingest.usual`: None is what has to be read with care."""

from collections.abc import Mapping

from ingest import identifiers, limits
from ingest.api.usual_parts import Call, Entity, Values, end_of, is_idle, person_of, user_of
from ingest.usual import Client, Moment, as_json, is_short, said_of, times_of, times_of_date, written
from schemas.messages import Written

Path = Mapping[str, str]

# All that it may have, see `usual_events`.
_ENTITY = frozenset({"type", "action", "identifiers", "attributes", "timestamp"})
_CALL = frozenset({"type", "userId", "anonymousId", "messageId", "timestamp", "traits", "context"})


def customer(client: Client, moment: Moment, id: bytes, path: Path, values: Values, body: bytes) -> Written | None:
    """Track v1: all of the body are attributes. Raises `BadRequest` where the path names nobody."""
    subject = identifiers.subject(path["identifier"])
    said = said_of(subject, values, body, 0)
    return None if said is None else written(client, client.identify, id, subject, *moment.times, said, client.end)


def person(client: Client, moment: Moment, id: bytes, values: Values, texts: Entity, around: int) -> Written | None:
    """Track v2. around: levels that it is nested in."""
    get = values.get
    if get("action") != "identify" or get("type") != "person" or not _ENTITY.issuperset(values):
        return None
    subject, sent, attributes = person_of(get("identifiers")), get("timestamp"), get("attributes")
    times = moment.times if sent is None else times_of(moment, sent)
    if not subject or times is None or not (attributes is None or type(attributes) is dict):
        return None
    said = said_of(subject, attributes or {}, bytes(texts.attributes), around + 1)
    return None if said is None else written(client, client.identify, id, subject, *times, said, client.end)


def call(client: Client, moment: Moment, id: bytes, values: Values, texts: Call, around: int) -> Written | None:
    """Data Pipelines, of a user, who may have been a visitor."""
    get = values.get
    traits, context, message_id, sent = get("traits"), get("context"), get("messageId"), get("timestamp")
    subject, visitor = user_of(get("userId"), None), user_of(None, get("anonymousId"))
    if not subject or ("anonymousId" in values and not visitor) or not (traits is None or type(traits) is dict):
        return None
    if get("type") != "identify" and (around or "type" in values):
        return None
    if not _CALL.issuperset(values) and not is_idle(values, _CALL, around):
        return None
    times = moment.times if sent is None else times_of_date(moment, sent)
    said = said_of(subject, traits or {}, bytes(texts.traits), around + 1, visitor)
    end = client.end if context is None else end_of(client, context, texts.context, around + 1)
    if times is None or said is None or end is None:
        return None
    if message_id is not None:
        if not message_id or not isinstance(message_id, str) or not is_short(message_id, limits.EVENT_ID):
            return None
        id = as_json(message_id)
    return written(client, client.identify, id, subject, *times, said, end)
