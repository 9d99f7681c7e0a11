"""Migrations: forward only, safe twice at once and under workers; one that was killed is finished by the next."""

import asyncio
import hashlib
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from ingest.log.sqlite import SqliteLog
from tests.clickhouse import ClickHouse
from tests.erasing import Story
from tests.landing import Load, lands
from tests.running import environment
from tests.tables import land
from workers import room
from workers.check import compared, wanted
from workers.check import found as found_tables
from workers.clickhouse import Away, connect
from workers.gathering import Limits
from workers.log.sqlite import SqliteReader
from workers.loop import Pump
from workers.migrate import Contradiction, migrate, statements
from workers.sink import Sink

ROOT = Path(__file__).parent.parent
FILES = ROOT / "schemas" / "clickhouse"
OLD_MIGRATIONS = (
    "CREATE TABLE migrations (name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))"
    " ENGINE = ReplacingMergeTree(applied_at) ORDER BY name"
)
# Of the release before the erasures by hash; the views it had are made by now anyway.
OLD_FILES = ["010_messages", "020_journal", "030_stored_events", "040_stored_attributes", "050_stored_customers"]
OLD_FILES += ["060_stored_identifies", "070_erasures", "080_stored_dead_letters"]
# Of this release: what the one before it made of tables is all else.
LATER_FILES = {name for name in statements() if name >= "140_others.sql"} | {
    "010c_messages_columns.sql",
    "020c_journal_kinds.sql",
    "030d_packed_events.sql",
    "030e_to_packed_events.sql",
    "030f_fill_packed_events.sql",
    "040c_stored_attributes_people.sql",
    "040d_stored_attributes_read.sql",
    "050c_stored_customers_by_hash.sql",
    "050d_stored_customers_hashed.sql",
    "072b_stored_erasures_kind.sql",
    "072c_stored_erasures_purged.sql",
    "076b_stored_derived_erasures.sql",
    "076c_all_erasures.sql",
    "076d_fill_stored_erasures_purged.sql",
    *(name for name in statements() if "084" <= name < "100"),
    *("104_seen.sql", "106_said_attributes.sql", "106b_current_attributes.sql", "107_attributes_of.sql"),
}
VIEW = re.compile(r"^CREATE (OR REPLACE VIEW|MATERIALIZED VIEW)", re.MULTILINE)


@pytest.fixture
def empty(clickhouse: ClickHouse) -> Iterator[str]:
    """The writer's address of a database that holds nothing."""
    name = f"penstock_{uuid4().hex}"
    client = connect(clickhouse.writer_url)
    client.command(f"CREATE DATABASE {name}")
    yield f"{clickhouse.writer_url.rpartition('/')[0]}/{name}"
    client.command(f"DROP DATABASE {name}")
    client.close()


