"""What Track v2 can say of an entity: each type and action, and the message that it becomes."""

from collections.abc import Callable, Mapping
from functools import partial

from ingest import customers, deliveries, devices, limits, merges, objects, relationships
from ingest.arrivals import Arrival
from ingest.bodies import EMPTY, Body
from ingest.customers import ORDER, RELATIONSHIPS, check_same_id
from ingest.errors import BadRequest
from ingest.events import data_of, event_message, name_of
from ingest.ids import client_id
from ingest.naming import object_named, person_named, text_of
from ingest.parts import part
from ingest.problems import Problems
from ingest.relationships import Named, Relationships, relationships_of
from ingest.times import sent_time
from schemas.messages import Kind, Message

_ATTRIBUTES, _ANONYMOUS = "attributes", "anonymous_id"
_DETAILS = {name: name for name in ("recipient", "reason", "href")}

# The message of an entity; its subject is "" if a problem was found with it. Raises `BadRequest` with all that is
# wrong, also with what is among the problems already.
Say = Callable[[Arrival, str, Body, Problems], Message]


def _delivery_named(given: Body, problems: Problems) -> str:
    return text_of(given, "id", problems, limits.TOKEN)


def _bare(kind: Kind, arrival: Arrival, subject: str, _body: Body, problems: Problems) -> Message:
    """What says no more than about whom."""
    problems.check()
    return arrival.message(kind, subject)


def _identify_person(arrival: Arrival, subject: str, body: Body, problems: Problems) -> Message:
    attributes = part(body, _ATTRIBUTES, problems) or EMPTY
    related = relationships_of(body, RELATIONSHIPS, object_named, problems)
    sent = sent_time(body, "timestamp", problems)
    with problems.within(_ATTRIBUTES):
        # As v1 has them, which knows no other place.
        related += relationships_of(attributes, RELATIONSHIPS, object_named, problems)
        sent = sent or sent_time(attributes, ORDER, problems)
        if "id" in attributes.values:
            check_same_id(subject, attributes, problems)
        return customers.identify(arrival, subject, attributes, sent, problems, related)


def _identify_object(arrival: Arrival, subject: str, body: Body, problems: Problems) -> Message:
    return _object(arrival, subject, body, problems, relationships_of(body, RELATIONSHIPS, person_named, problems))


def _identify_anonymous(arrival: Arrival, subject: str, body: Body, problems: Problems) -> Message:
    """An object of people of whom nothing is known but an `anonymous_id`: in a list, or one beside the attributes."""
    named = partial(person_named, allowed=(_ANONYMOUS,))
    related = relationships_of(body, RELATIONSHIPS, named, problems)
    if body.values.get(_ANONYMOUS) not in (None, ""):
        related.append((named(body, problems), ()))
    return _object(arrival, subject, body, problems, related)


def _object(arrival: Arrival, subject: str, body: Body, problems: Problems, related: Relationships) -> Message:
    attributes = part(body, _ATTRIBUTES, problems) or EMPTY
    sent = sent_time(body, "timestamp", problems)
    with problems.within(_ATTRIBUTES):
        return objects.identify(arrival, subject, attributes, sent, problems, related)


def _event(kind: Kind, arrival: Arrival, subject: str, body: Body, problems: Problems) -> Message:
    """Its data are called `attributes`, and by some clients `data`, as in v1."""
    field = "data" if "data" in body.values and not body.values.get(_ATTRIBUTES) else _ATTRIBUTES
    if field == _ATTRIBUTES and body.values.get("data"):
        problems.add(f"{_ATTRIBUTES} and data are the same thing: send one of them", "data")
    name = name_of(body, kind, problems)
    data = data_of(body, field, problems)
    given = client_id(body, problems)
    sent = sent_time(body, "timestamp", problems)
    problems.check()
    return event_message(arrival, kind, subject, name, data, given, sent)


def _relate(
    said: Callable[[Arrival, str, Relationships], Message],
    others: Named,
    arrival: Arrival,
    subject: str,
    body: Body,
    problems: Problems,
) -> Message:
    if body.values.get(RELATIONSHIPS) in (None, []):
        problems.add(f"{RELATIONSHIPS} is required", RELATIONSHIPS, "required")
    related = relationships_of(body, RELATIONSHIPS, others, problems)
    problems.check()
    return said(arrival, subject, related)


def _add_device(arrival: Arrival, subject: str, body: Body, problems: Problems) -> Message:
    device = _needed(body, "device", problems)
    with problems.within("device"):
        return devices.add_device(arrival, subject, device, problems, token="token")  # noqa: S106  a field's name


def _delete_device(arrival: Arrival, subject: str, body: Body, problems: Problems) -> Message:
    device = _needed(body, "device", problems)
    with problems.within("device"):
        token = text_of(device, "token", problems, limits.TOKEN)
    problems.check()
    return devices.delete_device(arrival, subject, token)


def _merge(arrival: Arrival, _subject: str, body: Body, problems: Problems) -> Message:
    return merges.merge(arrival, *merges.ends_of(body, problems))


def _metric(arrival: Arrival, delivery_id: str, body: Body, problems: Problems) -> Message:
    name = text_of(body, "name", problems)
    if name and name not in deliveries.PUSH_METRICS:
        problems.add(f"name must be one of {', '.join(deliveries.PUSH_METRICS)}", "name")
    sent = sent_time(body, "timestamp", problems)
    attributes = _needed(body, _ATTRIBUTES, problems)
    with problems.within(_ATTRIBUTES):
        text_of(attributes, "device_token", problems, limits.TOKEN)
        details = deliveries.details_of(attributes, problems, _DETAILS)
    problems.check()
    device = ("device_id", str(attributes.texts["device_token"], "utf-8"))
    return deliveries.metric(arrival, delivery_id, name, sent, (device, *details))


def _needed(body: Body, name: str, problems: Problems) -> Body:
    """An object without which nothing more can be looked at: raises `BadRequest` with all that is wrong by then."""
    given = part(body, name, problems, required=True)
    if given is None:
        raise BadRequest(*problems)
    return given


_ADD, _DELETE = relationships.add, relationships.delete

TYPES: Mapping[str, Named] = {"person": person_named, "object": object_named, "delivery": _delivery_named}
ACTIONS: Mapping[tuple[str, str], Say] = {
    ("person", "identify"): _identify_person,
    ("person", "event"): partial(_event, "event"),
    ("person", "page"): partial(_event, "page"),
    ("person", "screen"): partial(_event, "screen"),
    # No document has these two; Segment sends them.
    ("person", "viewed_content"): partial(_event, "event"),
    ("person", "clicked_content"): partial(_event, "event"),
    ("person", "add_relationships"): partial(_relate, _ADD, object_named),
    ("person", "delete_relationships"): partial(_relate, _DELETE, object_named),
    ("person", "add_device"): _add_device,
    ("person", "delete_device"): _delete_device,
    ("person", "merge"): _merge,
    ("person", "delete"): partial(_bare, "delete"),
    ("person", "suppress"): partial(_bare, "suppress"),
    ("person", "unsuppress"): partial(_bare, "unsuppress"),
    ("object", "identify"): _identify_object,
    ("object", "identify_anonymous"): _identify_anonymous,
    ("object", "delete"): partial(_bare, "delete"),
    ("object", "add_relationships"): partial(_relate, _ADD, person_named),
    ("object", "delete_relationships"): partial(_relate, _DELETE, person_named),
    ("delivery", "event"): _metric,
}
# They name whom they are about otherwise than by `identifiers`.
UNIDENTIFIED = frozenset({("person", "merge")})
