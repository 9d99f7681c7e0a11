"""What is said of customers, as messages: created or updated, deleted, suppressed."""

from collections.abc import Collection, Sequence
from typing import Any

from ingest import identifiers, limits
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.ids import NOT_TEXT
from ingest.problems import Problems
from ingest.relationships import Relationships
from ingest.times import SentTime
from schemas.messages import MUST_EXIST, Attributes, Message

ORDER = "_timestamp"
RELATIONSHIPS = "cio_relationships"
_UPDATE = MUST_EXIST[0]
_YES = ("true", "1", 1)
# No attributes of people, whoever says them. Two are not the client's to say, of which `cio_id` tells who is meant.
NO_ATTRIBUTES = frozenset({_UPDATE, "cio_id", "_created_in_customerio_at"})
# With what Track itself reads out of the attributes.
_READ_HERE = NO_ATTRIBUTES | {ORDER, RELATIONSHIPS}
# It holds a whole structure; the size of the body bounds it.
_UNBOUNDED = frozenset({"cio_subscription_preferences"})


def identify(
    arrival: Arrival,
    subject: str,
    attributes: Body,
    sent: SentTime | None,
    problems: Problems,
    relationships: Relationships = (),
    also: Sequence[str] = (),
) -> Message:
    """Create a customer, or change the attributes that are named. also: subjects that are the same person, beside
    those that attributes name. Raises `BadRequest` with all that is wrong, also with what is in `problems` already."""
    pairs = said_of(attributes, problems, _READ_HERE)
    links = links_of(subject, attributes)
    if also:
        links = identifiers.in_order((*links, *also))
    problems.check()
    return arrival.message(
        "identify", subject, sent=sent, attributes=pairs, links=links, relationships=tuple(relationships)
    )


def check_same_id(subject: str, body: Body, problems: Problems) -> None:
    """An `id` among the attributes is the one of the path, where that is an id."""
    value = body.values["id"]
    if value is None:
        problems.add("id attribute must be present", "id", "required")
    elif value == "":
        problems.add("id attribute cannot be an empty string", "id")
    elif isinstance(value, NOT_TEXT):
        problems.add("id attribute must be a string value", "id")
    else:
        text = value if isinstance(value, str) else str(body.texts["id"], "utf-8")
        # An email or cio_ in the path names the customer otherwise; there the body may well give the id.
        if subject.startswith("id:") and subject != f"id:{text}":
            problems.add("id attribute and identifier are not the same value", "id")
        if len(text.encode()) > limits.IDENTIFIER:
            problems.add(f"id attribute cannot be longer than {limits.IDENTIFIER} bytes", "id")


def said_of(attributes: Body, problems: Problems, without: Collection[str] = NO_ATTRIBUTES) -> Attributes:
    """Attributes of a person, and with them whether the person has to be there already."""
    pairs = pairs_of(attributes, problems, without)
    update = attributes.values.get(_UPDATE)
    must_exist = (update.lower() if isinstance(update, str) else update) in _YES
    return (*pairs, MUST_EXIST) if must_exist else pairs


def pairs_of(
    body: Body,
    problems: Problems,
    without: Collection[str] = (),
    longest: int = limits.ATTRIBUTE_VALUE,
) -> Attributes:
    """Names and exact texts of attributes, of whatever they are. without: the names that are none. longest: bytes of a
    value."""
    attributes = [(name, str(text, "utf-8")) for name, text in body.texts.items() if name not in without]
    if len(attributes) > limits.ATTRIBUTES:
        problems.add(f"cannot identify more than {limits.ATTRIBUTES} attributes in one request")
    long_name = False
    for name, text in attributes:
        # A character has at most 4 bytes, and the text of a value at least those of the value: few need counting.
        if len(name) * 4 > limits.ATTRIBUTE_NAME:
            long_name = long_name or len(name.encode()) > limits.ATTRIBUTE_NAME
        if len(text) * 4 > longest and _is_too_long(name, body.values[name], text, longest):
            excerpt = name[: limits.ATTRIBUTE_NAME]
            problems.add(f"value for attribute '{excerpt}' cannot be longer than {longest} bytes", excerpt)
    if long_name:
        problems.add(f"attribute name cannot be longer than {limits.ATTRIBUTE_NAME} bytes")
    return tuple(attributes)


def links_of(subject: str, attributes: Body) -> tuple[str, ...]:
    """The other identifiers of the same customer that its attributes give, in the order of a message's links; what
    cannot be one is just an attribute."""
    if _NAMES_SOMEBODY.keys().isdisjoint(attributes.values):
        return ()
    found = []
    for name, (fits, named) in _NAMES_SOMEBODY.items():
        value = attributes.values.get(name)
        if value is None or isinstance(value, NOT_TEXT):
            continue
        text = value if isinstance(value, str) else str(attributes.texts[name], "utf-8")
        short = len(text) * 4 <= limits.IDENTIFIER or len(text.encode()) <= limits.IDENTIFIER
        if short and fits(text) and (link := named(text)) != subject:
            found.append(link)
    return tuple(found)


def _is_given(text: str) -> bool:
    return bool(text) and not text.isspace()


# What it takes to be one, and the subject that it is: "n/a" is no address that everybody with it would share. In the
# order of a message's links.
_NAMES_SOMEBODY = {
    "id": (_is_given, identifiers.of_customer_id),
    "email": (identifiers.is_email, identifiers.of_email),
    "phone": (identifiers.is_phone, identifiers.of_phone),
    "cio_id": (_is_given, identifiers.of_cio_id),
    "anonymous_id": (_is_given, identifiers.of_anonymous),
}


def _is_too_long(name: str, value: Any, text: str, longest: int) -> bool:
    content = value if isinstance(value, str) else text
    return len(content.encode()) > longest and name not in _UNBOUNDED
