"""The embedded ClickHouse: who gets in, what they may do, and how it starts and ends."""

import http.client
import importlib.metadata
import os
import signal
import socket
import stat
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy import clickhouse, landlock
from deploy.children import stop_child
from deploy.clickhouse import ClickHouseFailed, EmbeddedClickHouse, running, start
from schemas.settings import BadSettings
from tests.ports import free_port

NEW_VERSION = """
chdb-core {version}: the embedded server no longer comes up the way deploy/clickhouse_server.py opens it.
Nobody documents that way, so a new version may change it. What it said: {said}
Go back to the version before in pyproject.toml, or find the new way: `_chdb.query` of _chdb.abi3.so runs
clickhouse-local, which reads config.xml in the working directory and knows SYSTEM START LISTEN.
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedClickHouse]:
    try:
        with running(tmp_path_factory.mktemp("server"), port=free_port()) as server:
            yield server
    except ClickHouseFailed as error:
        pytest.fail(NEW_VERSION.format(version=importlib.metadata.version("chdb-core"), said=error))


def ask(url: str, sql: str) -> str:
    """The answer, or the error with its code."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    keys = b64encode(f"{parts.username}:{parts.password or ''}".encode()).decode()
    connection.request("POST", f"/?database={parts.path[1:]}", sql, {"Authorization": f"Basic {keys}"})
    answer = connection.getresponse().read().decode().strip()
    connection.close()
    return answer


def test_new_chdb_version_still_has_the_way_in(server: EmbeddedClickHouse) -> None:
    """When this fails, read its message: the pinned chdb-core was moved."""
    said = ask(server.address.reader_url, "SELECT 40 + 2")

    assert said == "42", NEW_VERSION.format(version=importlib.metadata.version("chdb-core"), said=said)


def test_writer_makes_tables_and_reader_reads_them(server: EmbeddedClickHouse) -> None:
    """Tables, mutations and partitions for one, SELECT for the other."""
    writer = server.address.writer_url
    for statement in (
        "CREATE TABLE things (id UInt64, name String DEFAULT '') ENGINE = MergeTree ORDER BY id",
        "CREATE VIEW names AS SELECT name FROM things",
        "INSERT INTO things (id) SELECT number FROM numbers(100)",
        "ALTER TABLE things UPDATE name = 'x' WHERE id < 10 SETTINGS mutations_sync = 2",
        "DELETE FROM things WHERE id >= 50",
        "CREATE TABLE others AS things",
        "ALTER TABLE others ATTACH PARTITION tuple() FROM things",
        "OPTIMIZE TABLE things FINAL",
    ):
        assert ask(writer, statement) == ""

    assert ask(server.address.reader_url, "SELECT count(), countIf(name = 'x') FROM others") == "50\t10"
    assert ask(server.address.reader_url, "SELECT countIf(name = 'x') FROM names") == "10"


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE mine (id UInt64) ENGINE = Memory",
        "CREATE DATABASE penstock_mine",
        "DROP DATABASE penstock",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "INSERT INTO FUNCTION file('/tmp/penstock-test', 'LineAsString') SELECT 'x'",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', 'system.one')",
        "SELECT * FROM executable('x', 'TSV', 'a Int8')",
        "SELECT * FROM system.users",
        "SELECT * FROM system.processes",
        "SYSTEM START LISTEN TCP",
        "SYSTEM SHUTDOWN",
        "SET max_memory_usage_for_user = 0",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT 1 SETTINGS readonly = 0",
    ],
)
def test_reader_is_kept_to_reading_penstock(server: EmbeddedClickHouse, sql: str) -> None:
    """Refused for lack of rights (497), as a change of a limit (452) or of readonly (164)."""
    said = ask(server.address.reader_url, sql)

    assert said.startswith(("Code: 497.", "Code: 452.", "Code: 164.")), said