@pytest.fixture
def looking(empty: str) -> Iterator[Client]:
    client = connect(empty)
    yield client
    client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the files, to be edited as a later release would."""
    return Path(shutil.copytree(FILES, tmp_path / "files"))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    file = folder / name
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def cut_to(later: Collection[str], folder: Path) -> int:
    """Leave out what came later, and all views: how many files are left."""
    for file in folder.iterdir():
        if file.name in later or VIEW.search(file.read_text()):
            file.unlink()
    return len(list(folder.iterdir()))


def types_of(client: Client, table: str) -> dict[str, str]:
    """Of its columns, by name."""
    return {row[0]: row[1] for row in client.query(f"DESCRIBE TABLE {table}").result_rows}


def is_whole(client: Client) -> bool:
    """Whether every table and view is as the files make it, and nothing is left to do."""
    return list(compared(wanted(statements().values()), found_tables(client))) == []


@pytest.mark.slow
def test_four_migrations_at_once_make_one_schema(clickhouse: ClickHouse) -> None:
    """Twice, from nothing: each of them succeeds, and there is one erasure key, which stays."""
    client = connect(clickhouse.writer_url)
    for _ in range(2):
        name = f"penstock_{uuid4().hex}"
        client.command(f"CREATE DATABASE {name}")
        url = f"{clickhouse.writer_url.rpartition('/')[0]}/{name}"
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(migrate, [url] * 4))
        key = client.query(f"SELECT k0, k1 FROM {name}.erasure_key").result_rows
        again = migrate(url)

        assert set().union(*done) == statements().keys()
        assert again == []
        assert client.query(f"SELECT k0, k1 FROM {name}.erasure_key").result_rows == key
        here = connect(url)
        assert is_whole(here)
        here.close()
        client.command(f"DROP DATABASE {name}")
    client.close()


def killed_at(failpoint: str, url: str) -> None:
    """A migration that kills itself there."""
    command = [sys.executable, "-m", "deploy.cli", "migrate"]
    settings = environment(PENSTOCK_CLICKHOUSE=url, PENSTOCK_FAILPOINT=failpoint)
    done = subprocess.run(command, env=settings, cwd=ROOT, capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("failpoint", ["migrate.applied:1", "migrate.begun:30", f"migrate.applied:{len(statements())}"])
def test_first_migration_that_was_killed_is_begun_anew(failpoint: str, empty: str, looking: Client) -> None:
    """Its files are remembered together, in the end; each may be applied once more."""
    killed_at(failpoint, empty)
    left = migrate(empty)

    assert len(left) == len(statements())
    assert is_whole(looking)
    assert migrate(empty) == []


@pytest.mark.parametrize("failpoint", ["migrate.begun:1", "migrate.applied:1", "migrate.applied:9", "migrate.begun:30"])
def test_killed_migration_is_finished_by_the_next(failpoint: str, empty: str, looking: Client, folder: Path) -> None:
    """Before a statement, and after one that was not remembered yet."""
    first = cut_to(LATER_FILES, folder)
    migrate(empty, folder)
    killed_at(failpoint, empty)
    left = migrate(empty)

    assert len(left) == len(statements()) - first - int(failpoint.partition(":")[2]) + 1
    assert is_whole(looking)
    assert migrate(empty) == []


@pytest.mark.slow
async def test_view_edited_under_a_running_worker_misses_no_row(
    empty: str, looking: Client, folder: Path, tmp_path: Path
) -> None:
    """Again and again while rows pass: each is in its table once, and those after the last edit are as it says."""
    await asyncio.to_thread(migrate, empty, folder)
    load, stop, path = Load(), asyncio.Event(), tmp_path / "log.db"
    with Sink(empty) as sink:
        async with SqliteLog(path, append_timeout=10) as log, SqliteReader(path, tmp_path / "positions.db") as reader:
            pump = asyncio.create_task(Pump(reader, sink, Limits(rows=50, interval=0.01)).run(stop))
            feeding = asyncio.create_task(load.put(log, load.messages(2000)))
            for number in range(4):
                edit(folder, "030e_to_packed_events.sql", "\nWHERE kind IN", f"\n-- {number}\nWHERE kind IN")
                edit(folder, "051_to_customers.sql", "\nGROUP BY", f"\n-- {number}\nGROUP BY")
                assert len(await asyncio.to_thread(migrate, empty, folder)) == 2
            await feeding
            edit(folder, "030e_to_packed_events.sql", "    name,\n", "    upper(messages.name) AS name,\n")
            assert await asyncio.to_thread(migrate, empty, folder) == ["030e_to_packed_events.sql"]
            before = load.next
            await load.put(log, load.messages(49))
            await lands(load, looking)
            stop.set()
            await pump

    names = "SELECT DISTINCT name FROM events WHERE JSONExtractInt(data, 'n') >= {first:UInt32}"
    assert looking.query(names, parameters={"first": before}).result_rows == [("E",)]


def test_older_penstock_is_refused_and_changes_nothing(empty: str, looking: Client, folder: Path) -> None:
    """It would put its own views in the place of newer ones, and purge without knowing of newer tables."""
    migrate(empty)
    (folder / "990_later.sql").write_text(
        "-- One row is nothing.\nCREATE TABLE IF NOT EXISTS later (x Int8) ENGINE = Null"
    )
    migrate(empty, folder)
    with pytest.raises(Contradiction, match=r"newer Penstock .*990_later\.sql"):
        migrate(empty)


def test_older_view_is_not_put_in_the_place_of_a_newer_one(empty: str, looking: Client, folder: Path) -> None:
    """Also where no file was added: what a file said before it was edited is remembered."""
    migrate(empty)
    edit(folder, "100_events.sql", "CREATE OR REPLACE VIEW events AS", "-- Newer.\nCREATE OR REPLACE VIEW events AS")
    assert migrate(empty, folder) == ["100_events.sql"]
    with pytest.raises(Contradiction, match=r"100_events\.sql"):
        migrate(empty)
    edit(folder, "100_events.sql", "-- Newer.\n", "-- Newest.\n")
    assert migrate(empty, folder) == ["100_events.sql"]


def test_edited_table_is_refused_before_anything_is_applied(empty: str, looking: Client, folder: Path) -> None:
    """Its rows are already there: the change belongs into a new file."""
    migrate(empty)
    edit(folder, "030_stored_events.sql", "    client_id String,\n", "")
    (folder / "020c_new.sql").write_text(
        "-- One row is nothing.\nCREATE TABLE IF NOT EXISTS new (x Int8) ENGINE = Null"
    )
    with pytest.raises(Contradiction, match=r"030_stored_events\.sql was changed"):
        migrate(empty, folder)

    assert looking.query("EXISTS TABLE new").result_rows == [(0,)]


def test_tables_of_the_previous_release_are_filled_by_the_next(empty: str, looking: Client) -> None:
    """Rows that are older than the columns get them: what was deleted before stays hidden, the rest is shown."""
    looking.command(OLD_MIGRATIONS)
    for name in OLD_FILES:
        text = (FILES / f"{name}.sql").read_text()
        looking.command(text)
        looking.insert("migrations", [[f"{name}.sql", hashlib.sha256(text.encode()).hexdigest()]], ["name", "checksum"])
    columns = "(workspace, customer, customer_kind, id, kind, name, timestamp, filed_at, data, version)"
    rows = "SELECT 'w', ['kept', 'gone'][number % 2 + 1], 'id', toString(number), 'event', 'e', now(), now(), '{}', 5"
    looking.command(f"INSERT INTO stored_events {columns} {rows} FROM numbers(10)")
    looking.command("INSERT INTO erasures VALUES ('w', 'gone', 'id', 9, 'request', now64(3))")
    applied = migrate(empty)

    assert not {f"{name}.sql" for name in OLD_FILES} & set(applied)
    hashed = (
        "SELECT DISTINCT subject_hash = reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key),"
        " 'w\\0id:' || customer)) FROM packed_events"
    )
    assert looking.query(hashed).result_rows == [(1,)]
    assert looking.query("SELECT customer, count() FROM events GROUP BY ALL").result_rows == [("kept", 5)]
    assert is_whole(looking)


def test_tables_of_the_last_release_take_messages_of_all_kinds(empty: str, looking: Client, folder: Path) -> None:
    """What was deleted before stays hidden, and so does what is suppressed since."""
    cut_to(LATER_FILES, folder)
    migrate(empty, folder)
    key = "'w\\0id:gone'"
    hashed = f"reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), {key}))"
    columns = "(workspace, customer, customer_kind, id, kind, name, timestamp, filed_at, data, version, subject_hash)"
    row = f"'w', 'gone', 'id', 'x', 'event', 'e', now(), now(), '{{}}', 5, {hashed}"
    looking.command(f"INSERT INTO stored_events {columns} SELECT {row}")
    looking.command(f"INSERT INTO stored_erasures SELECT {hashed}, 9, 'w', 'request', now64(3), now64(3)")
    migrate(empty)

    story = Story()
    event = story.add("event", "id:1", name="e")
    with Sink(empty) as sink:
        land(sink, story.log, [event, story.add("event", "id:2", name="e"), story.add("suppress", "id:2")])
    assert looking.query("SELECT customer FROM events").result_rows == [("1",)]
    kinds = looking.query("SELECT DISTINCT kind FROM stored_erasures ORDER BY kind").result_rows
    assert kinds == [("delete",), ("suppress",)]
    assert is_whole(looking)


def test_events_of_the_last_release_are_packed_as_they_were(
    empty: str, looking: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whatever times, also those of a message that was spooled or had no month; and nothing stays where it was. On a
    disk without room for both nothing is moved."""
    cut_to(LATER_FILES, folder)
    filled = "SELECT workspace, customer, customer_kind, id, version FROM messages WHERE kind = 'event'"
    (folder / "031_to_events.sql").write_text(
        f"-- It fills.\nCREATE MATERIALIZED VIEW IF NOT EXISTS to_events TO stored_events AS\n{filled}"
    )
    migrate(empty, folder)
    columns = ", ".join(types_of(looking, "stored_events"))
    looking.command(
        """
        INSERT INTO stored_events
        WITH
            1262304000000 + rand64(1) % 946684800000 AS at,
            at - if(number % 3 = 0, rand64(2) % 100000, 0) AS effective,
            fromUnixTimestamp64Milli(toInt64(rand64(3) % 12622780799000) - 2208988800000, 'UTC') AS timestamp
        SELECT
            'w', toString(number % 50), ['id', 'email', 'anon'][1 + number % 3], toString(generateUUIDv4()), '',
            'event', 'e', timestamp, toString(number), if(number % 4 = 0, 0, toUInt32(at / 1000)),
            if(number % 5 = 0, timestamp, fromUnixTimestamp64Milli(toInt64(at - 7), 'UTC')), '{"a": 1}', '{}',
            bitShiftLeft(toUInt128(effective), 86) + bitShiftLeft(toUInt128(at), 44) + rand64(4) % 17592186044416,
            reinterpretAsUInt128(sipHash128(number))
        FROM numbers(5000)
        SETTINGS max_partitions_per_insert_block = 0
        """
    )
    before = looking.query(f"SELECT {columns} FROM stored_events ORDER BY id").result_rows
    with monkeypatch.context() as patch:
        patch.setattr(room, "COPY", 1e9)
        with pytest.raises(Away, match="stored_events has to be copied once, make room: "):
            migrate(empty)
    assert looking.query("SELECT count() FROM packed_events").result_rows == [(0,)]
    migrate(empty)

    assert len(before) == 5000
    assert looking.query(f"SELECT {columns} FROM packed_events ORDER BY id").result_rows == before
    assert looking.query("SELECT count() FROM stored_events").result_rows == [(0,)]
    assert looking.query("EXISTS TABLE to_events").result_rows == [(0,)]
    assert is_whole(looking)


