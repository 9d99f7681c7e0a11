"""Erasure of all kinds of messages: also what others say of somebody, and what came while somebody was suppressed."""

import random
import uuid
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace

import pytest
from clickhouse_connect.driver.client import Client

from schemas.messages import Kind, encode
from tests.erasing import NOW, Story, fold, text_in_tables
from tests.model import Placed
from tests.replaying import count, history, landed, placed, shown
from tests.tables import cuts, insert, land, record, resolve
from workers.batch import Clocks, splice
from workers.clickhouse import Away
from workers.connection import Connection
from workers.erasable import ALL_SUBJECTS, ERASABLE, SUBJECTS, WORKSPACES
from workers.people import reading as reading_module
from workers.people.facts import Facts
from workers.purge import purge
from workers.replay.tables import COLUMNS
from workers.sink import Sink

# Kept for ever; of pairs too.
HASHES_ALONE = {
    "stored_erasures",
    "stored_derived_erasures",
    "stored_claimed",
    "stored_identified",
    "stored_overrides",
    "stored_members",
    "stored_refusals",
    "removals",
}
EMPTY = "stored_events"  # since `194_stored_events_emptied.sql`


@pytest.fixture
def story() -> Story:
    return Story()


def test_table_with_a_hash_is_looked_at_by_purge(client: Client) -> None:
    """By each column that names somebody: a new table is not forgotten. What is kept is only hashes."""
    hashes = client.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND match(name, '_hash(es)?$')"
        " AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')"
    ).result_rows

    looked_at = {
        (one.table, column)
        for one in ERASABLE
        if {SUBJECTS, ALL_SUBJECTS} & {*one.causes}
        for column in (one.others.strip("[]").split(", ") if one.others else [one.who])
    }
    left = {(table, name) for table, name in hashes if table not in {*HASHES_ALONE, EMPTY}}
    assert left - {("stored_people", "founder_hash")} <= looked_at
    workspaces = {one.table for one in ERASABLE if WORKSPACES in one.causes}
    assert workspaces == {table for table, _ in left}


def test_what_others_say_of_who_was_deleted_stays_without_the_name(own: str, there: Client, story: Story) -> None:
    """The journal keeps an object's attributes and its relationships with others: a replay makes them again."""
    records = [*story.rarer("id:1"), *story.naming("id:1"), story.add("delete", "id:1")]
    landed(own, records, story.log)
    before = shown(there)
    assert b"stays" in before["relationships"]

    assert purge(own).removed["journal"] > 0
    kept = there.query("SELECT kind, links, relationships.1 FROM journal FINAL WHERE kind != 'erased' ORDER BY _offset")
    for table in ("relationships", "links", "attributes", "customers", "identifies", "deliveries"):
        there.command(f"TRUNCATE TABLE stored_{table}")
    there.command(f"INSERT INTO messages ({COLUMNS}) SELECT {COLUMNS} FROM journal FINAL WHERE kind != 'erased'")

    assert [tuple(row) for row in kept.result_rows] == [
        ("identify", [], []),
        ("identify", [], ["id:stays"]),
        ("delete_relationships", [], ["id:stays"]),
        ("identify", ["email:stays"], ["object:1/acme"]),
        ("merge", [], []),
    ]
    assert shown(there) == before
    assert purge(own).removed == {}


def test_dead_letter_about_another_goes_with_whom_it_names(own: str, there: Client, story: Story) -> None:
    """As far as its bytes can be read: by a link, a relationship, or as the recipient of a delivery."""
    about = [*story.naming("email:bob@x.org"), story.add("identify", "id:2", links=("id:3",))]
    with Sink(own) as sink:
        for one in about:
            story.bury(sink, one, "", encode(one.message))
    landed(own, [story.add("delete", "email:bob@x.org")], story.log)

    purge(own)

    status = "SELECT _offset, toString(status) FROM stored_dead_letters FINAL ORDER BY _offset"
    assert there.query(status).result_rows == [
        (0, "dead"),
        *((offset, "erased") for offset in range(1, 6)),
        (6, "dead"),
    ]


