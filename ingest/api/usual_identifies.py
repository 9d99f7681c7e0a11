"""The usual identify in each API's words, see `ingest.usual`: None is what has to be read with care."""

from ingest import identifiers, limits
from ingest.api.usual_parts import Call, Entity, LoneIdentify, Path, end_of, is_plain, person_of, user_of
from ingest.usual import Client, Moment, Texts, as_json, is_short, said_of, texts_of, times_of, times_of_date, written
from schemas.messages import Written


def customer(client: Client, moment: Moment, id: bytes, path: Path, said: Texts, body: bytes) -> Written | None:
    """Track v1: all of the body are attributes. Raises `BadRequest` where the path names nobody."""
    subject = identifiers.subject(path["identifier"])
    what = said_of(subject, said, body, 0)
    return None if what is None else written(client, client.identify, id, subject, *moment.times, what, client.end)


def user(client: Client, moment: Moment, id: bytes, said: LoneIdentify, body: bytes) -> Written | None:
    """Track v2, of somebody whose id has letters and digits alone: they are the same in JSON. No more brackets are in
    the attributes than in the body."""
    user = said.identifiers.id
    name = user.encode()
    if not user.isalnum() or len(name) > limits.IDENTIFIER:
        return None
    what, (before, behind) = said_of(f"id:{user}", said.attributes, body, 1), moment.times
    if what is None:
        return None
    rest = b"".join((b'"id":', id, client.identify_user, name, b'"', before, behind, what, client.end))
    return Written(client.of_user + name, rest)


def person(client: Client, moment: Moment, id: bytes, said: Entity, around: int) -> Written | None:
    """Track v2. around: levels that it is nested in."""
    subject, sent = person_of(said.identifiers), said.timestamp
    times = moment.times if sent is None else times_of(moment, sent)
    text = bytes(said.attributes)
    texts = texts_of(text)
    if not subject or times is None or texts is None:
        return None
    what = said_of(subject, texts, text, around + 1)
    return None if what is None else written(client, client.identify, id, subject, *times, what, client.end)


def call(client: Client, moment: Moment, id: bytes, said: Call, around: int) -> Written | None:
    """Data Pipelines, of a user, who may have been a visitor."""
    subject, visitor = user_of(said.user, None), user_of(None, said.visitor)
    if not subject or (said.visitor is not None and not visitor) or not is_plain(said, said.properties, around):
        return None
    times = moment.times if said.timestamp is None else times_of_date(moment, said.timestamp)
    text, end = bytes(said.traits), end_of(client, said.context, around + 1)
    texts = texts_of(text)
    what = None if texts is None else said_of(subject, texts, text, around + 1, visitor)
    if times is None or what is None or end is None:
        return None
    if said.id is not None:
        if not said.id or not is_short(said.id, limits.EVENT_ID):
            return None
        id = as_json(said.id)
    return written(client, client.identify, id, subject, *times, what, end)