@pytest.mark.skipif(not landlock.available(), reason="the kernel has no Landlock")
def test_sql_function_file_sees_no_file_of_the_machine(server: EmbeddedClickHouse, tmp_path: Path) -> None:
    """No password, no key, no other process: a local ClickHouse would let anybody read them."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for path in (secret, Path("/etc/passwd"), Path(f"/proc/{os.getpid()}/environ")):
        assert "CANNOT_OPEN_FILE" in ask(server.address.reader_url, f"SELECT file('{path}')")
    assert "PASS" not in ask(server.address.reader_url, "SELECT file('/proc/self/environ')")


@pytest.mark.parametrize("user", ["default", ""])
def test_user_of_the_inner_session_is_locked_out(server: EmbeddedClickHouse, user: str) -> None:
    """`default` can have no password, so its one session is taken for good."""
    said = ask(f"http://{user}@127.0.0.1:{server.address.port}/", "SELECT 1")

    assert said.startswith("Code: 700."), said


def test_wrong_password_is_refused(server: EmbeddedClickHouse) -> None:
    """Both users have one."""
    for user in ("penstock", "reader"):
        assert "AUTHENTICATION_FAILED" in ask(f"http://{user}:x@127.0.0.1:{server.address.port}/", "SELECT 1")


def test_folder_is_private_and_passwords_are_kept(tmp_path: Path) -> None:
    """Mode 0700 and 0600; a second start has the same passwords and the rows."""
    folder = tmp_path / "clickhouse"
    with running(folder, port=free_port()) as first:
        ask(first.address.writer_url, "CREATE TABLE t (id UInt8) ENGINE = MergeTree ORDER BY id")
        ask(first.address.writer_url, "INSERT INTO t VALUES (1)")
    with running(folder, port=free_port()) as second:
        assert second.address.passwords == first.address.passwords
        assert ask(second.address.reader_url, "SELECT id FROM t") == "1"

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secrets = [folder / "passwords.json", folder / "config" / "users.xml", folder / "config" / "config.xml"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}


def test_kill_9_loses_no_row_and_the_next_start_works_at_once(tmp_path: Path) -> None:
    """On the same port, five times, right after an insert was confirmed."""
    port = free_port()
    for round_ in range(5):
        server = start(tmp_path, port=port)
        ask(server.address.writer_url, "CREATE TABLE IF NOT EXISTS t (id UInt8) ENGINE = MergeTree ORDER BY id")
        assert ask(server.address.reader_url, "SELECT count() FROM t") == str(round_)
        assert ask(server.address.writer_url, f"INSERT INTO t VALUES ({round_})") == ""
        server.process.kill()
        stop_child(server.process, within=60)


def test_end_of_stdin_stops_it(tmp_path: Path) -> None:
    """That is how it learns that its parent is gone."""
    server = start(tmp_path, port=free_port())
    assert server.process.stdin
    server.process.stdin.close()

    assert server.process.wait(60) == 0


def test_sigterm_stops_it_and_sigint_does_not(tmp_path: Path) -> None:
    """Ctrl-C is for the parent to judge."""
    server = start(tmp_path, port=free_port())
    server.process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        server.process.wait(0.3)

    assert stop_child(server.process, within=60) == 0


def test_running_query_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    """A person's endless query ends with the server."""
    server = start(tmp_path, port=free_port())
    parts = urlsplit(server.address.reader_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    headers = {"X-ClickHouse-User": "reader", "X-ClickHouse-Key": parts.password or ""}
    connection.request("POST", "/", "SELECT count() FROM numbers(1e14)", headers)
    time.sleep(0.2)

    assert stop_child(server.process, within=60) == 0
    connection.close()


def test_taken_port_picks_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several instances live on one machine."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(clickhouse, "PORT", taken.getsockname()[1])
        with running(tmp_path) as server:
            assert server.address.port != clickhouse.PORT
            assert ask(server.address.reader_url, "SELECT 1") == "1"


def test_taken_port_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    """Code 210, and ClickHouse's own words."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ClickHouseFailed) as failed:
        start(tmp_path, port=taken.getsockname()[1])

    assert failed.value.code == clickhouse.PORT_TAKEN


def test_taken_tcp_port_is_named(tmp_path: Path) -> None:
    """Else the server would begin, and end without a word."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ClickHouseFailed, match=f"PENSTOCK_CLICKHOUSE_TCP_PORT={port}"):
            start(tmp_path, port=free_port(), tcp_port=port)


def test_taken_folder_is_an_error(tmp_path: Path) -> None:
    """Two servers on one folder would destroy it."""
    with running(tmp_path, port=free_port()), pytest.raises(ClickHouseFailed, match="Another process has"):
        start(tmp_path, port=free_port())


def test_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """ClickHouse itself ends without a word; passwords that are damaged may be made anew."""
    (tmp_path / "file").touch()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "passwords.json").write_text("{")

    for name, named in (("back\\slash", "backslash"), ("\udcff", "UTF-8"), ("file/data", "file/data: Not a directory")):
        with pytest.raises(ClickHouseFailed, match=named):
            start(tmp_path / name)
    with pytest.raises(BadSettings, match=r"passwords.json is damaged .* remove it"):
        start(tmp_path / "damaged")


def test_tcp_port_opens_when_asked_for(tmp_path: Path) -> None:
    """For ClickHouse's native clients."""
    tcp_port = free_port()
    server = start(tmp_path, port=free_port(), tcp_port=tcp_port)
    try:
        socket.create_connection(("127.0.0.1", tcp_port), 5).close()
    finally:
        stop_child(server.process, within=10)
