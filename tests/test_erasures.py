"""What a person is told about erasures, and who may know the key of their hashes."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path

import msgspec
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.settings import Settings
from tests.clickhouse import ClickHouse
from tests.erasing import Story, hidden_earlier
from tests.ports import free_port
from tests.running import CREDENTIALS, asked, environment, eventually, up
from tests.tables import VIEWS, land
from tests.test_kafka_topic import make
from workers.clickhouse import connect
from workers.erasures import JOURNAL_KEEPS, erasures
from workers.log import LogAway
from workers.log.places import LogState, log_state
from workers.purge import erase_workspace, purge
from workers.sink import Sink

DAY = 86_400_000


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def reader(url: str, clickhouse: ClickHouse) -> Client:
    return connect(clickhouse.reader_url)


def run(*arguments: str, settings: Mapping[str, str], said: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *arguments]
    return subprocess.run(
        command, env=environment(**settings), input=said, capture_output=True, text=True, timeout=120, check=False
    )


def call(settings: Mapping[str, str], method: str, path: str, body: str = "") -> None:
    connection = HTTPConnection("127.0.0.1", int(settings["PENSTOCK_PORT"]), timeout=30)
    connection.request(method, path, body, {"Authorization": "Basic c2l0ZTprZXk=", "Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()


def test_deletion_is_hidden_then_erased_then_final(sink: Sink, client: Client, url: str, story: Story) -> None:
    """Erased by the first sweep after it; final only when neither log nor journal can hold a copy any more."""
    client.command("TRUNCATE TABLE purges")  # of other tests
    deleted = story.add("delete", "id:1")
    land(sink, story.log, [*story.of("id:1"), deleted])

    [first] = erasures(url, DAY, workspace=story.workspace)
    assert (first.message_id, first.erased_at, first.final) == (deleted.message.id, None, False)
    assert first.requested_at.timestamp() == pytest.approx(deleted.message.received_at, abs=0.001)
    assert abs(first.hidden_at.timestamp() - time.time()) < 60
    assert first.on_log_until is not None
    assert first.on_log_until.timestamp() * 1000 == pytest.approx(deleted.at + DAY)
    assert first.in_journal_until.timestamp() * 1000 == pytest.approx(deleted.at + JOURNAL_KEEPS.total_seconds() * 1000)

    hidden_earlier(client, story.workspace, 120)
    sweep = purge(url)
    [second] = erasures(url, DAY, workspace=story.workspace)
    assert second.erased_at == sweep.ended_at
    assert not second.final


def test_sweep_that_began_with_the_deletion_is_no_proof_of_it(
    sink: Sink, client: Client, url: str, story: Story
) -> None:
    """Rows of the same block may not have been in their tables yet."""
    land(sink, story.log, [*story.of("id:1"), story.add("delete", "id:1")])

    purge(url)

    assert [one.erased_at for one in erasures(url, DAY, workspace=story.workspace)] == [None]


def test_proof_is_final_after_the_retentions(sink: Sink, client: Client, url: str, story: Story) -> None:
    """A deletion of eight days ago: final with a log of a day, not with one of a month or without an end."""
    placed = story.add("delete", "id:1")
    land(sink, story.log, [type(placed)(placed.message, placed.offset, placed.at - 8 * DAY)])
    hidden_earlier(client, story.workspace, 8 * DAY // 1000)
    purge(url)

    final = {kept: erasures(url, kept, workspace=story.workspace)[0].final for kept in (DAY, 30 * DAY, None)}

    assert final == {DAY: True, 30 * DAY: False, None: False}
    assert erasures(url, None, workspace=story.workspace)[0].on_log_until is None


def test_one_subject_is_found_by_its_hash(sink: Sink, client: Client, url: str, story: Story) -> None:
    """Also when its text is gone everywhere; nobody else is."""
    first, second = story.add("delete", "id:1"), story.add("delete", "id:2")
    land(sink, story.log, [first, second])
    purge(url)

    [one] = erasures(url, DAY, workspace=story.workspace, subject="id:2")
    assert one.message_id == second.message.id
    assert erasures(url, DAY, workspace=story.workspace, subject="id:3") == []
    assert len({one.hash for one in erasures(url, DAY, workspace=story.workspace)}) == 2


def test_repeated_deletion_is_one_and_another_is_another(sink: Sink, url: str, story: Story) -> None:
    """A replay of the same record adds nothing; a second request is a deletion of its own."""
    first, second = story.add("delete", "id:1"), story.add("delete", "id:1")
    for _ in range(3):
        land(sink, story.log, [first])
    land(sink, story.log, [second])

    assert {one.message_id for one in erasures(url, DAY, subject="id:1", workspace=story.workspace)} == {
        first.message.id,
        second.message.id,
    }


def test_suppression_is_listed_with_its_kind_and_its_end_is_not(
    sink: Sink, client: Client, url: str, story: Story
) -> None:
    """It is a deletion that lasts; it is erased by the same proof."""
    client.command("TRUNCATE TABLE purges")  # of other tests
    suppressed, deleted = story.add("suppress", "id:1"), story.add("delete", "id:2")
    land(sink, story.log, [*story.of("id:1"), suppressed, deleted, story.add("unsuppress", "id:1")])
    hidden_earlier(client, story.workspace, 120)
    sweep = purge(url)

    found = {one.message_id: one for one in erasures(url, DAY, workspace=story.workspace)}

    assert {id: one.kind for id, one in found.items()} == {
        suppressed.message.id: "suppress",
        deleted.message.id: "delete",
    }
    assert {one.erased_at for one in found.values()} == {sweep.ended_at}


def test_erased_workspace_is_listed(url: str, story: Story) -> None:
    """Without a hash: its site id is no secret."""
    erase_workspace(url, story.workspace)

    [one] = erasures(url, DAY, workspace=story.workspace)

    assert (one.workspace, one.kind, one.hash, one.message_id) == (story.workspace, "workspace", "", "")
    assert not one.final


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM erasure_key",
        "SHOW CREATE VIEW erasure_key",
        "DESCRIBE erasure_key",
        "SELECT * FROM view(SELECT * FROM erasure_key)",
        "SELECT 1 WHERE (1, 2) IN erasure_key",
        "EXPLAIN QUERY TREE SELECT * FROM erasure_key",
    ],
)
def test_reader_cannot_have_the_key(reader: Client, sql: str) -> None:
    """With it somebody could try names until one has the hash of a deletion."""
    with pytest.raises(ClickHouseError, match="ACCESS_DENIED"):
        reader.query(sql)


def test_no_other_way_shows_the_key_to_the_reader(reader: Client, client: Client) -> None:
    """ClickHouse's own tables tell of every other table, with the statement it was made by."""
    key = str(client.query("SELECT toString(k0) FROM erasure_key").result_rows[0][0])
    for sql in (
        "SELECT name, create_table_query, as_select FROM system.tables",
        "SELECT table, name, default_expression FROM system.columns",
        "SELECT * FROM merge('penstock', 'erasure.*') LIMIT 10",
    ):
        said = str(reader.query(sql).result_rows)
        assert key not in said
        assert "erasure_key'" not in said


