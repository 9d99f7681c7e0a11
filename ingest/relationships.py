"""What a body says of relationships between people and objects."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from ingest import limits
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.parts import part
from ingest.problems import Problems
from schemas.messages import Attributes, Message

Relationships: TypeAlias = Sequence[tuple[str, Attributes]]
# The subject that some identifiers name; "" with a problem found if they name none.
Named: TypeAlias = Callable[[Body, Problems], str]

_ATTRIBUTES = "relationship_attributes"
_items = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def identified(body: Body, named: Named, problems: Problems) -> str:
    """The subject that its `identifiers` name; "" with a problem found if there is none."""
    given = part(body, "identifiers", problems, required=True)
    if given is None:
        return ""
    with problems.within("identifiers"):
        return named(given, problems)


def relationships_of(body: Body, name: str, named: Named, problems: Problems) -> list[tuple[str, Attributes]]:
    """A list of `{identifiers, relationship_attributes}`; none if it is absent or null."""
    value = body.values.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        problems.add(f"{problems.path(name)} must be an array of relationships", name)
        return []
    items = [Body(*pair) for pair in zip(value, _items.decode(body.texts[name]), strict=True)]
    found = []
    for number, item in enumerate(items):
        if len(problems) >= limits.PROBLEMS:
            break
        with problems.within(f"{name}[{number}]"):
            found.append((identified(item, named, problems), _attributes(item, problems)))
    return found


def add(arrival: Arrival, subject: str, relationships: Relationships) -> Message:
    """The subject is related to each of the others, and this is said of the relationship."""
    return arrival.message("add_relationships", subject, relationships=tuple(relationships))


def delete(arrival: Arrival, subject: str, relationships: Relationships) -> Message:
    """The subject is related to none of the others any more."""
    return arrival.message("delete_relationships", subject, relationships=tuple(relationships))


def _attributes(item: Body, problems: Problems) -> Attributes:
    body = part(item, _ATTRIBUTES, problems)
    if body is None:
        return ()
    if len(body.values) > limits.ATTRIBUTES or memoryview(item.texts[_ATTRIBUTES]).nbytes > limits.RELATIONSHIP:
        problems.add(
            f"{problems.path(_ATTRIBUTES)} cannot have more than {limits.ATTRIBUTES} attributes or"
            f" {limits.RELATIONSHIP} bytes",
            _ATTRIBUTES,
        )
    return tuple((name, str(text, "utf-8")) for name, text in body.texts.items())
