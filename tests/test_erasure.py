"""Erasure: hidden at once, gone from disk after a purge, and never back."""

import random
import threading
import uuid
from collections.abc import Sequence

import pytest
from clickhouse_connect.driver.client import Client

from schemas.messages import Kind
from tests.erasing import NOW, Story, files_with, fold, text_in_tables
from tests.model import Placed, world
from tests.tables import cuts, land, said, views
from workers.erasable import ERASABLE
from workers.migrate import statements
from workers.purge import erase_workspace, purge, purge_when_due
from workers.sink import Sink

TABLES = sorted({erasable.table for erasable in ERASABLE})
# Those that say nothing of a customer: they go with their workspace.
NOBODYS = {"stored_unsubscribes", "stored_rejections"}
# Those of which the text is not in a compressed column.
LEGIBLE = {
    "packed_events",
    "stored_attributes",
    "stored_customers",
    "stored_devices",
    "stored_links",
    "stored_claims",
    "erasures",
}


@pytest.fixture
def story() -> Story:
    return Story()


def sweeps(client: Client) -> int:
    return int(client.query("SELECT count() FROM purges").result_rows[0][0])


def letters(client: Client, story: Story) -> list[int]:
    """Offsets of the dead letters that are shown."""
    rows = client.query(
        "SELECT offset FROM dead_letters WHERE log = {log:String} ORDER BY offset", parameters={"log": story.log}
    ).result_rows
    return [offset for (offset,) in rows]


def equal_the_model(client: Client, story: Story, records: Sequence[Placed]) -> None:
    assert views(client, [story.workspace]) == said(world(records))


def test_purge_leaves_no_text_of_who_was_deleted(sink: Sink, client: Client, url: str, story: Story) -> None:
    """Subject, attributes, their names, events, contexts, devices, forms, dead letters, and what others say of them: no
    column and no file in use holds them."""
    text = uuid.uuid4().hex
    subject = f"id:{text}"
    back = [story.add("delete", subject), story.add("event", subject, id=text)]
    gone = [*back, *story.of(subject, text), *story.rarer(subject, text), *story.naming(subject, text)]
    stays, dead = story.of("id:2"), story.add("event", subject)
    records = [*gone, *stays, story.add("delete", subject)]
    land(sink, story.log, records)
    story.bury(sink, dead, text)
    assert len(text_in_tables(client, text)) >= 35
    assert files_with(client, text) >= LEGIBLE

    sweep = purge(url)

    assert sweep.removed.keys() >= {erasable.table for erasable in ERASABLE} - NOBODYS
    assert sweep.survivors == 0
    assert text_in_tables(client, text) == {}
    assert files_with(client, text) == set()
    equal_the_model(client, story, records)


def test_place_and_hash_of_an_erased_record_stay(sink: Sink, client: Client, url: str, story: Story) -> None:
    """The audit needs the place on the log: blanked rows of journal and dead letters keep it, with a status."""
    gone, dead = story.of("id:1"), story.add("event", "id:1")
    land(sink, story.log, [*gone, story.add("delete", "id:1")])
    story.bury(sink, dead)

    purge(url)

    sql = "SELECT _offset, {} FROM {} FINAL WHERE _log = {{log:String}} AND subject_hash != 0 ORDER BY _offset"
    asked = {"log": story.log}
    journal = client.query(sql.format("kind", "journal"), parameters=asked).result_rows
    kept = client.query(sql.format("status", "stored_dead_letters"), parameters=asked).result_rows
    assert [tuple(row) for row in journal] == [(offset, "erased") for offset in (0, 1, 2, 3, 5)]
    assert [tuple(row) for row in kept] == [(4, "erased")]


def test_customer_created_anew_keeps_just_what_came_after(sink: Sink, client: Client, url: str, story: Story) -> None:
    """The version decides: no row since the deletion is touched, none before it stays."""
    before, after = uuid.uuid4().hex, uuid.uuid4().hex
    records = [*story.of("id:1", before), story.add("delete", "id:1"), *story.of("id:1", after)]
    land(sink, story.log, records)
    fold(client)
    kept = text_in_tables(client, after)

    purge(url)

    equal_the_model(client, story, records)
    assert text_in_tables(client, before) == {}
    assert text_in_tables(client, after) == kept


def test_replay_brings_nothing_back_and_the_next_sweep_removes_it_again(
    sink: Sink, client: Client, url: str, story: Story
) -> None:
    """The same records with their places, as a replay of the log inserts them: hidden, and then gone once more."""
    text = uuid.uuid4().hex
    records = [*story.of(f"id:{text}", text), story.add("delete", f"id:{text}")]
    land(sink, story.log, records)
    purge(url)

    land(sink, story.log, records[:-1])

    assert views(client, [story.workspace]) == said(world(records))
    assert text_in_tables(client, text) != {}
    sweep = purge(url)
    assert {"journal", "packed_events", "stored_attributes"} <= sweep.removed.keys()
    assert text_in_tables(client, text) == {}


