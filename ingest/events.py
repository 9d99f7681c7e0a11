"""Events, pages and screens, as messages: of a customer, of somebody anonymous, of an invited address."""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from ingest import identifiers, limits
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.errors import BadRequest
from ingest.ids import NOT_TEXT, ClientId, client_id
from ingest.times import OUT_OF_RANGE, SentTime, sent_time
from schemas.messages import EMPTY_OBJECT, Kind, Message

_KINDS: dict[object, Kind] = {"page": "page", "screen": "screen"}
_UNKNOWN_MONTH = 0.0


def event(arrival: Arrival, path: Mapping[str, str], body: Body) -> Message:
    """An event of a customer. Raises `BadRequest` with all that is wrong."""
    return _message(arrival, identifiers.subject(path["identifier"]), body, [])


def anonymous_event(arrival: Arrival, _path: Mapping[str, str], body: Body) -> Message:
    """An event of an `anonymous_id`, or without one an invite event. Raises `BadRequest` with all that is wrong."""
    problems: list[str] = []
    anonymous_id = _anonymous_id(body, problems)
    subject = identifiers.of_anonymous(anonymous_id) if anonymous_id else None
    return _message(arrival, subject, body, problems)


def _message(arrival: Arrival, subject: str | None, body: Body, problems: list[str]) -> Message:
    sent_kind = body.values.get("type")
    kind: Kind = _KINDS.get(sent_kind, "event") if isinstance(sent_kind, str) else "event"
    name = _name(body, kind, problems)
    data = _data(body, problems)
    given = client_id(body, problems)
    sent = sent_time(body, "timestamp", problems)
    if problems:
        raise BadRequest(*problems)
    identifies = given is not None and given.identifies
    message_id = given.text if given is not None and identifies else arrival.id
    return Message(
        id=message_id,
        workspace=arrival.workspace,
        kind=kind,
        subject=subject or identifiers.of_invite(message_id),
        received_at=arrival.at,
        timestamp=arrival.at if sent is None else sent.at,
        name=name,
        client_id="" if given is None or identifies else given.text,
        sent_timestamp="" if sent is None else sent.text,
        filed_at=_filed_at(given, sent),
        data=data,
        context=arrival.context if sent is None or sent.in_range else replace(arrival.context, flags=(OUT_OF_RANGE,)),
    )


def _name(body: Body, kind: Kind, problems: list[str]) -> str:
    value = body.values.get("name")
    if value is not None and not isinstance(value, str):
        problems.append("event name must be a string")
        return ""
    name = (value or "").strip()
    if not name:
        problems.append("event name must not be blank")
    elif kind == "event" and len(name.encode()) > limits.EVENT_NAME:
        problems.append(f"event name cannot be longer than {limits.EVENT_NAME} bytes")
    elif len(name) > limits.VIEW_NAME_CHARACTERS:
        problems.append(f"event name must be less than {limits.VIEW_NAME_CHARACTERS} characters")
    return name


def _data(body: Body, problems: list[str]) -> msgspec.Raw:
    value = body.values.get("data")
    if value is None:
        return EMPTY_OBJECT
    text = body.texts["data"]
    if not isinstance(value, dict):
        problems.append('event data must be a hash (e.g., send "data":{} instead of "data":"")')
    elif memoryview(text).nbytes > limits.EVENT_DATA:
        problems.append(f"event data cannot be longer than {limits.EVENT_DATA} bytes")
    return text


def _anonymous_id(body: Body, problems: list[str]) -> str:
    value = body.values.get("anonymous_id")
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    if isinstance(value, NOT_TEXT):
        problems.append("anonymous_id must be a string")
        return ""
    text = value if isinstance(value, str) else str(body.texts["anonymous_id"], "utf-8")
    if len(text.encode()) > limits.IDENTIFIER:
        problems.append(f"anonymous_id cannot be longer than {limits.IDENTIFIER} bytes")
    return text


def _filed_at(given: ClientId | None, sent: SentTime | None) -> float | None:
    """Made only of what a repeat of the event repeats, so never of the time of receipt: a repeat in the next month
    would be filed beside the first, and both would stay. An id made here is never repeated: its timestamp will do.
    """
    if given is None or not given.identifies:
        return None
    if given.at is not None:
        return given.at
    return sent.at if sent is not None and sent.in_range else _UNKNOWN_MONTH