@pytest.mark.slow
async def test_messages_made_anew_under_a_running_worker_miss_no_row(
    empty: str, looking: Client, tmp_path: Path
) -> None:
    """An insert that finds no table is repeated, and one that finds it finds all its views."""
    await asyncio.to_thread(migrate, empty)
    made = [statements()[name] for name in ("190_messages_dropped.sql", "191_messages.sql")]
    load, stop, path = Load(), asyncio.Event(), tmp_path / "log.db"
    with Sink(empty) as sink:
        async with SqliteLog(path, append_timeout=10) as log, SqliteReader(path, tmp_path / "positions.db") as reader:
            pump = asyncio.create_task(Pump(reader, sink, Limits(rows=50, interval=0.01, tries=20)).run(stop))
            feeding = asyncio.create_task(load.put(log, load.messages(2000)))
            for _ in range(6):
                for statement in made:
                    await asyncio.to_thread(looking.command, statement)
                await asyncio.sleep(0.2)
            await feeding
            await lands(load, looking)
            stop.set()
            await pump


def test_kinds_are_taken_when_all_their_views_are_there() -> None:
    """Else a message that comes in the middle of a migration would be in the journal and in no table."""
    files = statements()
    widened = max(name for name, text in files.items() if "CREATE TABLE IF NOT EXISTS messages" in text)
    filling = [name for name, text in files.items() if "CREATE MATERIALIZED VIEW" in text]

    assert "'telemetry'" in files[widened]
    assert max(filling) < widened


