"""A ClickHouse that is there and cannot take rows: full, read-only, out of memory. The real engine says so."""

import asyncio
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy import clickhouse_config
from deploy.clickhouse import running
from ingest.log.sqlite import SqliteLog
from tests.clickhouse import ClickHouse
from tests.embedded import own_database
from tests.landing import Load, eventually, lands
from tests.ports import free_port
from tests.running import penstock, stop
from workers.clickhouse import Away, connect, translated
from workers.connection import Connection
from workers.migrate import migrate
from workers.purge import purge
from workers.room import check_room
from workers.sink import Sink

# What makes a server refuse, as the settings of a table; each is mended by taking it back.
FULL = {
    "a full disk": ("min_free_disk_bytes_to_perform_insert = 1000000000000000", 243),
    "too many parts": ("parts_to_throw_insert = 1", 252),
}
# The same of the worker's user, as settings of its insert.
BOUND = {
    "a user that may only read": ({"readonly": 1}, 164),
    "too little memory": ({"max_memory_usage": 1, "max_untracked_memory": 1}, 241),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def apart(clickhouse: ClickHouse) -> Iterator[str]:
    """The writer's address of a database that no other test writes to."""
    with own_database(clickhouse.writer_url) as url:
        yield url


@pytest.fixture
def looking(apart: str) -> Iterator[Client]:
    client = connect(apart)
    yield client
    client.close()


@pytest.mark.parametrize("what", FULL)
async def test_worker_waits_while_clickhouse_is_full(what: str, apart: str, looking: Client, tmp_path: Path) -> None:
    """For as long as it lasts, without an end of the process and without a dead letter; then it goes on by itself."""
    setting, code = FULL[what]
    load, said = Load(), tmp_path / "said"
    looking.command(f"ALTER TABLE stored_identifies MODIFY SETTING {setting}")
    settings = {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_CLICKHOUSE": apart}
    with said.open("wb") as output:
        worker = penstock("worker", settings=settings, output=output)
    try:
        async with SqliteLog(tmp_path / "log.db", append_timeout=10) as log:
            for _ in range(3):
                await load.put(log, load.messages(100))
                await asyncio.sleep(0.6)
            await eventually(lambda: said.read_text().count(f"Code: {code}.") > 4, True)
            assert worker.poll() is None
            looking.command(f"ALTER TABLE stored_identifies RESET SETTING {setting.split()[0]}")
            await lands(load, looking)
    finally:
        code = await asyncio.to_thread(stop, worker)

    assert code == 0
    assert load.shown(looking, "dead") == 0


@pytest.mark.parametrize("what", BOUND)
def test_bound_user_is_no_verdict_on_the_rows(what: str, looking: Client) -> None:
    """The same insert may succeed later: it is tried again, and nothing is buried."""
    settings, code = BOUND[what]
    with pytest.raises(ClickHouseError) as error:
        looking.raw_insert("messages", insert_block=b'{"id":"x"}\n' * 9, fmt="JSONEachRow", settings=settings)

    said = translated(error.value)

    assert isinstance(said, Away)
    assert f"Code: {code}." in str(said)


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process by prlimit")
def test_answers_of_a_server_on_a_full_disk_are_whole(tmp_path: Path) -> None:
    """Who is who, and the times of what came before, are decided by them: half of one must not look like all."""
    with running(tmp_path, port=free_port()) as server, Connection(server.address.writer_url) as connection:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

        assert connection.rows("SELECT count(), sum(number) FROM numbers(10)") == [(10, 45)]
        assert len(connection.rows("SELECT toString(number) FROM numbers(500000)")) == 500_000


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process by prlimit")
def test_server_on_whose_full_disk_a_worker_started_starts_again(tmp_path: Path) -> None:
    """A start writes no table's definition that is as it must be: of one it would leave nothing there."""
    with running(tmp_path, port=free_port()) as server:
        migrate(server.address.writer_url)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        assert migrate(server.address.writer_url) == []

    with running(tmp_path, port=free_port()) as server, Connection(server.address.writer_url) as connection:
        assert connection.rows("SELECT count() > 0 FROM migrations") == [(1,)]


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process by prlimit")
def test_server_that_can_open_no_more_files_is_waited_for(tmp_path: Path) -> None:
    """It ended the worker within two seconds, and in the end `up`."""
    with running(tmp_path, port=free_port()) as server, Sink(server.address.writer_url) as sink:
        migrate(server.address.writer_url)
        sink.insert(next(to_be_purged()))
        before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (60, before[1]))
        with pytest.raises(Away, match="Too many open files"):
            sink.insert(next(to_be_purged()))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
        sink.insert(next(to_be_purged()))


def test_nothing_is_altered_where_there_is_no_room_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded server leaves some of its disk free, and what would be written beside rows waits for room."""
    with running(tmp_path, port=free_port()) as server:
        url = server.address.writer_url
        migrate(url)
        with Sink(url) as sink, Connection(url) as connection:
            connection.command("CREATE DATABASE penstock_new")
            sink.insert(b"\n".join(to_be_purged()))
    monkeypatch.setattr(clickhouse_config, "KEPT_FREE", 1 << 60)
    with running(tmp_path, port=free_port()) as server, Connection(server.address.writer_url) as connection:
        url = server.address.writer_url
        mutations = connection.rows("SELECT count() FROM system.mutations")
        with pytest.raises(Away, match="is full, make room"):
            migrate(f"{url}_new")
        with pytest.raises(Away, match=r"is full, make room|Code: 243"):
            purge(url)
        with Sink(url) as sink, pytest.raises(Away, match="Code: 243"):
            sink.insert(next(to_be_purged()))

        assert connection.rows("SELECT count() FROM system.mutations") == mutations


def test_a_full_disk_of_others_is_no_matter_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may have more disks than our tables are on."""
    other = f"<other><path>{tmp_path}/other/</path><keep_free_space_bytes>{1 << 60}</keep_free_space_bytes></other>"
    written = clickhouse_config._config_xml
    monkeypatch.setattr(
        clickhouse_config, "_config_xml", lambda *given: written(*given).replace("</disks>", f"{other}</disks>")
    )
    with running(tmp_path, port=free_port()) as server, closing(connect(server.address.writer_url)) as client:
        assert ("other", 0) in map(tuple, client.query("SELECT name, free_space FROM system.disks").result_rows)
        check_room(client)


def to_be_purged() -> Iterator[bytes]:
    """Somebody and their deletion, long enough ago."""
    at = int(time.time()) - 3600
    for offset, kind in enumerate(("event", "delete")):
        yield (
            b'{"_log":"l","_partition":0,"_at":%d000,"_offset":%d,"id":"%d","workspace":"w","kind":"%b","subject":"id:1",'
            b'"timestamp":%d,"received_at":%d,"context":{}}' % (at, offset, offset, kind.encode(), at, at)
        )
