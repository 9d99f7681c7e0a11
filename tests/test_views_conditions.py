"""Conditions on the views: they choose among the rows that are, never among those that a later one replaced."""

import random
from collections.abc import Sequence
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from schemas.messages import Kind
from tests.erasing import Story
from tests.tables import land
from workers.sink import Sink

EVENT_COLUMNS = (
    "customer",
    "customer_kind",
    "id",
    "client_id",
    "kind",
    "name",
    "timestamp",
    "data",
    "filed_at",
    "person",
)
ATTRIBUTE_COLUMNS = ("person", "name", "value", "value_json")


def rows(client: Client, view: str, columns: Sequence[str], workspace: str, **equal: str) -> set[tuple[Any, ...]]:
    """As texts."""
    conditions = "".join(f" AND {column} = {{{column}:String}}" for column in equal)
    result = client.query(
        f"SELECT {', '.join(f'toString({column})' for column in columns)} FROM {view}"
        f" WHERE workspace = {{workspace:String}}{conditions}",
        parameters={"workspace": workspace, **equal},
    )
    return {tuple(row) for row in result.result_rows}


def check_conditions(client: Client, view: str, columns: Sequence[str], workspace: str) -> None:
    """One and two conditions at a time give what a reader who reads all would choose."""
    everything = rows(client, view, columns, workspace)
    values = {column: sorted({row[number] for row in everything}) for number, column in enumerate(columns)}
    rng = random.Random(1)
    for column in columns:
        other = rng.choice([one for one in columns if one != column])
        for value in rng.sample(values[column], min(2, len(values[column]))):
            for equal in ({column: value}, {other: rng.choice(values[other]), column: value}):
                chosen = {
                    row for row in everything if all(row[columns.index(name)] == text for name, text in equal.items())
                }
                assert rows(client, view, columns, workspace, **equal) == chosen, equal


def test_condition_finds_no_event_that_a_repeat_replaced(sink: Sink, client: Client) -> None:
    """Of a repeat that says something else the last counts, also where only what the first said is asked for."""
    story, rng = Story(), random.Random(2)
    client.command("SYSTEM STOP MERGES packed_events")
    for _ in range(5):
        repeats = [
            story.add(
                rng.choice(["event", "page", "screen"]),
                f"{rng.choice(['id', 'email'])}:{rng.randrange(3)}",
                id=f"e{rng.randrange(6)}",
                client_id=f"c{rng.randrange(3)}",
                name=f"n{rng.randrange(3)}",
                timestamp=1.7e9 + rng.randrange(3),
                data=msgspec.Raw(b'{"n":%d}' % rng.randrange(3)),
            )
            for _ in range(20)
        ]
        land(sink, story.log, repeats)

    check_conditions(client, "events", EVENT_COLUMNS, story.workspace)
    client.command("SYSTEM START MERGES packed_events")


def test_condition_finds_no_attribute_that_was_set_anew(sink: Sink, client: Client) -> None:
    """Neither a value that was, nor one that was unset, deleted, or is another customer's."""
    story, rng = Story(), random.Random(3)
    kinds: list[Kind] = rng.choices(["identify", "delete"], [19, 1], k=100)
    client.command("SYSTEM STOP MERGES stored_attributes")
    for _ in range(5):
        said = [
            story.add(
                kinds.pop(),
                f"{rng.choice(['id', 'email'])}:{rng.randrange(4)}",
                attributes=tuple(
                    {f"a{rng.randrange(3)}": rng.choice(['"x"', "1", '""', "null", '"y"']) for _ in range(3)}.items()
                ),
            )
            for _ in range(20)
        ]
        land(sink, story.log, said)

    check_conditions(client, "attributes", ATTRIBUTE_COLUMNS, story.workspace)
    check_conditions(client, "customers", ("cio_id", "customer", "customer_kind", "email"), story.workspace)
    client.command("SYSTEM START MERGES stored_attributes")
