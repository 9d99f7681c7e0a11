"""`penstock replay --from dead-letters`: what was refused is tried again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.settings import Settings
from tests.replaying import AT_ONCE, LOG, Quiet, count, message, placed, replayed, shown
from tests.tables import FakeRecord, record
from workers.batch import Clocks, splice
from workers.dead_letters import FOREIGN, Allowance, land
from workers.replay.main import Order, rehearse
from workers.replay.selection import Selection
from workers.sink import Sink

FUTURE = b'{"version_of_tomorrow":1,'


def buried(address: str, values: list[bytes | None], partition: int = 0) -> None:
    """Records of somebody else and records of ours, through the worker's own hands. The last ones share a time."""
    first = placed([message("event", "id:1")])[0].at
    records = [FakeRecord(n, first + min(n, 3), b"w\0id:1", value, (("h", b"\xff"),)) for n, value in enumerate(values)]
    with Sink(address) as sink:
        spliced = splice(LOG, {partition: records}, Clocks(lambda *_: 0))
        sink.bury(LOG, land(spliced, sink.insert, Allowance(share=1)))


def values(count: int) -> list[bytes | None]:
    """Good messages: events of one customer, their ids counted upwards."""
    return [record(one).value for one in placed([message("event", "id:1", id=str(n), name="e") for n in range(count)])]


def of_tomorrow(count: int) -> list[bytes | None]:
    """Messages with a member that no column takes, until there is one."""
    return [FUTURE + (value or b"")[1:] for value in values(count)]


def letters(client: Client) -> dict[int, tuple[Any, ...]]:
    """Status, code and reason by offset."""
    rows = client.query("SELECT offset, status, code, reason FROM dead_letters ORDER BY offset").result_rows
    return {row[0]: tuple(row[1:]) for row in rows}


def mend(client: Client) -> None:
    """A new column takes what was refused."""
    client.command("ALTER TABLE messages ADD COLUMN IF NOT EXISTS version_of_tomorrow UInt8")


@pytest.fixture(autouse=True)
def as_before(there: Client) -> Any:
    """The table `messages` afterwards as it was."""
    yield
    there.command("ALTER TABLE messages DROP COLUMN IF EXISTS version_of_tomorrow")


async def test_what_is_accepted_now_is_mended(own: str, there: Client) -> None:
    """Its row has the place and the append time of the record; what is foreign stays dead, as it was."""
    buried(own, [*of_tomorrow(3), b"\x00\xff\x80", None])
    before = letters(there)
    at = there.query("SELECT _offset, _at FROM stored_dead_letters FINAL ORDER BY _offset").result_rows
    assert {letter[0] for letter in before.values()} == {"dead"}
    mend(there)

    summary = await replayed(own, "dead-letters")

    after = letters(there)
    assert [after[n][0] for n in range(5)] == ["mended", "mended", "mended", "dead", "dead"]
    assert {n: letter[1:] for n, letter in after.items()} == {n: letter[1:] for n, letter in before.items()}
    assert (summary.rows, summary.refused, summary.records) == (3, 2, 5)
    assert next((one.offset, one.reason) for one in summary.refusals) == (3, FOREIGN)
    journal = there.query("SELECT _offset, _at FROM journal FINAL ORDER BY _offset").result_rows
    assert journal == at[:3]
    assert count(there, "packed_events") == 3


async def test_mended_ones_are_never_tried_again(own: str, there: Client) -> None:
    """A second replay finds nothing, and no view changes."""
    buried(own, of_tomorrow(4))
    mend(there)
    await replayed(own, "dead-letters")
    before = shown(there)

    again = await replayed(own, "dead-letters")
    await replayed(own)

    assert again.records == 0
    assert shown(there) == before
    assert count(there, "stored_dead_letters") == 4


async def test_refused_again_has_its_new_reason(own: str, there: Client) -> None:
    """It was an unknown field, which there is now; but the kind is unknown as well."""
    values = [(value or b"").replace(b'"kind":"event"', b'"kind":"dance"') for value in of_tomorrow(1)]
    buried(own, [*values])
    assert letters(there)[0][:2] == ("dead", 117)
    mend(there)

    summary = await replayed(own, "dead-letters")

    status, code, reason = letters(there)[0]
    assert (status, code) == ("dead", 469)
    assert "known_kind" in reason
    assert summary.refused == 1


async def test_mending_wins_over_a_clock_ahead(own: str, there: Client) -> None:
    """The worker that buried it had a clock an hour ahead of ours: the later change is still the mending."""
    buried(own, of_tomorrow(1))
    ahead = datetime.now(UTC) + timedelta(hours=1)
    there.command(
        "INSERT INTO stored_dead_letters SELECT * REPLACE({ahead:DateTime64(3)} AS changed_at)"
        " FROM stored_dead_letters FINAL",
        parameters={"ahead": ahead},
    )
    mend(there)

    await replayed(own, "dead-letters")

    assert letters(there)[0][0] == "mended"


async def test_only_chosen_ones_are_tried(own: str, there: Client) -> None:
    """By place, by time, and by what they say: one that says nothing is of no workspace."""
    buried(own, [*of_tomorrow(3), b"foreign"])
    buried(own, of_tomorrow(1), partition=1)
    mend(there)

    assert (await replayed(own, "dead-letters", partition=0, first=1, last=1)).rows == 1
    assert (await replayed(own, "dead-letters", workspace="another")).rows == 0
    assert (await replayed(own, "dead-letters", partition=0, workspace="w")).rows == 2
    assert (await replayed(own, "dead-letters", until=1)).records == 0

    kept = there.query("SELECT partition, offset FROM dead_letters WHERE status = 'dead' ORDER BY ALL").result_rows
    assert kept == [(0, 3), (1, 0)]


async def test_chunks_end_anywhere(own: str, there: Client) -> None:
    """Three at a time, in partitions of their own."""
    for partition in range(3):
        buried(own, of_tomorrow(7), partition)
    mend(there)

    summary = await replayed(own, "dead-letters", rows=3)

    assert (summary.rows, summary.total) == (21, 21)
    assert count(there, "journal") == 21


async def test_rehearsal_tells_what_would_be_mended_and_mends_nothing(own: str, there: Client) -> None:
    """The same checks as those of the real table, in a temporary one."""
    dance = [(value or b"").replace(b'"kind":"event"', b'"kind":"dance"') for value in values(1)]
    buried(own, [*of_tomorrow(2), b"foreign", *dance])
    mend(there)
    before = letters(there)

    order = Order("dead-letters", Selection(), pace=AT_ONCE)
    summary, rehearsal = await rehearse(Settings(), own, order, Quiet())

    assert (summary.rows, summary.refused) == (2, 2)
    assert {table: (tally.rows, tally.new) for (table, _), tally in rehearsal.tables.items()}["packed_events"] == (2, 2)
    assert letters(there) == before
    assert count(there, "journal") == 0