@pytest.mark.parametrize("view", [*VIEWS, "dead_letters"])
def test_reader_has_every_view(reader: Client, view: str) -> None:
    """They find erased rows by hashes that are stored, without the key."""
    assert reader.query(f"SELECT count() FROM {view}").result_rows[0][0] >= 0


def test_command_without_clickhouse_says_so_in_one_line(tmp_path: Path) -> None:
    """Exit code 1, and no traceback."""
    settings = {"PENSTOCK_CLICKHOUSE": f"http://x:y@127.0.0.1:{free_port()}/penstock", "PENSTOCK_DATA": str(tmp_path)}

    done = run("purge", settings=settings)

    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "x:y" not in done.stderr


@pytest.mark.slow
def test_from_the_request_to_the_proof(tmp_path: Path) -> None:
    """DELETE over HTTP; the worker purges by itself; the commands tell, and erase a workspace."""
    with up(tmp_path, PENSTOCK_PURGE_EVERY="1") as settings:
        call(settings, "PUT", "/api/v1/customers/42", '{"email": "bob@example.com"}')
        call(settings, "PUT", "/api/v1/customers/43", "{}")
        call(settings, "DELETE", "/api/v1/customers/42")
        eventually("SELECT customer FROM customers", settings, [{"customer": "43"}])
        left = "SELECT toUInt32(countIf(subject = 'id:42')) AS text, toUInt32(countIf(kind = 'erased')) AS blanked"
        eventually(f"{left} FROM journal", settings, [{"text": 0, "blanked": 2}])
        eventually(
            "SELECT toUInt32(uniqExact(subject_hash)) AS found FROM all_erasures", settings, [{"found": 2}]
        )  # the email's too

        purged = run("purge", settings=settings)
        listed = run("erasures", "--workspace", "site", settings=settings)
        [told] = map(json.loads, run("erasures", "id:42", "--json", settings=settings).stdout.splitlines())
        unknown = run("erasures", "id:43", settings=settings)
        assert (purged.returncode, listed.returncode, unknown.returncode) == (0, 0, 0)
        assert "2 deleted or suppressed identifiers, 0 erased workspaces" in purged.stdout
        assert told["hash"][:12] in listed.stdout
        assert (told["workspace"], told["final"]) == ("site", False)
        assert told["on_log_until"] == told["in_journal_until"]
        assert "No such deletion" in unknown.stdout

        refused = run("erase-workspace", "site", settings=settings, said="other\n")
        assert refused.returncode == 1
        assert "preset" in refused.stderr  # the key with which data may still come
        assert asked("SELECT customer FROM customers", settings) == [{"customer": "43"}]
        assert run("erase-workspace", "site", "--yes", settings=settings).returncode == 0
        left = "SELECT toUInt32(count()) AS text FROM journal WHERE kind != 'erased'"
        assert asked(f"{left} UNION ALL SELECT toUInt32(count()) FROM customers", settings) == [
            {"text": 0},
            {"text": 0},
        ]
        call(settings, "PUT", "/api/v1/customers/44", "{}")
        eventually("SELECT customer FROM customers", settings, [{"customer": "44"}])


async def state(settings: Settings) -> LogState:
    """A broker that was just started finds the coordinator of its first group after a while."""
    until = time.monotonic() + 30
    while True:
        try:
            return await log_state(settings)
        except LogAway:
            assert time.monotonic() < until
            await asyncio.sleep(0.2)


@pytest.mark.kafka
async def test_copy_on_kafka_lies_as_long_as_its_segment(kafka: str, topic: str) -> None:
    """A segment is deleted as a whole, once its last record is too old; -1 keeps it for ever."""
    await make(kafka, topic, retention_ms="60000", segment_ms="90000")
    await make(kafka, f"{topic}-for-ever", retention_ms="-1")
    settings = Settings(kafka=kafka, topic=topic, partitions=2)

    bounded = await state(settings)
    endless = await state(msgspec.structs.replace(settings, topic=f"{topic}-for-ever"))

    assert (bounded.retention_ms, bounded.longest_ms) == (60_000, 150_000)
    assert (endless.retention_ms, endless.longest_ms) == (None, None)


def test_credentials_of_the_tests_are_those_of_the_header() -> None:
    """`call` above sends them."""
    assert CREDENTIALS == {"PENSTOCK_SITE_ID": "site", "PENSTOCK_API_KEY": "key"}