def test_restored_backup_brings_nothing_back(sink: Sink, client: Client, url: str, story: Story) -> None:
    """Every table as it was before the deletion, put back beside what is there now."""
    text = uuid.uuid4().hex
    before = story.of(f"id:{text}", text)
    dead, deleted = story.add("event", f"id:{text}"), story.add("delete", f"id:{text}")
    land(sink, story.log, before)
    story.bury(sink, dead, text)
    for table in TABLES:
        client.command(f"CREATE TABLE backup_{table} AS {table}")
        client.command(
            f"INSERT INTO backup_{table} SELECT * FROM {table} WHERE workspace = {{w:String}}",
            parameters={"w": story.workspace},
        )
    land(sink, story.log, [deleted])
    purge(url)

    for table in TABLES:
        client.command(f"INSERT INTO {table} SELECT * FROM backup_{table}")
        client.command(f"DROP TABLE backup_{table} SYNC")

    equal_the_model(client, story, [*before, deleted])
    assert letters(client, story) == []
    assert text_in_tables(client, text) != {}
    purge(url)
    assert text_in_tables(client, text) == {}


def test_dead_letters_are_hidden_with_the_deletion(sink: Sink, client: Client, story: Story) -> None:
    """Those of this customer before it; not those after it, nor of others, nor those without a key of ours."""
    first, second = story.add("event", "id:1"), story.add("event", "id:2")
    deleted, later = story.add("delete", "id:1"), story.add("event", "id:1")
    for placed in (first, second, later):
        story.bury(sink, placed)

    assert letters(client, story) == [0, 1, 3]
    land(sink, story.log, [deleted])
    assert letters(client, story) == [1, 3]


def test_erased_workspace_is_gone_and_may_begin_anew(sink: Sink, client: Client, url: str, story: Story) -> None:
    """Customers, anonymous visitors, dead letters; not its neighbour. What is appended later shows."""
    text, other = uuid.uuid4().hex, Story()
    gone = [*story.of(f"id:{text}", text), *story.of("anon:1", text), story.add("delete", "id:3")]
    neighbours = other.of("id:1")
    land(sink, story.log, gone)
    land(sink, other.log, neighbours)
    story.bury(sink, story.add("event", "id:1"), text)

    erase_workspace(url, story.workspace)

    equal_the_model(client, story, [])
    assert letters(client, story) == []
    purge(url)
    assert text_in_tables(client, text) == {}
    equal_the_model(client, other, neighbours)
    new = [Placed(placed.message, placed.offset, NOW + 3_600_000) for placed in story.of("id:1")]
    land(sink, story.log, new)
    purge(url)
    assert set(views(client, [story.workspace]).customers) == {(story.workspace, "id:1")}
    assert len(views(client, [story.workspace]).events) == 2


def test_erased_workspace_takes_what_is_still_on_its_way(sink: Sink, client: Client, url: str, story: Story) -> None:
    """Appended before the erasure, inserted after it, perhaps after days of lag."""
    erase_workspace(url, story.workspace)

    land(sink, story.log, story.of("id:1"))

    equal_the_model(client, story, [])


@pytest.mark.parametrize("seed", range(2))
def test_random_erasures_and_sweeps_equal_the_model(
    sink: Sink, client: Client, url: str, story: Story, seed: int
) -> None:
    """Any order, any cuts, repeats, sweeps in between: the views say what a plain Python model says."""
    rng = random.Random(seed)
    kinds: list[Kind] = ["identify", "event", "page", "delete"]
    records = []
    for number in range(120):
        kind = rng.choices(kinds, (4, 4, 1, 2))[0]
        attributes = ((rng.choice("ab"), f'"{number}"'),) if kind == "identify" else ()
        fields = {"name": f"n{number}"} if kind in ("event", "page") else {}
        if fields and rng.random() < 0.3:
            fields["id"] = str(uuid.UUID(int=rng.randrange(5)))
        records.append(story.add(kind, f"id:{rng.randrange(6)}", attributes=attributes, **fields))

    for part in cuts(rng.sample(records, len(records)), rng, 40):
        land(sink, story.log, part)
        if rng.random() < 0.3:
            purge(url)

    equal_the_model(client, story, records)
    purge(url)
    equal_the_model(client, story, records)