@pytest.mark.parametrize("seed", [1])
def test_sweeps_change_no_view(own: str, there: Client, seed: int) -> None:
    """Messages of all kinds in any order: the views say the same before and after a purge, and again after all of it
    came once more. Those that were ignored are no longer listed as that."""
    rng = random.Random(seed)
    records = placed(history(400, seed), days=4)
    for part in cuts(rng.sample(records, len(records)), rng, 100):
        landed(own, list(part))
    before = shown(there)

    assert purge(own).survivors == 0
    after = shown(there)
    landed(own, records)
    again = shown(there)

    assert {view for view in before if before[view] != after[view]} <= {"rejections"}
    assert again == before
    assert sum(map(bool, before.values())) >= 12


def test_suppressed_customer_is_named_nowhere(own: str, there: Client, story: Story) -> None:
    """Neither by the suppression nor by its end, which say whom they are about."""
    text = uuid.uuid4().hex
    records = [*story.of(f"id:{text}", text), story.add("suppress", f"id:{text}"), *story.rarer(f"id:{text}", text)]
    landed(own, [*records, story.add("unsuppress", f"id:{text}")], story.log)
    assert len(text_in_tables(there, text)) >= 25

    assert purge(own).survivors == 0

    assert text_in_tables(there, text) == {}


def test_suppressed_text_stays_for_a_day_in_case_its_end_comes_late(own: str, there: Client, story: Story) -> None:
    """What came after an end that was still in a spool is shown once that is here; older text is gone from disk."""
    old, ended, fresh = (uuid.uuid4().hex for _ in range(3))
    day = 86_400_000
    suppressed = story.add("suppress", "id:1")
    records = [
        Placed(story.add("event", "id:1", name=old).message, 1, NOW - 3 * day),
        Placed(suppressed.message, 2, NOW - 2 * day),
        Placed(story.add("event", "id:1", name=ended).message, 3, NOW - 2 * day + 1),
        Placed(story.add("event", "id:1", name=fresh).message, 5, NOW),
    ]
    landed(own, records, story.log)
    assert purge(own).survivors == 0
    left = [bool(text_in_tables(there, text)) for text in (old, ended, fresh)]

    landed(own, [Placed(story.add("unsuppress", "id:1").message, 4, NOW - 1000)], story.log)
    names = there.query("SELECT name FROM events").result_rows

    assert left == [False, False, True]
    assert names == [(fresh,)]
    assert purge(own).survivors == 0
    assert text_in_tables(there, fresh)


def test_deletion_takes_the_text_of_all_identifiers_of_a_person(own: str, there: Client, story: Story) -> None:
    """Said under any of them, and of any of them by others; also where it was known only later that they are one."""
    first, second, third, fresh = (uuid.uuid4().hex for _ in range(4))
    email, anonymous = f"email:{second}@x.org", f"anon:{third}"
    said = [
        story.add("identify", "id:2"),
        story.add("event", anonymous, name=third),
        story.add("identify", f"id:{first}", links=(email,), attributes=(("email", f'"{second}@x.org"'),)),
        *story.of(f"id:{first}", first),
        *story.of(email, second),
        story.add("event", email, name="e", links=(anonymous,)),
        *story.naming(email, second),
        story.add("identify", "id:2", links=(email,), attributes=(("email", f'"{second}@x.org"'), ("plan", '"a"'))),
    ]
    landed(own, said, story.log)
    landed(own, [story.add("delete", f"id:{first}")], story.log)

    assert purge(own).survivors == 0

    assert [text_in_tables(there, text) for text in (first, second, third)] == [{}, {}, {}]
    assert there.query("SELECT attributes.1 FROM journal WHERE subject = 'id:2' ORDER BY _offset").result_rows == [
        ([],),
        (["plan"],),
    ]
    landed(own, [story.add("identify", f"id:{fresh}", links=(email,))], story.log)
    landed(own, said, story.log)  # as a replay does
    assert purge(own).survivors == 0
    assert [text_in_tables(there, text) for text in (first, third)] == [{}, {}]
    assert text_in_tables(there, fresh)
    assert purge(own).removed == {}


