"""Lands records through the worker's own code, and reads the views back."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.messages import encode, key
from tests.model import Customer, Placed, Version, World, shown
from tests.model_persons import Hashes, named
from workers.batch import Clocks, splice
from workers.sink import Sink

_WHO = "customer_kind || ':' || customer"
_OBJECT = (
    "if(cio_object_id = '', 'object:' || encodeURLComponent(object_type_id) || '/' || object_id,"
    " 'cio_object:' || cio_object_id)"
)
_MS = "toUnixTimestamp64Milli({})".format
_SEEN = f"{_MS('first_seen_at')}, {_MS('updated_at')}"
_REJECTED = "(SELECT workspace, reason, id, count() AS times FROM rejections GROUP BY ALL)"
# By the names of `World`: how many columns are the key, the columns, and where they are. A `cio_id` is read as the name
# that its person has in the model.
VIEWS: Mapping[str, tuple[int, str, str]] = {
    "events": (3, f"workspace, {_WHO}, id, name, data, person", "events"),
    "customers": (2, f"workspace, {_WHO}, cio_id, identifiers, attributes, email, {_SEEN}", "customers"),
    "objects": (2, f"workspace, {_OBJECT}, attributes, {_SEEN}", "objects"),
    "devices": (2, f"workspace, token, {_WHO}, person, platform, attributes, {_MS('updated_at')}", "devices"),
    "relationships": (
        3,
        f"workspace, if(person = '', {_WHO}, person), {_OBJECT}, {_WHO}, attributes, {_MS('updated_at')}",
        "relationships",
    ),
    "segment_members": (3, f"workspace, segment_id, person, {_WHO}, {_MS('added_at')}", "segment_members"),
    "deliveries": (3, "workspace, delivery_id, metric, recipient, id", "deliveries"),
    "form_submissions": (4, f"workspace, form_id, {_WHO}, id, data, person", "form_submissions"),
    "forms": (2, f"workspace, form_id, {_MS('first_seen_at')}, submissions, refused", "forms"),
    "unsubscribes": (2, f"workspace, delivery_id, {_MS('unsubscribed_at')}", "unsubscribes"),
    "subscription_preferences": (
        3,
        f"workspace, person, preference, {_WHO}, value",
        "subscription_preferences",
    ),
    "identifiers": (
        4,
        f"workspace, {_WHO}, linked_kind || ':' || linked, kind, id, {_MS('linked_at')}, person",
        "identifiers",
    ),
    "rejections": (3, "workspace, reason, id, times", _REJECTED),
    "repeats": (4, f"workspace, {_WHO}, id, kind, name, times, bodies", "repeats"),
}


@dataclass(frozen=True)
class FakeRecord:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def record(placed: Placed) -> FakeRecord:
    return FakeRecord(placed.offset, placed.at, key(placed.message), encode(placed.message))


def land(sink: Sink, generation: str, records: Sequence[Placed]) -> None:
    """One insert of these records, after which it is settled who is who."""
    insert(sink, generation, records)
    resolve(sink, generation, records)


def insert(sink: Sink, generation: str, records: Sequence[Placed]) -> None:
    spliced = splice(generation, _by_partition(records), Clocks(lambda partition, offset: 0))
    assert spliced.foreign == []
    sink.insert(b"".join(spliced.rows))


def resolve(sink: Sink, generation: str, records: Sequence[Placed]) -> None:
    sink.resolve(generation, _by_partition(records))


def _by_partition(records: Sequence[Placed]) -> dict[int, list[FakeRecord]]:
    """In the order of the log, as a reader gives them."""
    ordered = sorted(records, key=lambda placed: (placed.partition, placed.offset))
    return {number: [record(placed) for placed in run] for number, run in groupby(ordered, lambda p: p.partition)}


def packed(version: Version) -> int:
    """A version as the one number that the tables hold."""
    effective, at, offset = version
    return (effective << 86) + (at << 44) + offset


def said(expected: World) -> World:
    """The model as the views show it: their maps `attributes` hold strings without quotes."""
    return replace(
        expected,
        customers={who: row._replace(attributes=_shown(row.attributes)) for who, row in expected.customers.items()},
        objects={who: _shown(attributes) for who, attributes in expected.objects.items()},
        devices={key: (*row[:3], _shown(row[3]), row[4]) for key, row in expected.devices.items()},
        relationships={key: (by, _shown(said), at) for key, (by, said, at) in expected.relationships.items()},
    )


def _shown(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: shown(text) for name, text in attributes.items()}


def cuts(records: Sequence[Placed], rng: random.Random, most: int) -> Iterator[Sequence[Placed]]:
    """The records in batches of random length, some batches repeated."""
    position = 0
    while position < len(records):
        length = rng.randint(1, most)
        yield records[position : position + length]
        if rng.random() < 0.2:
            yield records[max(0, position - length) : position + length]
        position += length


def views(client: Client, workspaces: Iterable[str], which: Iterable[str] = VIEWS) -> World:
    """What the views say of these workspaces; `which` of them, by the names of `World`."""
    now, parameters = World(), {"names": list(workspaces)}
    people = _asked(client, "customers", parameters)  # the dearest of them: once
    names = _names(client, people)
    for name in which:
        keys, _, _ = VIEWS[name]
        found: dict[tuple[str, ...], Any] = getattr(now, name)
        for row in people if name == "customers" else _asked(client, name, parameters):
            cells: list[Any] = [names.get(cell, cell) if isinstance(cell, str) else cell for cell in row]
            key, values = tuple(cells[:keys]), cells[keys:]
            assert key not in found, f"{name}: one of them twice"
            if name in ("customers", "objects"):
                *values, first, last = values
                now.seen[key[0], key[1]] = first, last
            found[key] = _customer(*values) if name == "customers" else _row(values)
    return now


def _customer(person: str, identifiers: Sequence[str], attributes: dict[str, str], email: str) -> Customer:
    return Customer(person, tuple(identifiers), attributes, email)


def _row(values: Sequence[Any]) -> Any:
    return tuple(values) if len(values) > 1 else values[0]


def _asked(client: Client, name: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    _, columns, source = VIEWS[name]
    asked = f"SELECT {columns} FROM {source} WHERE workspace IN {{names:Array(String)}}"
    return client.query(asked, parameters=dict(parameters)).result_rows


def _names(client: Client, people: Sequence[Sequence[Any]]) -> Mapping[str, str]:
    """How the model names those with a `cio_id`, which no two have. people: rows of `customers`."""
    rows = [row[:3] for row in people]
    known = hashes(client, [(workspace, founder) for workspace, founder, _ in rows])
    for workspace, founder, cio_id in rows:
        assert known.get((workspace, cio_id[:32])) == founder, f"{founder} has the cio_id of somebody else"
    names = {cio_id: named(founder, int(cio_id[32:] or "0", 16)) for _, founder, cio_id in rows}
    assert len(names) == len(rows), "two have one cio_id"
    return names


def hashes(client: Client, subjects: Iterable[tuple[str, str]]) -> Hashes:
    """Of these workspaces and subjects, as a `cio_id` begins with them."""
    keyed = "sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), each.1 || '\\0' || each.2)"
    asked = (
        f"SELECT each.1, leftPad(lower(hex(assumeNotNull(reinterpretAsUInt128({keyed})))), 32, '0'), each.2"
        " FROM (SELECT arrayJoin({subjects:Array(Tuple(String, String))}) AS each)"
    )
    found: dict[tuple[str, str], str] = {}
    every = list(subjects)
    for first in range(0, len(every), 1000):  # a parameter has no more than 128 KiB
        rows = client.query(asked, parameters={"subjects": every[first : first + 1000]}).result_rows
        found |= {(workspace, hash): subject for workspace, hash, subject in rows}
    return found
