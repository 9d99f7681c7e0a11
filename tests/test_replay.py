"""`penstock replay` from the journal: what it takes, what it leaves alone, and what it fills."""

import random
import time
import uuid
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.model import Placed
from tests.replaying import LOG, MADE, PROJECTION, count, history, landed, message, placed, replayed, shown
from tests.tables import cuts
from workers.clickhouse import Failed
from workers.connection import Connection
from workers.replay.journal import JournalSource
from workers.replay.main import NothingToResume
from workers.replay.selection import Selection


@pytest.mark.parametrize("seed", [1])
async def test_everything_replayed_twice_changes_no_view(own: str, there: Client, seed: int) -> None:
    """Not a byte of them, whatever the chunks."""
    records = placed(history(500, seed), partitions=3, days=2)
    for part in cuts(records, random.Random(seed), 200):
        landed(own, list(part))
    before = shown(there)

    once = await replayed(own, rows=120)
    twice = await replayed(own)

    assert (once.rows, twice.rows) == (500, 500)
    assert len(before["events"].splitlines()) > 50
    assert len(before["customers"].splitlines()) > 10
    assert shown(there) == before


async def test_any_ranges_in_any_order_change_no_view(own: str, there: Client) -> None:
    """Offsets and times, the later ones first, the same ones again."""
    records = placed(history(300, 3), days=2)
    landed(own, records)
    before = shown(there)
    rng = random.Random(3)

    for _ in range(3):
        first = rng.randrange(300)
        await replayed(own, partition=0, first=first, last=first + rng.randrange(200))
        since = rng.choice(records).at
        await replayed(own, since=since, until=since + 50_000_000)

    assert shown(there) == before


async def test_new_projection_is_filled(own: str, there: Client) -> None:
    """A table and its view were made after the messages came: a replay puts into it what belongs there, once."""
    events = placed([message("event", f"id:{i}", name="bought") for i in range(50)] + [message("page", "id:1")])
    landed(own, events)
    for statement in PROJECTION.split(";"):
        there.command(statement)

    await replayed(own)
    await replayed(own)

    assert count(there, "bought") == 50
    for name in ("to_bought", "bought"):
        there.command(f"DROP TABLE {name}")


async def test_lost_tables_are_made_again(own: str, there: Client) -> None:
    """All but the journal were lost: deletions and late writes come out as they were."""
    landed(own, placed(history(300, 4), partitions=2))
    before = shown(there)
    for table in MADE:
        there.command(f"TRUNCATE TABLE {table}")
    assert shown(there) != before

    await replayed(own, rows=50)

    assert shown(there) == before


async def test_deleted_customer_stays_deleted(own: str, there: Client) -> None:
    """Replaying the range before the deletion, alone, brings nothing back; what came after it stays."""
    before_it = [message("identify", "id:1", attributes=(("plan", '"a"'),)), message("event", "id:1", name="old")]
    after_it = [message("event", "id:1", name="new"), message("event", "id:2", name="other")]
    landed(own, placed([*before_it, message("delete", "id:1"), *after_it]))
    before = shown(there)

    await replayed(own, first=0, last=1)

    assert shown(there) == before
    names = there.query("SELECT name FROM events ORDER BY name").result_rows
    assert [name for (name,) in names] == ["new", "other"]


async def test_erased_workspace_stays_erased(own: str, there: Client) -> None:
    """Its rows are below the version of the erasure, also when they come again."""
    landed(own, placed([message("event", "id:1", "gone", name="e"), message("event", "id:1", "stays", name="e")]))
    there.command("INSERT INTO erased_workspaces SELECT 'gone', max(version) + 1, now64(3) FROM journal")
    before = shown(there)

    await replayed(own)

    assert shown(there) == before
    assert [row[0] for row in there.query("SELECT workspace FROM events").result_rows] == ["stays"]


async def test_what_purge_left_of_a_row_is_no_message(own: str, there: Client) -> None:
    """A place of which nothing is left is passed over."""
    landed(own, placed([message("event", f"id:{i}", name="e") for i in range(3)]))
    there.command(
        "ALTER TABLE journal UPDATE kind = 'erased', subject = '', id = '' WHERE _offset = 1",
        settings={"mutations_sync": 1},
    )

    summary = await replayed(own)

    assert summary.rows == 2