def test_deletion_waits_until_it_is_known_whom_it_deletes(own: str, there: Client, story: Story) -> None:
    """Inserted by a worker that has not found it out yet: nothing of it goes, and no sweep is a proof."""
    text = uuid.uuid4().hex
    landed(own, [*story.of(f"id:{text}", text), story.add("identify", f"id:{text}", links=("email:a@x",))], story.log)
    deleted = story.add("delete", f"id:{text}")
    with Sink(own) as sink:
        spliced = splice(story.log, {0: [record(deleted)]}, Clocks(lambda partition, offset: 0))
        sink.insert(b"".join(spliced.rows))
    fold(there)
    before = text_in_tables(there, text)

    assert purge(own).survivors >= 1

    assert text_in_tables(there, text) == before
    landed(own, [deleted], story.log)
    assert purge(own).survivors == 0
    assert text_in_tables(there, text) == {}


@pytest.mark.parametrize("kind", ["unsuppress", "identify"])
def test_what_was_said_of_some_who_have_to_do_with_each_other_goes_at_once(
    own: str, there: Client, story: Story, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    """One of them is named by a message that was not resolved yet: a deletion, or what is older than the last one. Half
    of it would decide otherwise who is who: the second customer would have the address that was the first one's, and
    go with it."""
    monkeypatch.setattr("workers.purge.PAUSE", 0.0)
    address = "email:a@x.org"
    second, first = story.add("identify", "id:2"), story.add("identify", "id:1", links=(address,))
    refused, late = story.add("identify", "id:2", links=(address,)), story.add("identify", "id:3", links=(address,))
    landed(own, [second, first, refused, story.add("delete", "id:1")], story.log)
    waiting = story.add(kind, "id:2") if kind == "unsuppress" else replace(late, partition=1)
    with Sink(own) as sink:
        insert(sink, story.log, [waiting])
        assert sink.begin(story.log, waiting.partition, 0) == 0
        tables = ("stored_claims", "stored_identifies", "stored_customers")
        before = [count(there, table) for table in tables]

        assert purge(own).survivors > 0

        assert [count(there, table) for table in tables] == before
        resolve(sink, story.log, [waiting])
    assert purge(own).survivors == 0
    assert count(there, "stored_claims") == 0
    assert b"\t2\tid\t" in shown(there)["customers"]


def test_who_is_spoken_of_all_the_time_is_removed_all_the_same(own: str, there: Client, story: Story) -> None:
    """What is said after a deletion, and not resolved yet, follows from nothing before it."""
    text = uuid.uuid4().hex
    subject, link = f"id:{text}", "email:a@x.org"
    landed(own, [story.add("identify", subject, links=(link,)), story.add("delete", subject)], story.log)
    back = story.add("identify", "id:2", links=(link,))
    with Sink(own) as sink:
        insert(sink, story.log, [back])

        assert purge(own).survivors == 0

        assert text_in_tables(there, text) == {}
        resolve(sink, story.log, [back])
    assert b"\t2\tid\t" in shown(there)["customers"]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for long"])
def test_who_was_erased_is_read_again_when_claims_were_removed_meanwhile(
    own: str, there: Client, story: Story, monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    """What was read may lack some of them. If that does not end nothing is decided: the worker waits."""
    read = reading_module.facts_of
    readings: list[int] = []

    def reading(connection: Connection, hashes: Iterable[int]) -> Facts:
        if lasting or not readings:
            there.command("ALTER TABLE stored_claims DELETE WHERE 0", settings={"mutations_sync": 1})
        readings.append(1)
        return read(connection, hashes)

    monkeypatch.setattr("workers.people.resolve.LONGEST_REMOVAL", 0.2 if lasting else 30.0)
    with Sink(own) as sink:
        land(sink, story.log, [story.add("identify", "id:1", links=("email:a@x.org",))])
        monkeypatch.setattr("workers.people.resolve.facts_of", reading)
        with pytest.raises(Away, match="stored_claims") if lasting else nullcontext():
            land(sink, story.log, [story.add("delete", "id:1")])

    assert len(readings) > 1 or lasting  # a removal may take all of that time
    assert there.query("SELECT count() FROM stored_derived_erasures").result_rows[0][0] == int(not lasting)
