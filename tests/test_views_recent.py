"""The view `recent_events(…)`: what came last."""

from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.messages import Kind
from tests.erasing import Story
from tests.tables import land
from workers.sink import Sink

COLUMNS = "customer, customer_kind, id, client_id, kind, name, timestamp, sent_timestamp, received_at, data, context"


@pytest.fixture
def story() -> Story:
    return Story()


def recent(client: Client, workspace: str) -> list[tuple[Any, ...]]:
    sql = f"SELECT {COLUMNS} FROM recent_events(workspace = {{w:String}})"
    return [tuple(row) for row in client.query(sql, parameters={"w": workspace}).result_rows]


def events(client: Client, workspace: str) -> list[tuple[Any, ...]]:
    sql = f"SELECT {COLUMNS} FROM events WHERE workspace = {{w:String}}"
    return [tuple(row) for row in client.query(sql, parameters={"w": workspace}).result_rows]


def test_recent_events_are_those_of_the_events(sink: Sink, client: Client, story: Story) -> None:
    """All their columns; the newest first, a repeat at its last place; whatever was inserted twice, once."""
    kinds: list[tuple[Kind, str]] = [
        ("event", "id:1"),
        ("page", "anon:2"),
        ("screen", "email:a@example.com"),
        ("identify", "id:1"),
    ]
    records = [story.add(kind, subject, name=f"n{n}", id=f"m{n}") for n, (kind, subject) in enumerate(kinds)]
    records.append(story.add("event", "id:1", name="n0", id="m0"))

    for _ in range(2):
        land(sink, story.log, records)

    found = recent(client, story.workspace)
    assert [row[2] for row in found] == ["m0", "m2", "m1"]
    assert sorted(found) == sorted(events(client, story.workspace))


def test_nothing_of_who_was_deleted_is_recent(sink: Sink, client: Client, story: Story) -> None:
    """Nor of who is suppressed, or of a `cio_id` that nobody has; what came after a deletion is."""
    records = [story.add("event", subject, name="e", id=subject) for subject in ("id:1", "id:2", "id:3")]
    records += [story.add("delete", "id:1"), story.add("suppress", "id:2")]
    records += [story.add("event", subject, name="e", id=f"later {subject}") for subject in ("id:1", "id:2")]
    records.append(story.add("event", f"cio:{'a' * 32}", name="e", id="nobody's"))

    land(sink, story.log, records)

    found = recent(client, story.workspace)
    assert [row[2] for row in found] == ["later id:1", "id:3"]
    assert sorted(found) == sorted(events(client, story.workspace))


def test_no_more_than_the_last_thousand_are_recent(sink: Sink, client: Client, story: Story) -> None:
    records = [story.add("event", f"id:{n % 7}", name="e", id=f"m{n}") for n in range(1_100)]

    land(sink, story.log, records)

    assert [row[2] for row in recent(client, story.workspace)] == [f"m{n}" for n in reversed(range(100, 1_100))]
