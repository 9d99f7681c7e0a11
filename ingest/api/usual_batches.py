"""Usual batches, see `ingest.usual`: taken whole where all items are usual, else item by item."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from msgspec import field

from ingest import identifiers, limits
from ingest.alike import Alike, shallow
from ingest.api import cdp, v2
from ingest.api import usual_events as events
from ingest.api import usual_identifies as identifies
from ingest.api.usual_parts import TEXTS, Arrive, Call, Entity, Happened, Made, Path, Tracked
from ingest.api.usual_tracks import SEMANTIC_NAMES, Tracks
from ingest.arrivals import Arrival
from ingest.batches import FIELD, item
from ingest.bodies import Body
from ingest.ids import new_ids
from ingest.json_text import parse_object
from ingest.usual import Client, Moment, read
from schemas.messages import Message, Written

_AROUND = 2  # levels around an item


class _Entities(msgspec.Struct, forbid_unknown_fields=True):
    batch: list[Entity]


class _Happened(msgspec.Struct, forbid_unknown_fields=True):
    batch: list[Happened]


class _Tracked(msgspec.Struct, forbid_unknown_fields=True):
    batch: list[Tracked]


class _Calls(msgspec.Struct, forbid_unknown_fields=True):
    batch: list[Call]
    idle_sent: str | None = field(name="sentAt", default=None)
    idle_key: str | None = field(name="writeKey", default=None)


_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Items(msgspec.Struct):
    batch: list[msgspec.Raw]


_cut = msgspec.json.Decoder(_Items).decode


# The records of items, with the ids of those that have none; None if one of them needs care.
_Say = Callable[[Client, Moment, Sequence[bytes], Sequence[Any]], Sequence[Written] | None]


class _Batch(NamedTuple):
    """words: a usual item has one of them. wholes: decode a body whose items may all be usual, and say them, the
    quickest first. one: decodes an item. say: says any usual ones. make: of any item. limit: bytes of one."""

    words: tuple[bytes, bytes]
    wholes: Sequence[tuple[Callable[[bytes], Any], _Say]]
    one: Callable[[msgspec.Raw], Any]
    say: _Say
    make: Callable[[Arrival, Body], Sequence[Message]]
    limit: int


def _batch(of: _Batch, client: Client, moment: Moment, _path: Path, body: bytes, arrive: Arrive) -> Made:
    one, other = of.words
    if one not in body and other not in body:
        return ()
    for whole, say in of.wholes:
        said = read(whole, body)
        if said is not None and len(said.batch) <= limits.BATCH_ITEMS and not _has_long(of, body):
            made = say(client, moment, new_ids(moment.at, len(said.batch)), said.batch)
            if made is not None:
                return made
    return _one_by_one(of, client, moment, body, arrive(moment.at))


def _has_long(of: _Batch, body: bytes) -> bool:
    return len(body) > of.limit and any(memoryview(text).nbytes > of.limit for text in _cut(body).batch)


def _one_by_one(of: _Batch, client: Client, moment: Moment, body: bytes, arrival: Arrival) -> Made:
    """With the items that have to be read with care, each in its place. Raises `BadRequest`."""
    values, texts = parse_object(body)
    items = values.get(FIELD)
    # What stands beside the items says nothing, but for a context of them all.
    if "context" in values or type(items) is not list or len(items) > limits.BATCH_ITEMS:
        return ()
    found: list[Message | Written] = []
    for number, (value, text) in enumerate(zip(items, _items(texts[FIELD]), strict=True)):
        given = item(value, text, of.limit)
        found += _said(of, client, moment, text) or of.make(arrival.item(number), given)
    return found


def _said(of: _Batch, client: Client, moment: Moment, text: msgspec.Raw) -> Sequence[Written] | None:
    try:
        said = of.one(text)
    except msgspec.ValidationError:
        return None
    return of.say(client, moment, (moment.id(),), (said,))


def _happened(
    client: Client, moment: Moment, ids: Sequence[bytes], items: Sequence[Happened]
) -> Sequence[Written] | None:
    texts = shallow([said.attributes for said in items], _AROUND + 1)
    users, names = [said.identifiers.id for said in items], [said.name for said in items]
    alike = Alike(client, moment, identifiers.of_customer_id)
    return None if texts is None else alike.events(ids, users, names, texts)


def _tracked(
    client: Client, moment: Moment, ids: Sequence[bytes], items: Sequence[Tracked]
) -> Sequence[Written] | None:
    texts = shallow([said.properties for said in items], _AROUND + 1)
    users, names = [said.user for said in items], [said.event for said in items]
    alike = Alike(client, moment, identifiers.of_customer, SEMANTIC_NAMES)
    return None if texts is None else alike.events(ids, users, names, texts)


def _entities(
    client: Client, moment: Moment, ids: Sequence[bytes], items: Sequence[Entity]
) -> Sequence[Written] | None:
    given = shallow([said.attributes for said in items], _AROUND + 1)
    if given is None:
        return None
    made, alike = [], Alike(client, moment, identifiers.of_customer_id)
    for id, said, data in zip(ids, items, given, strict=True):
        if said.action == "identify":
            one = identifies.person(client, moment, id, said, _AROUND)
        else:
            named = said.identifiers
            bare = said.timestamp is None and named.anonymous_id == ""
            one = alike.event(id, named.id, said.name, data) if bare else None
            one = one or events.entity(client, moment, id, said, _AROUND)
        if one is None:
            return None
        made.append(one)
    return made


def _calls(client: Client, moment: Moment, ids: Sequence[bytes], items: Sequence[Call]) -> Sequence[Written] | None:
    given = shallow([text for said in items for text in said.texts()], _AROUND + 1)
    if given is None:
        return None
    made, tracks = [], Tracks(client, moment)
    for id, said, data, context in zip(ids, items, given[::TEXTS], given[1::TEXTS], strict=True):
        if said.type == "identify":
            one = identifies.call(client, moment, id, said, _AROUND)
        elif said.type == "track":
            one = tracks.call(id, said, data, context) or events.track(client, moment, id, said, _AROUND)
        else:
            return None
        if one is None:
            return None
        made.append(one)
    return made


entities = partial(
    _batch,
    _Batch(
        (b'"event"', b'"identify"'),
        (
            (msgspec.json.Decoder(_Happened).decode, _happened),
            (msgspec.json.Decoder(_Entities).decode, _entities),
        ),
        msgspec.json.Decoder(Entity).decode,
        _entities,
        v2.messages,
        limits.ENTITY,
    ),
)
tracks = partial(
    _batch,
    _Batch(
        (b'"track"', b'"identify"'),
        ((msgspec.json.Decoder(_Tracked).decode, _tracked), (msgspec.json.Decoder(_Calls).decode, _calls)),
        msgspec.json.Decoder(Call).decode,
        _calls,
        cdp.call,
        limits.PIPELINES_CALL,
    ),
)
