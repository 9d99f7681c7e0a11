"""Calls about a customer, as messages: create or update, delete."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from ingest import identifiers, limits
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.errors import BadRequest
from ingest.ids import NOT_TEXT
from ingest.times import OUT_OF_RANGE, sent_time
from schemas.messages import Message

_ORDER = "_timestamp"
# These hold whole structures; the size of the body bounds them.
_UNBOUNDED = frozenset({"cio_relationships", "cio_subscription_preferences"})


def identify(arrival: Arrival, path: Mapping[str, str], body: Body) -> Message:
    """Create a customer, or change the attributes that are named. Raises `BadRequest` with all that is wrong."""
    subject = identifiers.subject(path["identifier"])
    problems: list[str] = []
    if "id" in body.values:
        _check_id(subject, body, problems)
    attributes = _attributes(body, problems)
    sent = sent_time(body, _ORDER, problems)
    if problems:
        raise BadRequest(*problems)
    context = arrival.context
    if sent is not None and not sent.in_range:
        context = replace(context, flags=(OUT_OF_RANGE,))
    return Message(
        id=arrival.id,
        workspace=arrival.workspace,
        kind="identify",
        subject=subject,
        received_at=arrival.at,
        timestamp=arrival.at if sent is None else sent.at,
        sent_timestamp="" if sent is None else sent.text,
        attributes=attributes,
        context=context,
    )


def delete(arrival: Arrival, path: Mapping[str, str], _body: Body) -> Message:
    """Everything of that customer before this is gone; one who is not there is no error. Raises `BadRequest`."""
    return Message(
        id=arrival.id,
        workspace=arrival.workspace,
        kind="delete",
        subject=identifiers.subject(path["identifier"]),
        received_at=arrival.at,
        timestamp=arrival.at,
        context=arrival.context,
    )


def _check_id(subject: str, body: Body, problems: list[str]) -> None:
    value = body.values["id"]
    if value is None:
        problems.append("id attribute must be present")
    elif value == "":
        problems.append("id attribute cannot be an empty string")
    elif isinstance(value, NOT_TEXT):
        problems.append("id attribute must be a string value")
    else:
        text = value if isinstance(value, str) else str(body.texts["id"], "utf-8")
        # An email or cio_ in the path names the customer otherwise; there the body may well give the id.
        if subject.startswith("id:") and subject != f"id:{text}":
            problems.append("id attribute and identifier are not the same value")
        if len(text.encode()) > limits.IDENTIFIER:
            problems.append(f"id attribute cannot be longer than {limits.IDENTIFIER} bytes")


def _attributes(body: Body, problems: list[str]) -> tuple[tuple[str, str], ...]:
    attributes = [(name, str(text, "utf-8")) for name, text in body.texts.items() if name != _ORDER]
    if len(attributes) > limits.ATTRIBUTES:
        problems.append(f"cannot identify more than {limits.ATTRIBUTES} attributes in one request")
    long_name = False
    for name, text in attributes:
        # A character has at most 4 bytes, and the text of a value at least those of the value: few need counting.
        if len(name) * 4 > limits.ATTRIBUTE_NAME:
            long_name = long_name or len(name.encode()) > limits.ATTRIBUTE_NAME
        if len(text) * 4 > limits.ATTRIBUTE_VALUE and _is_too_long(name, body.values[name], text):
            excerpt = name[: limits.ATTRIBUTE_NAME]
            problems.append(f"value for attribute '{excerpt}' cannot be longer than {limits.ATTRIBUTE_VALUE} bytes")
    if long_name:
        problems.append(f"attribute name cannot be longer than {limits.ATTRIBUTE_NAME} bytes")
    return tuple(attributes)


def _is_too_long(name: str, value: Any, text: str) -> bool:
    content = value if isinstance(value, str) else text
    return len(content.encode()) > limits.ATTRIBUTE_VALUE and name not in _UNBOUNDED
