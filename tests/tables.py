"""Lands records through the worker's own code, and reads the views back."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.messages import encode, key
from tests.model import Placed, Version, World, shown
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
# By the names of `World`: how many columns are the key, the columns, and where they are.
VIEWS: Mapping[str, tuple[int, str, str]] = {
    "events": (3, f"workspace, {_WHO}, id, name, data", "events"),
    "customers": (2, f"workspace, {_WHO}, attributes, {_SEEN}", "customers"),
    "objects": (2, f"workspace, {_OBJECT}, attributes, {_SEEN}", "objects"),
    "devices": (2, f"workspace, token, {_WHO}, platform, attributes, {_MS('updated_at')}", "devices"),
    "relationships": (3, f"workspace, {_WHO}, {_OBJECT}, attributes, {_MS('updated_at')}", "relationships"),
    "segment_members": (3, f"workspace, segment_id, {_WHO}, {_MS('added_at')}", "segment_members"),
    "deliveries": (3, "workspace, delivery_id, metric, recipient, id", "deliveries"),
    "form_submissions": (4, f"workspace, form_id, {_WHO}, id, data", "form_submissions"),
    "forms": (2, f"workspace, form_id, {_MS('first_seen_at')}, submissions, refused", "forms"),
    "unsubscribes": (2, f"workspace, delivery_id, {_MS('unsubscribed_at')}", "unsubscribes"),
    "subscription_preferences": (3, f"workspace, {_WHO}, preference, value", "subscription_preferences"),
    "identifiers": (4, f"workspace, {_WHO}, linked_kind || ':' || linked, kind, id, {_MS('linked_at')}", "identifiers"),
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
    """One insert of these records. Within one insert they stand in the order of the log, as a reader gives them."""
    ordered = sorted(records, key=lambda placed: (placed.partition, placed.offset))
    by_partition = {
        partition: [record(placed) for placed in run]
        for partition, run in groupby(ordered, lambda placed: placed.partition)
    }
    spliced = splice(generation, by_partition, Clocks(lambda partition, offset: 0))
    assert spliced.foreign == []
    sink.insert(b"".join(spliced.rows))


def packed(version: Version) -> int:
    """A version as the one number that the tables hold."""
    effective, at, offset = version
    return (effective << 86) + (at << 44) + offset


def said(expected: World) -> World:
    """The model as the views show it: their maps `attributes` hold strings without quotes."""
    return replace(
        expected,
        customers={who: _shown(attributes) for who, attributes in expected.customers.items()},
        objects={who: _shown(attributes) for who, attributes in expected.objects.items()},
        devices={key: (*row[:2], _shown(row[2]), row[3]) for key, row in expected.devices.items()},
        relationships={key: (_shown(row[0]), row[1]) for key, row in expected.relationships.items()},
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
    now = World()
    parameters = {"names": list(workspaces)}
    for name in which:
        keys, columns, source = VIEWS[name]
        asked = f"SELECT {columns} FROM {source} WHERE workspace IN {{names:Array(String)}}"
        found: dict[tuple[str, ...], Any] = getattr(now, name)
        for row in client.query(asked, parameters=parameters).result_rows:
            key, values = tuple(row[:keys]), tuple(row[keys:])
            assert key not in found, f"{name}: one of them twice"
            if name in ("customers", "objects"):
                now.seen[key[0], key[1]] = values[1:]
                values = values[:1]
            found[key] = values if len(values) > 1 else values[0]
    return now
