"""Events, pages and screens, as messages: of a customer, of somebody anonymous, of an invited address."""

import msgspec

from ingest import identifiers, limits
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.ids import NOT_TEXT, ClientId, classified, client_id
from ingest.problems import Problems
from ingest.times import SentTime, sent_time
from schemas.messages import EMPTY_OBJECT, Kind, Message

_KINDS: dict[object, Kind] = {"page": "page", "screen": "screen"}
UNKNOWN_MONTH = 0.0


def event(arrival: Arrival, subject: str, body: Body, problems: Problems) -> Message:
    """`body` as in Track v1: name, type, data, id, timestamp. subject: "" for an invite, which is its own. Raises
    `BadRequest` with all that is wrong, also with what is in `problems` already."""
    kind = kind_of(body.values.get("type"))
    name = name_of(body, kind, problems)
    data = data_of(body, "data", problems)
    given = client_id(body, problems)
    sent = sent_time(body, "timestamp", problems)
    problems.check()
    return event_message(arrival, kind, subject, name, data, given, sent)


def event_message(
    arrival: Arrival,
    kind: Kind,
    subject: str,
    name: str,
    data: msgspec.Raw,
    given: ClientId | None,
    sent: SentTime | None,
) -> Message:
    """An event of which everything was checked; whichever API it came by."""
    told = given
    if given is None or not given.identifies:
        told = classified(arrival.key) if arrival.key else None
    subject = subject or identifiers.of_invite(told.text if told else arrival.id)
    if told is None:  # an id made here is never repeated: its timestamp will do
        return arrival.message(kind, subject, given=given, sent=sent, name=name, data=data)
    return arrival.message(kind, subject, given=given, sent=sent, name=name, filed_at=_filed_at(told, sent), data=data)


def kind_of(sent: object) -> Kind:
    """`page`, `screen`, or an event whatever else it is called."""
    return _KINDS.get(sent, "event") if isinstance(sent, str) else "event"


def name_of(body: Body, kind: Kind, problems: Problems, field: str = "name") -> str:
    value = body.values.get(field)
    if value is not None and not isinstance(value, str):
        problems.add("event name must be a string", field)
        return ""
    name = (value or "").strip()
    if not name:
        problems.add("event name must not be blank", field, "required")
    elif len(name) * 4 > limits.EVENT_NAME:  # a character has at most 4 bytes: few need counting
        check_name(name, kind, problems, field)
    return name


def check_name(name: str, kind: Kind, problems: Problems, field: str = "name") -> None:
    if kind == "event" and len(name.encode()) > limits.EVENT_NAME:
        problems.add(f"event name cannot be longer than {limits.EVENT_NAME} bytes", field)
    elif len(name) > limits.VIEW_NAME_CHARACTERS:
        problems.add(f"event name must be less than {limits.VIEW_NAME_CHARACTERS} characters", field)


def data_of(body: Body, field: str, problems: Problems) -> msgspec.Raw:
    """The exact object; an empty one if it is absent or null."""
    value = body.values.get(field)
    if value is None:
        return EMPTY_OBJECT
    text = body.texts[field]
    if not isinstance(value, dict):
        problems.add('event data must be a hash (e.g., send "data":{} instead of "data":"")', field)
    elif memoryview(text).nbytes > limits.EVENT_DATA:
        problems.add(f"event data cannot be longer than {limits.EVENT_DATA} bytes", field)
    return text


def anonymous_id_of(body: Body, problems: Problems, field: str = "anonymous_id") -> str:
    """Empty if it is absent or blank."""
    value = body.values.get(field)
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    if isinstance(value, NOT_TEXT):
        problems.add(f"{field} must be a string", field)
        return ""
    text = value if isinstance(value, str) else str(body.texts[field], "utf-8")
    if len(text.encode()) > limits.IDENTIFIER:
        problems.add(f"{field} cannot be longer than {limits.IDENTIFIER} bytes", field)
    return text


def _filed_at(told: ClientId, sent: SentTime | None) -> float:
    """Made only of what a repeat of the event repeats, so never of the time of receipt: a repeat in the next month
    would be filed beside the first, and both would stay.
    """
    if told.at is not None:
        return told.at
    return sent.at if sent is not None and sent.in_range else UNKNOWN_MONTH
