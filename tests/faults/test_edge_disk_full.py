"""A full disk under the embedded log, seen by clients: 503 while it is full, and no restart when there is room."""

import base64
import json
import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.ports import free_port
from tests.running import CREDENTIALS, KEY, SITE, answers, penstock, stop

HEADERS = {"Authorization": "Basic " + base64.b64encode(f"{SITE}:{KEY}".encode()).decode()}
FULL = 2_000_000
ROOM_AGAIN = 1_000_000  # the number of an event

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits another process by prlimit")


@contextmanager
def running(folder: Path) -> Iterator[tuple[int, int]]:
    """An edge; its port and process id."""
    port = free_port()
    process = penstock("edge", settings=CREDENTIALS | {"PENSTOCK_DATA": str(folder), "PENSTOCK_PORT": str(port)})
    try:
        answers(port)
        yield port, process.pid
        assert stop(process) == 0
    finally:
        process.kill()
        process.wait()


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """As on a full disk, no file of that process can grow any more."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (FULL, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def send(connection: HTTPConnection, number: int) -> tuple[int, str | None, str]:
    """An event of 10 KB: status, Retry-After, content."""
    body = json.dumps({"name": str(number), "data": {"x": "x" * 10_000}})
    connection.request("POST", "/api/v1/customers/5/events", body, HEADERS)
    answer = connection.getresponse()
    return answer.status, answer.getheader("Retry-After"), answer.read().decode().strip()


def ask(connection: HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def stored(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "log.db")) as log:
        return [int(json.loads(value)["name"]) for (value,) in log.execute("SELECT value FROM records ORDER BY offset")]


def eventually(connection: HTTPConnection, path: str, status: int) -> None:
    until = monotonic() + 20
    while ask(connection, path) != status:
        assert monotonic() < until
        sleep(0.1)


def fill(connection: HTTPConnection, acknowledged: list[int]) -> list[tuple[int, str | None, str]]:
    """What is answered once nothing fits. One 503 is not yet that: the log opens its file anew, and finds some room."""
    refused: list[tuple[int, str | None, str]] = []
    for number in count():
        answer = send(connection, number)
        if answer[0] == 200:
            acknowledged.append(number)
            refused.clear()
        else:
            refused.append(answer)
            if len(refused) == 20:
                break
    return refused


def test_a_full_disk_is_a_503_until_there_is_room(tmp_path: Path) -> None:
    """What was acknowledged is stored, the process lives on, and whoever asks for `/ready` is told."""
    with running(tmp_path) as (port, pid), closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        acknowledged: list[int] = []
        with full_disk(pid):
            refused = fill(connection, acknowledged)
            assert set(refused) == {(503, "1", '{"meta":{"error":"the log could not be written"}}')}
            assert (ask(connection, "/live"), ask(connection, "/ready")) == (200, 503)

        assert send(connection, ROOM_AGAIN)[0] == 200
        eventually(connection, "/ready", 200)

    assert len(acknowledged) > 50
    on_log = stored(tmp_path)
    assert {*acknowledged, ROOM_AGAIN} <= set(on_log)
    assert len(on_log) == len(set(on_log))
