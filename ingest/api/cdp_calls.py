"""The six types of call of Data Pipelines, as messages. Each raises `BadRequest` with all that is wrong with it."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ingest import identifiers, limits, merges
from ingest.api.cdp_envelopes import USER, envelope_of
from ingest.api.cdp_objects import group_messages
from ingest.api.cdp_semantic import SEMANTIC
from ingest.arrivals import Arrival
from ingest.bodies import EMPTY, Body
from ingest.customers import links_of, said_of
from ingest.events import name_of
from ingest.ids import is_uuid
from ingest.naming import text_of
from ingest.parts import part
from ingest.problems import Problems
from schemas.messages import EMPTY_OBJECT, Message

_PROPERTIES, _TRAITS, _CATEGORY = "properties", "traits", "category"


def identify(arrival: Arrival, body: Body) -> Sequence[Message]:
    problems = Problems()
    traits = part(body, _TRAITS, problems) or EMPTY
    envelope = envelope_of(arrival, body, problems, traits.values.get("email"))
    with problems.within(_TRAITS):
        pairs = said_of(traits, problems)
    envelope.require_person(problems)
    problems.check()
    # Of two visitors the one whom a trait names comes first: readers take the first of its kind for what the trait is.
    links = identifiers.in_order((*_links(envelope.person, traits), *envelope.links))
    said = envelope.arrival.message("identify", envelope.person, sent=envelope.sent, attributes=pairs, links=links)
    return (said,)


def track(arrival: Arrival, body: Body) -> Sequence[Message]:
    problems = Problems()
    name = name_of(body, "event", problems, "event")
    envelope = envelope_of(arrival, body, problems)
    properties = part(body, _PROPERTIES, problems) or EMPTY
    say = SEMANTIC.get(name)
    if say is not None:
        return say(envelope, body, properties, problems)
    return envelope.event("event", name, _data(body), problems)


def page(arrival: Arrival, body: Body) -> Sequence[Message]:
    return _view(arrival, "page", body)


def screen(arrival: Arrival, body: Body) -> Sequence[Message]:
    return _view(arrival, "screen", body)


def group(arrival: Arrival, body: Body) -> Sequence[Message]:
    problems = Problems()
    traits = part(body, _TRAITS, problems) or EMPTY
    return group_messages(envelope_of(arrival, body, problems), body, traits, problems)


def alias(arrival: Arrival, body: Body) -> Sequence[Message]:
    problems = Problems()
    envelope = envelope_of(arrival, body, problems)
    user_id, previous = (text_of(body, name, problems) for name in (USER, "previousId"))
    problems.check()
    primary, secondaries = identifiers.of_customer(user_id), _called_before(previous, envelope.links)
    if primary in secondaries:
        # Of a merge the secondary does not stay.
        problems.add(f"{USER} and previousId are the same person", "previousId")
    problems.check()
    return [merges.merge(envelope.arrival, primary, secondary) for secondary in secondaries]


def _view(arrival: Arrival, kind: Literal["page", "screen"], body: Body) -> Sequence[Message]:
    problems = Problems()
    envelope = envelope_of(arrival, body, problems)
    properties = part(body, _PROPERTIES, problems) or EMPTY
    named_by = next((field for field in ("name", _CATEGORY) if _is_given(body.values.get(field))), None)
    if named_by is None:
        return envelope.event(kind, _address(properties), _data(body), problems)
    name, data = name_of(body, kind, problems, named_by), _data(body)
    if named_by != _CATEGORY and _is_given(body.values.get(_CATEGORY)) and _CATEGORY not in properties.values:
        data = _with_category(data, body.texts[_CATEGORY])
    return envelope.event(kind, name, data, problems)


def _called_before(previous: str, links: Sequence[str]) -> Sequence[str]:
    """Whom a `previousId` names: by the contract a person of before, or a visitor, and it does not tell which.

    A browser does: it sends its `anonymousId` beside it. A server sends the two ids and nothing else. Libraries call a
    visitor by a UUID, but that may be somebody's id as well: it is taken for both, as no two people share one. Anything
    else could be one person's id and another one's visit: it is what it would be in a path.
    """
    person, visitor = identifiers.of_customer(previous), identifiers.of_anonymous(previous)
    if visitor in links:
        return (visitor,)
    return (person, visitor) if is_uuid(previous) else (person,)


def _links(person: str, traits: Body) -> Sequence[str]:
    """An `id` beside a user id is a trait like any other: two ids are two people."""
    links = links_of(person, traits)
    return [link for link in links if not (link.startswith("id:") and person.startswith("id:"))]


def _data(body: Body) -> msgspec.Raw:
    return body.texts[_PROPERTIES] if body.values.get(_PROPERTIES) else EMPTY_OBJECT


def _is_given(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _address(properties: Body) -> str:
    """Of a view without a name; "" if there is none. All of it is among the properties."""
    found = (properties.values.get(name) for name in ("url", "path"))
    return next((text.strip()[: limits.VIEW_NAME_CHARACTERS] for text in found if isinstance(text, str) and text), "")


def _with_category(data: msgspec.Raw, category: msgspec.Raw) -> msgspec.Raw:
    """Where analytics.js itself puts it. The rest stays as it was sent."""
    rest = bytes(data)[1:]
    comma = b"" if rest.strip() == b"}" else b","
    return msgspec.Raw(b'{"category":' + bytes(category) + comma + rest)
