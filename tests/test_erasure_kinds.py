"""Erasure of all kinds of messages: also what others say of somebody, and what came while somebody was suppressed."""

import random
import uuid

import pytest
from clickhouse_connect.driver.client import Client

from schemas.messages import encode
from tests.erasing import NOW, Story, text_in_tables
from tests.model import Placed
from tests.replaying import history, landed, placed, shown
from tests.tables import cuts, record
from workers.batch import Clocks, splice
from workers.erasable import ERASABLE, SUBJECTS
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
}


@pytest.fixture
def story() -> Story:
    return Story()


def test_table_with_a_hash_is_looked_at_by_purge(client: Client) -> None:
    """By each column that names somebody: a new table is not forgotten. What is kept is only hashes."""
    hashes = client.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND match(name, '_hash(es)?$')"
        " AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')"
    ).result_rows

    looked_at = {(one.table, one.others or one.who) for one in ERASABLE if SUBJECTS in one.causes}
    left = {(table, name) for table, name in hashes if table not in HASHES_ALONE}
    assert left - {("stored_people", "founder_hash")} <= looked_at
    workspaces = {one.table for one in ERASABLE if len(one.causes) == 2}
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
    before = text_in_tables(there, text)

    assert purge(own).survivors == 1

    assert text_in_tables(there, text) == before
    landed(own, [deleted], story.log)
    assert purge(own).survivors == 0
    assert text_in_tables(there, text) == {}
