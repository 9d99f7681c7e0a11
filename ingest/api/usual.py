"""Usual bodies, of each endpoint that has some: see `ingest.usual`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from ingest import limits
from ingest.api import cdp, v2
from ingest.api import usual_events as events
from ingest.api import usual_identifies as identifies
from ingest.api.usual_parts import Call, Entity, Event, Values
from ingest.arrivals import Arrival
from ingest.batches import FIELD, item
from ingest.bodies import Body
from ingest.ids import new_ids
from ingest.json_text import check_nesting
from ingest.usual import NESTS, Client, Moment, parsed
from schemas.messages import Message, Written

Path = Mapping[str, str]
Arrive = Callable[[float], Arrival]
Made = Sequence[Message | Written]
# What the endpoint's `make` makes of a body, to the byte; nothing if only that can, or if anything is refused. Raises
# what that raises. The last argument gives it what it needs to make a part.
Usual = Callable[[Client, Moment, Path, bytes, Arrive], Made]

_NONE: Made = ()
_AROUND = 2  # levels around an item of a batch
# A body without one of these words has nothing usual, and is not parsed for it.
_ACTIONS, _TYPES = (b'"event"', b'"identify"'), (b'"track"', b'"identify"')


class _Entities(msgspec.Struct):
    batch: list[Entity]


class _Calls(msgspec.Struct):
    batch: list[Call]


class _Items(msgspec.Struct):
    batch: list[msgspec.Raw]


_event, _entity = msgspec.json.Decoder(Event).decode, msgspec.json.Decoder(Entity).decode
_call, _items = msgspec.json.Decoder(Call).decode, msgspec.json.Decoder(_Items).decode


class _Batch(NamedTuple):
    """words: a usual item has one of them. one: of it, with its texts out of `cut`. make: of any item. limit: bytes of
    one."""

    words: tuple[bytes, bytes]
    one: Callable[[Client, Moment, bytes, dict[str, Any], Any, int], Written | None]
    cut: Callable[[bytes], Any]
    make: Callable[[Arrival, Body], Sequence[Message]]
    limit: int


def event(client: Client, moment: Moment, path: Path, body: bytes, _arrive: Arrive) -> Made:
    """Track v1."""
    values = parsed(body)
    return _all_of(values and events.event(client, moment, moment.id(), path, values, _event(body)))


def customer(client: Client, moment: Moment, path: Path, body: bytes, _arrive: Arrive) -> Made:
    """Track v1, who somebody is."""
    values = parsed(body)
    return _all_of(values and identifies.customer(client, moment, moment.id(), path, values, body))


def entity(client: Client, moment: Moment, _path: Path, body: bytes, _arrive: Arrive) -> Made:
    """Track v2."""
    values = parsed(body) if _has_one(body, _ACTIONS) else None
    return _all_of(values and _said_of_entity(client, moment, moment.id(), values, _entity(body), 0))


def track(client: Client, moment: Moment, _path: Path, body: bytes, _arrive: Arrive) -> Made:
    """Data Pipelines."""
    values = parsed(body)
    return _all_of(values and events.track(client, moment, moment.id(), values, _call(body), 0))


def identify(client: Client, moment: Moment, _path: Path, body: bytes, _arrive: Arrive) -> Made:
    """Data Pipelines, who somebody is."""
    values = parsed(body)
    return _all_of(values and identifies.call(client, moment, moment.id(), values, _call(body), 0))


def _all_of(made: Written | Values | None) -> Made:
    """What a body says that holds one thing."""
    return (made,) if isinstance(made, Written) else _NONE


def _has_one(body: bytes, words: tuple[bytes, bytes]) -> bool:
    one, other = words
    return one in body or other in body


def _said_of_entity(
    client: Client, moment: Moment, id: bytes, values: Values, texts: Entity, around: int
) -> Written | None:
    make = events.entity if values.get("action") == "event" else identifies.person
    return make(client, moment, id, values, texts, around)


def _said_of_call(
    client: Client, moment: Moment, id: bytes, values: Values, texts: Call, around: int
) -> Written | None:
    make = events.track if values.get("type") == "track" else identifies.call
    return make(client, moment, id, values, texts, around)


def _batch(of: _Batch, client: Client, moment: Moment, _path: Path, body: bytes, arrive: Arrive) -> Made:
    values = parsed(body) if _has_one(body, of.words) else None
    # What stands beside the items says nothing, but for a context of them all.
    if values is None or "context" in values or not (texts := _texts(of, values, body)):
        return _NONE
    items, one, ids = values[FIELD], of.one, new_ids(moment.at, len(texts))
    made = [one(client, moment, *each, _AROUND) for each in zip(ids, items, texts, strict=True)]
    usual = [each for each in made if each is not None]
    return usual if len(usual) == len(made) else _completed(of, made, values, body, arrive(moment.at))


def _texts(of: _Batch, values: dict[str, Any], body: bytes) -> Sequence[Any]:
    """Of all items; none if one is too long, or no object. Raises `BadRequest` if the rest is too deep."""
    if any(type(value) in NESTS for name, value in values.items() if name != FIELD):
        check_nesting(values, body)
    try:
        texts: Sequence[Any] = of.cut(body).batch
    except msgspec.ValidationError:
        return ()
    if len(texts) > limits.BATCH_ITEMS:
        return ()
    if len(body) > of.limit and any(memoryview(text).nbytes > of.limit for text in _items(body).batch):
        return ()
    return texts


def _completed(
    of: _Batch, made: Sequence[Written | None], values: dict[str, Any], body: bytes, arrival: Arrival
) -> Made:
    """With the items that have to be read with care, each in its place."""
    check_nesting(values, body)
    found: list[Message | Written] = []
    for number, (one, value, text) in enumerate(zip(made, values[FIELD], _items(body).batch, strict=True)):
        found += (one,) if one is not None else of.make(arrival.item(number), item(value, text, of.limit))
    return found


entities = partial(
    _batch, _Batch(_ACTIONS, _said_of_entity, msgspec.json.Decoder(_Entities).decode, v2.messages, limits.ENTITY)
)
tracks = partial(
    _batch, _Batch(_TYPES, _said_of_call, msgspec.json.Decoder(_Calls).decode, cdp.call, limits.PIPELINES_CALL)
)
