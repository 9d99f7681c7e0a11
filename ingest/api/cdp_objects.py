"""What Data Pipelines says of objects, which it calls groups."""

from collections.abc import Sequence

from ingest import identifiers, limits, objects, relationships
from ingest.api.cdp_envelopes import Envelope
from ingest.bodies import EMPTY, Body, without
from ingest.customers import pairs_of
from ingest.naming import text_of
from ingest.parts import part
from ingest.problems import Problems
from schemas.messages import Message

_TYPE_NAMES = ("object_type_id", "objectTypeId")
_ID_NAMES = ("objectId", "object_id", "groupId")
_RELATIONSHIP = "relationshipAttributes"
_NO_TRAITS = (*_TYPE_NAMES, _RELATIONSHIP)
_DEFAULT_TYPE = "1"


def group_messages(envelope: Envelope, body: Body, traits: Body, problems: Problems) -> Sequence[Message]:
    """The object, to which the person of the call belongs, if there is one. Raises `BadRequest` with all that is wrong,
    also with what is in `problems` already."""
    group_id = text_of(body, "groupId", problems)
    with problems.within("traits"):
        type_id = _type_id(traits, problems)
        said = part(traits, _RELATIONSHIP, problems) or EMPTY
        with problems.within(_RELATIONSHIP):
            pairs = pairs_of(said, problems, longest=limits.RELATIONSHIP)
        related = ((envelope.person, pairs),) if envelope.person else ()
        subject, own = identifiers.of_object(type_id, group_id), without(traits, _NO_TRAITS)
        return (objects.identify(envelope.arrival, subject, own, envelope.sent, problems, related),)


def relationship_deleted(envelope: Envelope, body: Body, properties: Body, problems: Problems) -> Sequence[Message]:
    subject = _object(body, properties, problems)
    envelope.require_person(problems)
    problems.check()
    return (relationships.delete(envelope.arrival, envelope.person, ((subject, ()),)),)


def object_deleted(envelope: Envelope, body: Body, properties: Body, problems: Problems) -> Sequence[Message]:
    subject = _object(body, properties, problems)
    problems.check()
    return (envelope.arrival.message("delete", subject),)


def _object(body: Body, properties: Body, problems: Problems) -> str:
    """By its id among the properties, or beside them as in a group call."""
    name = next((name for name in _ID_NAMES if name in properties.values), None)
    if name is None and "groupId" in body.values:
        object_id = text_of(body, "groupId", problems)
    else:
        with problems.within("properties"):
            object_id = text_of(properties, name or _ID_NAMES[0], problems)
    with problems.within("properties"):
        return identifiers.of_object(_type_id(properties, problems), object_id)


def _type_id(given: Body, problems: Problems) -> str:
    name = next((name for name in _TYPE_NAMES if given.values.get(name) not in (None, "")), None)
    return text_of(given, name, problems) if name else _DEFAULT_TYPE