def test_purge_beside_a_worker_disturbs_nothing(sink: Sink, client: Client, url: str, story: Story) -> None:
    """Sweeps while rows and deletions come in: the views equal the model, and the last sweep leaves nothing."""
    rng = random.Random(5)
    text = uuid.uuid4().hex
    records = []
    for number in range(60):
        records += story.of(f"id:{number % 7}", text if number < 50 else "late")
        if number % 3 == 0 or 50 <= number < 57:
            records.append(story.add("delete", f"id:{number % 7}"))

    def work() -> None:
        for part in cuts(records, rng, 50):
            land(sink, story.log, part)

    worker = threading.Thread(target=work)
    worker.start()
    while worker.is_alive():
        purge(url)
    worker.join()

    equal_the_model(client, story, records)
    assert purge(url).survivors == 0
    assert text_in_tables(client, text) == {}
    equal_the_model(client, story, records)


def test_large_sweep_goes_in_bounded_removals(
    sink: Sink, client: Client, url: str, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More erased customers than one removal takes: all of them go, and those between them stay. Claims go in
    one."""
    monkeypatch.setattr("workers.removal.MOST", 7)
    records = [placed for number in range(40) for placed in story.of(f"id:{number}")]
    records += [story.add("identify", f"id:{number}", links=(f"email:{number}@x.org",)) for number in range(40)]
    records += [story.add("delete", f"id:{number}") for number in range(0, 40, 2)]
    land(sink, story.log, records)

    def removals() -> set[str]:
        asked = (
            "SELECT mutation_id FROM system.mutations WHERE table = 'stored_claims' AND database = currentDatabase()"
        )
        return {row[0] for row in client.query(asked).result_rows}

    before = removals()
    sweep = purge(url)

    assert sweep.survivors == 0
    assert sweep.removed["packed_events"] == 40
    equal_the_model(client, story, records)
    for table, kept in ("packed_events", 40), ("stored_claims", 20):
        rows = client.query(f"SELECT count() FROM {table} WHERE workspace = {{w:String}}", {"w": story.workspace})
        assert rows.result_rows[0][0] == kept
    assert len(removals() - before) == 1


def test_sweep_without_anything_to_do_rewrites_nothing(sink: Sink, client: Client, url: str, story: Story) -> None:
    """Count first: whole parts are not rewritten to find that they hold nothing."""
    land(sink, story.log, [*story.of("id:1"), story.add("delete", "id:1")])
    purge(url)
    mutations = "SELECT count() FROM system.mutations WHERE database = currentDatabase()"
    before = client.query(mutations).result_rows

    assert purge(url).removed == {}

    assert client.query(mutations).result_rows == before


def test_partitions_without_matches_are_left_alone(sink: Sink, client: Client, url: str, story: Story) -> None:
    """Months of events in which an erased customer has nothing keep their very parts."""
    old = story.add("event", "id:2", filed_at=1_500_000_000.0)
    land(sink, story.log, [old, *story.of("id:1"), story.add("delete", "id:1")])
    parts = "SELECT name FROM system.parts WHERE active AND table = 'packed_events' AND partition = '201707'"
    before = {(name.split("_")[1]) for (name,) in client.query(parts).result_rows}

    sweep = purge(url)

    assert sweep.removed["packed_events"] == 2
    assert {(name.split("_")[1]) for (name,) in client.query(parts).result_rows} == before
    equal = client.query("SELECT count() FROM events WHERE workspace = {w:String}", {"w": story.workspace})
    assert equal.result_rows[0][0] == 1


def test_workers_share_the_sweeps(client: Client, url: str) -> None:
    """Each has the schedule; one sweep in half of its time is enough for all."""
    purge(url)
    before = sweeps(client)

    purge_when_due(url, 3600)
    assert sweeps(client) == before
    purge_when_due(url, 0)
    assert sweeps(client) == before + 1


@pytest.mark.parametrize("table", ["journal", "stored_dead_letters", "erasures"])
def test_rows_older_than_the_hash_get_theirs(sink: Sink, client: Client, url: str, story: Story, table: str) -> None:
    """An upgrade fills the columns by which purge finds rows, as a new row would have them."""
    land(sink, story.log, [*story.of("id:1"), story.add("delete", "id:1")])
    story.bury(sink, story.add("event", "id:1"))
    own = "workspace = {w:String}"
    columns = "subject_hash" if table == "erasures" else "_offset, workspace, subject_hash, version"
    parameters = {"w": story.workspace}
    sql = f"SELECT {columns} FROM {table} WHERE {own} ORDER BY ALL"
    right = client.query(sql, parameters=parameters).result_rows
    unset = ["subject_hash = 0", *(["version = 0"] if table != "erasures" else [])]
    client.command(
        f"ALTER TABLE {table} UPDATE {', '.join(unset)} WHERE {own}",
        parameters=parameters,
        settings={"mutations_sync": 1},
    )
    assert client.query(sql, parameters=parameters).result_rows != right

    [fill] = [text for name, text in statements().items() if name.endswith(f"fill_{table}.sql")]
    client.command(fill)

    assert client.query(sql, parameters=parameters).result_rows == right
    assert right
