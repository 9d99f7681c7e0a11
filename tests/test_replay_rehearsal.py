"""`penstock replay --dry-run` from the journal: what it would do, and that it does not."""

import time
from datetime import UTC, datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.settings import Settings
from tests.model import Placed
from tests.replaying import AT_ONCE, Quiet, count, landed, message, placed, shown
from workers.replay.main import Order, rehearse
from workers.replay.rehearsal import Rehearsal
from workers.replay.run import Summary
from workers.replay.selection import Selection

ATTRIBUTES = (("plan", '"a"'), ("age", "1"))


async def rehearsed(address: str, **chosen: Any) -> tuple[Summary, Rehearsal]:
    return await rehearse(Settings(), address, Order("journal", Selection(**chosen), pace=AT_ONCE, rows=10), Quiet())


def tallies(rehearsal: Rehearsal) -> dict[str, tuple[int, int]]:
    """Rows and new rows of each table that gets any, all days together."""
    found: dict[str, tuple[int, int]] = {}
    for (table, _), tally in rehearsal.tables.items():
        rows, new = found.get(table, (0, 0))
        found[table] = (rows + tally.rows, new + tally.new)
    return {table: counts for table, counts in found.items() if counts != (0, 0)}


async def test_nothing_is_new_where_nothing_was_lost(own: str, there: Client) -> None:
    """Rows by table, as the views would make them; a repeat of each is there."""
    messages = [message("event", f"id:{n}", name="e") for n in range(5)]
    messages += [message("identify", "id:1", attributes=ATTRIBUTES), message("delete", "id:2")]
    landed(own, placed(messages))
    before = shown(there)

    summary, rehearsal = await rehearsed(own)

    assert summary.rows == 7
    assert tallies(rehearsal) == {
        "journal": (7, 0),
        "packed_events": (5, 0),
        "stored_attributes": (2, 0),
        "stored_customers": (5, 0),
        "stored_identifies": (1, 0),
        "stored_erasures": (1, 0),
        "erasures": (1, 0),
    }
    assert shown(there) == before


async def test_lost_rows_are_new_and_stay_lost(own: str, there: Client) -> None:
    """Some of a table, and all of another: the rehearsal counts them and puts back none."""
    landed(own, placed([message("event", f"id:{n}", id=str(n), name="e") for n in range(6)]))
    there.command("DELETE FROM packed_events WHERE id IN ('1', '2')")
    there.command("TRUNCATE TABLE stored_customers")

    _, rehearsal = await rehearsed(own)

    assert tallies(rehearsal)["packed_events"] == (6, 2)
    assert tallies(rehearsal)["stored_customers"] == (6, 6)
    assert (count(there, "packed_events"), count(there, "stored_customers")) == (4, 0)
    assert count(there, "replays") == 0


async def test_new_projection_is_among_the_tables(own: str, there: Client) -> None:
    """Whatever reads from `messages`, with an alias or without."""
    landed(own, placed([message("event", "id:1", name="e"), message("page", "id:1")]))
    for name, alias in (("plain", ""), ("named", "AS m")):
        there.command(f"CREATE TABLE {name} (id String) ENGINE = ReplacingMergeTree ORDER BY id")
        there.command(
            f"CREATE MATERIALIZED VIEW to_{name} TO {name} AS SELECT id FROM messages {alias} WHERE kind = 'event'"
        )
    try:
        _, rehearsal = await rehearsed(own)
    finally:
        for name in ("plain", "named"):
            there.command(f"DROP TABLE to_{name}")
            there.command(f"DROP TABLE {name}")

    assert (tallies(rehearsal)["plain"], tallies(rehearsal)["named"]) == ((1, 1), (1, 1))


async def test_rows_that_come_by_way_of_others_are_counted(own: str, there: Client) -> None:
    """That table keeps nothing, and is none of those shown; a link of an identify is a row as one of a merge is."""
    said = (("object:1/a", ATTRIBUTES), ("object:1/b", ()))
    messages = [
        message("identify", "id:1", attributes=ATTRIBUTES, links=("email:a@b.c",), relationships=said),
        message("merge", "id:1", links=("id:2",)),
        message("add_device", "id:1", target="t", name="ios"),
        message("metric", "delivery:1", name="sent", attributes=(("recipient", '"id:1"'),)),
        message("suppress", "id:2"),
    ]
    landed(own, placed(messages))
    there.command("DELETE FROM stored_relationships WHERE part = 'attribute'")

    _, rehearsal = await rehearsed(own)

    assert tallies(rehearsal) == {
        "journal": (5, 0),
        "stored_attributes": (2, 0),
        "stored_customers": (1, 0),
        "stored_identifies": (2, 0),
        "stored_links": (2, 0),
        "stored_claims": (2, 0),
        "stored_relationships": (4, 2),
        "stored_devices": (1, 0),
        "stored_deliveries": (1, 0),
        "stored_erasures": (1, 0),
        "erasures": (1, 0),
    }


async def test_table_that_two_views_fill_is_counted_once(own: str, there: Client) -> None:
    """A key that both of them make is one new row."""
    landed(own, placed([message("event", "id:1", id=str(n), name="e") for n in range(3)] + [message("merge", "id:1")]))
    there.command("CREATE TABLE both (id String) ENGINE = ReplacingMergeTree ORDER BY id")
    for name, source in (("one", "messages WHERE kind = 'event'"), ("two", "messages WHERE id IN ('1', '2')")):
        there.command(f"CREATE MATERIALIZED VIEW to_{name} TO both AS SELECT id FROM {source}")
    there.command("CREATE MATERIALIZED VIEW to_three TO both AS SELECT kind AS id FROM others")
    try:
        _, rehearsal = await rehearsed(own)
    finally:
        for name in ("to_one", "to_two", "to_three", "both"):
            there.command(f"DROP TABLE {name}")

    assert tallies(rehearsal)["both"] == (6, 4)


async def test_days_are_those_of_the_append(own: str, there: Client) -> None:
    """Two days in one chunk are counted apart."""
    noon = int(time.time()) // 86_400 * 86_400_000 - 43_200_000
    times = [noon - 86_400_000, noon, noon + 1]
    landed(own, [Placed(message("event", "id:1", name="e"), n, at) for n, at in enumerate(times)])

    _, rehearsal = await rehearsed(own)

    days = [datetime.fromtimestamp(at / 1000, UTC).date().isoformat() for at in times]
    assert rehearsal.days == {days[0]: 1, days[1]: 2}
    assert {day: tally.rows for (table, day), tally in rehearsal.tables.items() if table == "packed_events"} == {
        days[0]: 1,
        days[1]: 2,
    }


async def test_only_the_chosen_are_counted(own: str, there: Client) -> None:
    """The same filters as those of the replay."""
    landed(own, placed([message("event", "id:1", name="a"), message("event", "id:1", name="b")]))

    summary, rehearsal = await rehearsed(own, name="b")

    assert summary.rows == 1
    assert tallies(rehearsal)["packed_events"] == (1, 0)