def test_table_that_only_passes_rows_on_is_made_anew(empty: str, looking: Client) -> None:
    """Of two migrations at once one may be killed when it has dropped it, and the other has made it before."""
    migrate(empty)
    for table in ("messages", "others", "buried"):
        looking.command(f"DROP TABLE {table}")

    assert migrate(empty) == ["081_buried.sql", "140_others.sql", "191_messages.sql", "192_messages_plain.sql"]
    assert types_of(looking, "messages")["kind"] == "String"
    assert is_whole(looking)
    assert migrate(empty) == []


def test_messages_of_the_last_release_are_read_as_plain_text(empty: str, looking: Client, folder: Path) -> None:
    """Into the same tables, by the same views: they are not made anew for it."""
    (folder / "192_messages_plain.sql").unlink()
    migrate(empty, folder)
    tables = "SELECT name, toString(uuid) FROM system.tables WHERE database = currentDatabase()"
    before = set(looking.query(tables).result_rows)
    assert types_of(looking, "messages")["workspace"] == "LowCardinality(String)"

    assert migrate(empty) == ["192_messages_plain.sql"]

    assert set(looking.query(tables).result_rows) == before
    assert [types_of(looking, "messages")[name] for name in ("_log", "workspace", "kind")] == ["String"] * 3
    assert types_of(looking, "journal")["workspace"] == "LowCardinality(String)"
    story = Story()
    with Sink(empty) as sink:
        land(sink, story.log, [story.add("event", "id:1", name="e")])
    assert looking.query("SELECT customer, name FROM events").result_rows == [("1", "e")]
