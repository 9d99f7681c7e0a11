"""`penstock up` as a newcomer meets it."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from customerio import CustomerIO

from tests.ports import free_port
from tests.running import CREDENTIALS, KEY, SITE, environment, eventually, penstock, query, ready, stop, up


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of one for tests that leave it as it is, but for one of them, which looks at all that is there."""
    with up(tmp_path_factory.mktemp("up") / "data") as settings:
        yield settings


def curl(port: str, path: str, *arguments: str) -> str:
    command = [
        "curl",
        "-s",
        "-i",
        f"http://127.0.0.1:{port}/api/v1/customers/{path}",
        "-u",
        f"{SITE}:{KEY}",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, check=True, timeout=20).stdout.decode()


def test_requests_of_the_original_page_become_rows(tmp_path: Path) -> None:
    """The four curl lines of 2013, host and keys changed: 200, and the rows are there."""
    with up(tmp_path / "data") as settings:
        port = settings["PENSTOCK_PORT"]
        lines = [
            curl(port, "5/events", "-d", "name=eventName"),
            curl(port, "5", "-X", "PUT", "-d", "email=customer@example.com", "-d", "name=Bob", "-d", "plan=premium"),
            curl(port, "6/events", "-d", "name=purchased", "-d", "data[price]=23.45"),
        ]
        assert all(line.startswith("HTTP/1.1 200 OK") and line.endswith("\n{}\n") for line in lines)

        events = "SELECT customer, name, data FROM events ORDER BY customer"
        expected: list[dict[str, Any]] = [
            {"customer": "5", "name": "eventName", "data": "{}"},
            {"customer": "6", "name": "purchased", "data": '{"price":"23.45"}'},
        ]
        eventually(events, settings, expected)
        customers = "SELECT customer, email, attributes['name'] AS name FROM customers WHERE customer = '5'"
        assert query(customers, settings) == [{"customer": "5", "email": "customer@example.com", "name": "Bob"}]

        assert curl(port, "5", "-X", "DELETE").startswith("HTTP/1.1 200 OK")
        eventually(events, settings, expected[1:])
        assert query("SELECT customer FROM customers", settings) == [{"customer": "6"}]


def test_data_outlives_ctrl_c_and_a_second_start(tmp_path: Path) -> None:
    """Ctrl-C ends cleanly with exit code 0; the next start has the rows."""
    with up(tmp_path / "data") as settings:
        curl(settings["PENSTOCK_PORT"], "1/events", "-d", "name=kept")

    process = penstock("up", settings=settings)
    try:
        ready(settings)
        eventually("SELECT name FROM events", settings, [{"name": "kept"}])
        assert stop(process, signal.SIGINT) == 0
    finally:
        process.kill()


def test_second_up_on_the_same_folder_is_refused(running: dict[str, str]) -> None:
    """It names the one that runs, and leaves it running."""
    second = penstock("up", settings=running)

    assert second.wait(60) != 0
    assert query("SELECT 1 AS one", running) == [{"one": 1}]


@pytest.mark.parametrize("command", ["up", "worker"])
def test_stop_is_heard_while_clickhouse_says_nothing(command: str, tmp_path: Path) -> None:
    """At its start, when it asks for the tables: who waits for an answer, which may take hours, ends at once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        address = f"http://user:password@127.0.0.1:{silent.getsockname()[1]}/penstock"
        own = {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_PORT": str(free_port()), "PENSTOCK_CLICKHOUSE": address}
        process = penstock(command, settings=CREDENTIALS | own)
        try:
            asking, _ = silent.accept()
            with asking:
                asking.recv(1)

                assert stop(process, timeout=40) == 0
        finally:
            process.kill()
            process.wait()


def test_official_python_client_works_unchanged(running: dict[str, str]) -> None:
    """identify, track, track_anonymous and delete of `customerio`, and their rows."""
    client = CustomerIO(SITE, KEY, use_connection_pooling=False)
    client.base_url = f"http://127.0.0.1:{running['PENSTOCK_PORT']}/api/v1"
    client.identify(id="a/b c+d@x", email="bob@example.com", age=42)
    client.track(customer_id="a/b c+d@x", name="bought", data={"price": 23.45})
    client.track_anonymous(anonymous_id="visitor", name="looked")
    client.identify(id="gone", plan="x")
    client.delete(customer_id="gone")

    eventually("SELECT toUInt32(count()) AS taken FROM journal", running, [{"taken": 5}])
    eventually(
        "SELECT customer, customer_kind, name, data FROM events ORDER BY name",
        running,
        [
            {"customer": "a/b c+d@x", "customer_kind": "id", "name": "bought", "data": '{"price": 23.45}'},
            {"customer": "visitor", "customer_kind": "anon", "name": "looked", "data": "{}"},
        ],
    )
    customers = "SELECT customer, email, attributes['age'] AS age FROM customers"
    eventually(customers, running, [{"customer": "a/b c+d@x", "email": "bob@example.com", "age": "42"}])


def test_query_prints_a_table(running: dict[str, str]) -> None:
    """Without a format the terminal shows a table; a wrong query is one clear line and exit code 1."""
    shown = penstock_query("SELECT 42 AS answer", running)
    wrong = penstock_query("SELECT nonsense FROM nowhere", running)
    forbidden = penstock_query("DROP TABLE packed_events", running)

    assert "answer" in shown.stdout
    assert "42" in shown.stdout
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "nowhere" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert forbidden.returncode == 1


def penstock_query(sql: str, settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.cli", "query", sql]
    return subprocess.run(command, env=environment(**settings), capture_output=True, text=True, timeout=60)
