"""The usual event in each API's words, see `ingest.usual`: None is what has to be read with care."""

from ingest import identifiers, limits
from ingest.api.usual_parts import Call, Entity, Event, LoneEvent, Path, end_of, is_plain, person_of, user_of
from ingest.api.usual_tracks import SEMANTIC_NAMES
from ingest.ids import time_in
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

_BEFORE_DATA = len(b',"data":{')


def event(client: Client, moment: Moment, id: bytes, path: Path, said: Event) -> Written | None:
    """Track v1. Raises `BadRequest` where the path names nobody."""
    name, sent, data = name_of(said.name), said.timestamp, data_of(said.data, 1)
    times = moment.times if sent is None else times_of(moment, sent)
    if name is None or times is None or data is None:
        return None
    subject = identifiers.subject(path["identifier"])
    return written(client, client.event, id, subject, times[0], name, times[1], data, client.end)


def entity(client: Client, moment: Moment, id: bytes, said: Entity, around: int) -> Written | None:
    """An event of a person in Track v2. around: levels that it is nested in."""
    subject, name, sent = person_of(said.identifiers), name_of(said.name), said.timestamp
    times = moment.times if sent is None else times_of(moment, sent)
    data = data_of(said.attributes, around + 1)
    if not subject or name is None or times is None or data is None:
        return None
    return written(client, client.event, id, subject, times[0], name, times[1], data, client.end)


def user(client: Client, moment: Moment, id: bytes, said: LoneEvent, _body: bytes) -> Written | None:
    """The same of somebody whose id has letters and digits alone: they are the same in JSON."""
    user = said.identifiers.id
    person, name, data = user.encode(), name_of(said.name), data_of(said.attributes, 1)
    if not user.isalnum() or len(person) > limits.IDENTIFIER or name is None or data is None:
        return None
    before, behind = moment.times
    rest = b"".join((b'"id":', id, client.event_user, person, b'"', before, name, behind, data, client.end))
    return Written(client.of_user + person, rest)


def track(client: Client, moment: Moment, id: bytes, said: Call, around: int) -> Written | None:
    """A track call of Data Pipelines, with what libraries send beside it."""
    name, subject = name_of(said.event), user_of(said.user, said.visitor)
    data, end = data_of(said.properties, around + 1), end_of(client, said.context, around + 1)
    if (
        name is None
        or name in SEMANTIC_NAMES
        or not subject
        or data is None
        or end is None
        or not is_plain(said, said.traits, around)
    ):
        return None
    if data.find(b'"', _BEFORE_DATA) < 0:  # an empty object is none, here
        data = b""
    times: Times | None = moment.times
    message_id, sent = said.id, said.timestamp
    if message_id is not None:
        if not message_id or not is_short(message_id, limits.EVENT_ID):
            return None
        id, times = as_json(message_id), times_of_repeat(moment, sent, time_in(message_id))
    elif sent is not None:
        times = times_of_date(moment, sent)
    if times is None:
        return None
    return written(client, client.event, id, subject, times[0], name, times[1], data, end)