CHOSEN: dict[str, tuple[dict[str, Any], set[int]]] = {
    "workspace": ({"workspace": "v"}, {2}),
    "customer": ({"subject": "email:bob@example.com"}, {1}),
    "kind": ({"kind": "page"}, {3}),
    "name": ({"name": "bought"}, {0, 2}),
    "both": ({"name": "bought", "workspace": "w"}, {0}),
    "offsets": ({"partition": 0, "first": 1, "last": 2}, {1, 2}),
    "another partition": ({"partition": 7}, set()),
    "another log": ({"generation": "another"}, set()),
    "everything": ({}, {0, 1, 2, 3}),
}


@pytest.mark.parametrize("what", CHOSEN)
async def test_only_what_was_chosen_is_replayed(own: str, there: Client, what: str) -> None:
    """By place, and by what a message says."""
    messages = [
        message("event", "id:1", id="0", name="bought"),
        message("event", "email:bob@example.com", id="1", name="seen"),
        message("event", "id:1", "v", id="2", name="bought"),
        message("page", "id:1", id="3", name="home"),
    ]
    landed(own, placed(messages))
    there.command("TRUNCATE TABLE packed_events")
    chosen, expected = CHOSEN[what]

    summary = await replayed(own, **chosen)

    assert {int(row[0]) for row in there.query("SELECT id FROM events").result_rows} == expected
    assert summary.rows == summary.total == len(expected)


async def test_times_are_append_times(own: str, there: Client) -> None:
    """`since` is taken, `until` is not."""
    now = int(time.time() * 1000)
    landed(own, [Placed(message("event", "id:1", id=str(i), name="e"), i, now - 1000 + i) for i in range(10)])
    there.command("TRUNCATE TABLE packed_events")

    await replayed(own, since=now - 997, until=now - 994)

    assert {row[0] for row in there.query("SELECT id FROM events").result_rows} == {"3", "4", "5"}


async def test_plan_skips_what_is_done(own: str) -> None:
    """Per partition of a log: an offset that is done, and all below it."""
    landed(own, placed(history(300, 5), partitions=2))
    landed(own, placed(history(100, 6)), "another")
    with Connection(own) as connection:
        source = JournalSource(connection, Selection(), rows=10)
        everything = await source.plan({})
        lane_0 = await JournalSource(connection, Selection(generation=LOG, partition=0)).plan({})

        assert everything == 400
        assert await source.plan({("another", 0): 100}) == 300
        assert await source.plan({(LOG, 0): 1000, ("another", 0): 50}) == 300 - lane_0 + 50


async def test_failing_chunk_is_named_with_its_place(own: str, there: Client) -> None:
    """A new view throws at a row: the replay stops, and says where."""
    landed(own, placed([message("event", f"id:{i}", name="e") for i in range(20)]))
    there.command("CREATE TABLE broken (x UInt8) ENGINE = Null")
    there.command(
        "CREATE MATERIALIZED VIEW to_broken TO broken AS SELECT throwIf(_offset = 15, 'no') AS x FROM messages"
    )
    try:
        with pytest.raises(Failed, match=r"partition 0, offsets 10 to 19 of log a log: Code: 395"):
            await replayed(own, rows=10)
    finally:
        there.command("DROP TABLE to_broken")
        there.command("DROP TABLE broken")

    resumed = await replayed(own, rows=10, resume=True)

    assert resumed.rows == 10


async def test_refused_row_of_the_journal_is_reported_and_the_rest_lands(own: str, there: Client) -> None:
    """The schema became stricter: one row is no message any more."""
    landed(own, placed([message("event", f"id:{i}", name="e") for i in range(20)]))
    there.command("ALTER TABLE journal UPDATE kind = 'dance' WHERE _offset = 13", settings={"mutations_sync": 1})
    there.command("TRUNCATE TABLE packed_events")

    summary = await replayed(own, rows=10)

    assert [(one.partition, one.offset, one.code) for one in summary.refusals] == [(0, 13, 469)]
    assert (summary.rows, count(there, "packed_events")) == (19, 19)


async def test_nothing_to_resume_is_said(own: str) -> None:
    """Neither where none was begun, nor after the end."""
    with pytest.raises(NothingToResume, match="leave out --resume"):
        await replayed(own, workspace=uuid.uuid4().hex, resume=True)

    await replayed(own)

    with pytest.raises(NothingToResume, match="came to its end"):
        await replayed(own, resume=True)


async def test_position_holds_no_name(own: str, there: Client) -> None:
    """Who was replayed may ask to be forgotten: what is kept is a keyed hash of the options."""
    await replayed(own, subject="email:bob@example.com")

    kept = there.raw_query("SELECT * FROM replays FORMAT TSV")
    assert kept
    assert b"bob" not in kept
