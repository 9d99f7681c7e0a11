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
from ingest.customers import links_of, pairs_of
from ingest.events import name_of
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
        pairs = pairs_of(traits, problems, without=())
    envelope.require_person(problems)
    problems.check()
    links = dict.fromkeys((*envelope.links, *_links(envelope.person, traits)))
    said = envelope.arrival.message(
        "identify", envelope.person, sent=envelope.sent, attributes=pairs, links=tuple(links)
    )
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
    # It may be either: a person's id of before, or what he was called while nobody knew him.
    was_anonymous = identifiers.of_anonymous(previous) in envelope.links
    primary = identifiers.of_customer(user_id)
    secondary = identifiers.of_anonymous(previous) if was_anonymous else identifiers.of_customer(previous)
    if primary == secondary:
        # Of a merge the secondary does not stay.
        problems.add(f"{USER} and previousId are the same person", "previousId")
    problems.check()
    return (merges.merge(envelope.arrival, primary, secondary),)


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
