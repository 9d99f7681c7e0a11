"""Lands records through the worker's own code, and reads the views back."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from clickhouse_connect.driver.client import Client

from schemas.messages import encode, key
from tests.model import Placed, Version, World, shown
from workers.batch import Clocks, splice
from workers.sink import Sink


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
    """The model as the views show it: their map `attributes` holds strings without quotes."""
    customers = {who: {n: shown(t) for n, t in attributes.items()} for who, attributes in expected.customers.items()}
    return World(expected.events, customers, expected.seen)


def cuts(records: Sequence[Placed], rng: random.Random, most: int) -> Iterator[Sequence[Placed]]:
    """The records in batches of random length, some batches repeated."""
    position = 0
    while position < len(records):
        length = rng.randint(1, most)
        yield records[position : position + length]
        if rng.random() < 0.2:
            yield records[max(0, position - length) : position + length]
        position += length


def views(client: Client, workspaces: Iterable[str]) -> World:
    """What `events` and `customers` say of these workspaces."""
    names = list(workspaces)
    events = client.query(
        "SELECT workspace, customer_kind || ':' || customer, id, name, data FROM events"
        " WHERE workspace IN {names:Array(String)}",
        parameters={"names": names},
    ).result_rows
    customers = client.query(
        "SELECT workspace, customer_kind || ':' || customer, attributes, attributes_json,"
        " toUnixTimestamp64Milli(first_seen_at), toUnixTimestamp64Milli(updated_at)"
        " FROM customers WHERE workspace IN {names:Array(String)}",
        parameters={"names": names},
    ).result_rows
    now = World()
    for workspace, subject, id, name, data in events:
        assert (workspace, subject, id) not in now.events, "an event twice"
        now.events[(workspace, subject, id)] = (name, data)
    for workspace, subject, attributes, _, first, last in customers:
        assert (workspace, subject) not in now.customers, "a customer twice"
        now.customers[(workspace, subject)] = attributes
        now.seen[(workspace, subject)] = (first, last)
    return now
