"""Track v1: one call, one thing said. The paths' segments come still encoded."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from ingest import (
    customers,
    deliveries,
    devices,
    events,
    identifiers,
    limits,
    merges,
    relationships,
    segments,
    submissions,
)
from ingest.arrivals import Arrival
from ingest.bodies import EMPTY, Body
from ingest.customers import ORDER, RELATIONSHIPS, check_same_id
from ingest.errors import BadRequest, UnknownMetric
from ingest.made import Made, Refused
from ingest.naming import object_named, text_of
from ingest.parts import part
from ingest.problems import Problems
from ingest.rejections import excerpt
from ingest.relationships import Relationships
from ingest.times import SentTime, sent_time

Path = Mapping[str, str]
_ADD, _DELETE = "add_relationships", "delete_relationships"
_YES_OR_NO = {"true": True, "1": True, "false": False, "0": False}


def identify(arrival: Arrival, path: Path, body: Body) -> Made:
    """Create a customer, or change the attributes that are named; and with it, relationships to objects."""
    subject = identifiers.subject(path["identifier"])
    problems = Problems()
    if "id" in body.values:
        check_same_id(subject, body, problems)
    return identified(arrival, subject, body, sent_time(body, ORDER, problems), problems)


def identified(
    arrival: Arrival, subject: str, body: Body, sent: SentTime | None, problems: Problems, also: Sequence[str] = ()
) -> Made:
    """The same of a subject that was found already. also: who is the same person."""
    action, related = _relationships(body, problems)
    added = related if action == _ADD else ()
    message = customers.identify(arrival, subject, body, sent, problems, added, also)
    if action != _DELETE or not related:
        return Made((message,))
    return Made((message, relationships.delete(arrival.item(1), subject, related)))


def delete(arrival: Arrival, path: Path, _body: Body) -> Made:
    """Everything of that customer before this is gone; one who is not there is no error."""
    return Made((arrival.message("delete", identifiers.subject(path["identifier"])),))


def suppress(arrival: Arrival, path: Path, _body: Body) -> Made:
    """That customer is deleted, and nothing more is taken of it until it is unsuppressed."""
    return Made((arrival.message("suppress", identifiers.subject(path["identifier"])),))


def unsuppress(arrival: Arrival, path: Path, _body: Body) -> Made:
    """What comes from now on is taken again; nothing comes back."""
    return Made((arrival.message("unsuppress", identifiers.subject(path["identifier"])),))


def event(arrival: Arrival, path: Path, body: Body) -> Made:
    """An event, page or screen of a customer."""
    return Made((events.event(arrival, identifiers.subject(path["identifier"]), body, Problems()),))


def anonymous_event(arrival: Arrival, _path: Path, body: Body) -> Made:
    """An event of an `anonymous_id`, or without one an invite event."""
    problems = Problems()
    anonymous_id = events.anonymous_id_of(body, problems)
    subject = identifiers.of_anonymous(anonymous_id) if anonymous_id else ""
    return Made((events.event(arrival, subject, body, problems),))


def add_device(arrival: Arrival, path: Path, body: Body) -> Made:
    """Create a device of a customer, or change it."""
    subject, problems = identifiers.subject(path["identifier"]), Problems()
    device = part(body, "device", problems, required=True) or EMPTY
    problems.check()
    with problems.within("device"):
        return Made((devices.add_device(arrival, subject, device, problems),))


def delete_device(arrival: Arrival, path: Path, _body: Body) -> Made:
    """That customer has the device no longer; one that is not there is no error."""
    subject = identifiers.subject(path["identifier"])
    return Made((devices.delete_device(arrival, subject, identifiers.decoded(path["device_id"], limits.TOKEN)),))


def merge(arrival: Arrival, _path: Path, body: Body) -> Made:
    """Two customers are one."""
    return Made((merges.merge(arrival, *merges.ends_of(body, Problems())),))


def add_to_segment(arrival: Arrival, path: Path, body: Body) -> Made:
    """Those customers are in a manual segment; whoever is not known is left out."""
    segment_id = identifiers.decoded(path["segment_id"])
    return Made(segments.members("add_to_segment", arrival, segment_id, body, Problems()))


def remove_from_segment(arrival: Arrival, path: Path, body: Body) -> Made:
    """Those customers are in a manual segment no longer."""
    segment_id = identifiers.decoded(path["segment_id"])
    return Made(segments.members("remove_from_segment", arrival, segment_id, body, Problems()))


def submit_form(arrival: Arrival, path: Path, body: Body) -> Made:
    """What somebody filled in, and who."""
    return Made((submissions.form(arrival, identifiers.decoded(path["form_id"]), body, Problems()),))


def metric(arrival: Arrival, _path: Path, body: Body) -> Made:
    """What became of a delivery, by any channel."""
    return _metric(arrival, body, "metric", deliveries.METRICS)


def push_event(arrival: Arrival, _path: Path, body: Body) -> Made:
    """What became of a push, as clients say it that know no other channel."""
    return _metric(arrival, body, "event", deliveries.PUSH_METRICS)


def unsubscribe(arrival: Arrival, path: Path, body: Body) -> Made:
    """Whoever got that delivery wants no more."""
    delivery_id = identifiers.decoded(path["delivery_id"], limits.TOKEN)
    value = body.values.get("unsubscribe")
    sent = "" if value is None else str(value).lower()
    if sent not in _YES_OR_NO:
        raise BadRequest("unsubscribe must be true or false" if sent else "unsubscribe is required")
    return Made((deliveries.unsubscribe(arrival, delivery_id, _YES_OR_NO[sent]),))


def _relationships(body: Body, problems: Problems) -> tuple[str, Relationships]:
    """What is to be done, and with which; "" for nothing."""
    given = part(body, RELATIONSHIPS, problems)
    if given is None:
        return "", ()
    with problems.within(RELATIONSHIPS):
        action = given.values.get("action")
        if action in (_ADD, _DELETE):
            return action, relationships.relationships_of(given, "relationships", object_named, problems)
        problems.add(f"{problems.path('action')} must be {_ADD} or {_DELETE}", "action")
        return "", ()


def _metric(arrival: Arrival, body: Body, field: str, known: Collection[str]) -> Made:
    problems = Problems()
    delivery_id = text_of(body, "delivery_id", problems, limits.TOKEN)
    name = text_of(body, field, problems)
    sent = sent_time(body, "timestamp", problems)
    details = deliveries.details_of(body, problems)
    problems.check()
    if name in known:
        return Made((deliveries.metric(arrival, delivery_id, name, sent, details),))
    refusal = UnknownMetric(f"{field} must be one of {', '.join(sorted(known))}")
    return Made((), (Refused(None, refusal, excerpt(msgspec.json.encode(body.texts))),))
