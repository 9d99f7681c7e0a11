"""`penstock edge --processes`: several on one port, as real processes."""

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from ingest.keys.uses import FOLDER
from ingest.log.shares import check_shares, share
from schemas.settings import BadSettings
from tests.load import answer
from tests.ports import free_port
from tests.running import CREDENTIALS, answers, penstock
from tests.serving import request, until

CONNECTIONS = 400


class Edges:
    """Two of them."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.folder, self.output, self.port, self.metrics = folder, output, free_port(), free_port(2)
        self.settings = CREDENTIALS | {
            "PENSTOCK_DATA": str(folder),
            "PENSTOCK_PORT": str(self.port),
            "PENSTOCK_METRICS_PORT": str(self.metrics),
            "PENSTOCK_APPEND_TIMEOUT": "20",
        }
        with output.open("wb") as file:
            self.process = penstock("edge", "--processes", "2", settings=self.settings, output=file)

    def children(self) -> list[int]:
        listed = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True)
        return sorted(map(int, listed.stdout.split()))

    def metric(self, number: int, name: str) -> int:
        with closing(HTTPConnection("127.0.0.1", self.metrics + number, timeout=30)) as connection:
            connection.request("GET", "/metrics")
            shown = connection.getresponse().read().decode()
        return int(float(re.findall(rf"^penstock_edge_{name} (\S+)$", shown, re.MULTILINE)[0]))

    def in_flight(self) -> int:
        """Bytes of bodies of both."""
        return sum(self.metric(number, "bytes_in_flight") for number in (0, 1))

    def ready(self) -> None:
        for number in (0, 1):
            answers(self.metrics + number, "/metrics")
        answers(self.port)

    def records(self) -> int:
        with closing(sqlite3.connect(self.folder / "log.db")) as connection:
            count: int = connection.execute("SELECT count(*) FROM records").fetchone()[0]
            return count


@pytest.fixture
def edges(tmp_path: Path) -> Iterator[Edges]:
    edges = Edges(tmp_path, tmp_path / "output")
    try:
        edges.ready()
        yield edges
    finally:
        edges.process.kill()  # its children end with it
        edges.process.wait()


async def _tell(port: int, opened: asyncio.Event, close: asyncio.Event) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request())
    status = await answer(reader)
    opened.set()
    await close.wait()
    writer.close()
    return status


def test_connections_are_split_and_all_are_answered(edges: Edges) -> None:
    """Between two fifths and three fifths each."""

    async def all_of_them() -> tuple[list[int], list[int]]:
        close, opened = asyncio.Event(), [asyncio.Event() for _ in range(CONNECTIONS)]
        telling = [asyncio.create_task(_tell(edges.port, one, close)) for one in opened]
        for one in opened:
            await one.wait()
        split = [await asyncio.to_thread(edges.metric, number, "connections") for number in (0, 1)]
        close.set()
        return split, await asyncio.gather(*telling)

    split, statuses = asyncio.run(all_of_them())

    assert statuses == [200] * CONNECTIONS
    assert sum(split) == CONNECTIONS
    assert 0.4 * CONNECTIONS <= split[0] <= 0.6 * CONNECTIONS
    assert edges.records() == CONNECTIONS


def test_sigterm_ends_all_of_them_behind_their_answers(edges: Edges) -> None:
    """Each request that is under way is answered; exit 0, nobody is left, and each kept the last use of keys."""
    children = edges.children()

    async def all_of_them() -> list[int]:
        close = asyncio.Event()
        close.set()
        with closing(sqlite3.connect(edges.folder / "log.db", isolation_level=None)) as held:
            held.execute("BEGIN IMMEDIATE")
            telling = [asyncio.create_task(_tell(edges.port, asyncio.Event(), close)) for _ in range(100)]
            await asyncio.to_thread(until, lambda: edges.in_flight() == 100 * len(b'{"name":"x"}'))
            edges.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            held.execute("ROLLBACK")
        return await asyncio.gather(*telling)

    assert asyncio.run(all_of_them()) == [200] * 100
    assert edges.process.wait(60) == 0
    assert len(children) == 2
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert edges.records() == 100
    assert [file.stem[-2:] for file in sorted((edges.folder / FOLDER).iterdir())] == ["-1", "-2"]


def test_one_that_dies_is_started_again_and_that_is_said(edges: Edges) -> None:
    """The other one serves meanwhile."""
    first, second = edges.children()
    os.kill(first, signal.SIGKILL)
    until(lambda: len(edges.children()) == 2 and first not in edges.children())
    edges.ready()

    assert second in edges.children()
    assert b"was killed by signal 9" in edges.output.read_bytes()


def test_a_port_that_is_taken_is_not_shared_with_others(edges: Edges) -> None:
    """Nor with other edges that would share it among themselves."""
    for processes in ("1", "2"):
        second = penstock("edge", "--processes", processes, settings=edges.settings)
        assert second.wait(60) == 1


def test_settings_that_contradict_each_other_end_all(tmp_path: Path) -> None:
    """Exit code 2, as of one."""
    settings = CREDENTIALS | {"PENSTOCK_DATA": "/dev/null", "PENSTOCK_PORT": str(free_port())}
    assert penstock("edge", "--processes", "2", settings=settings).wait(60) == 2


def test_a_spool_of_a_process_that_is_no_more_is_not_forgotten(tmp_path: Path) -> None:
    """It is named, with what drains it; an empty one is nothing."""
    for number in (2, 3):
        share(tmp_path, number).mkdir()
        with closing(sqlite3.connect(share(tmp_path, number) / "spool.db", isolation_level=None)) as connection:
            connection.execute("CREATE TABLE records (offset INTEGER)")
            if number == 2:
                connection.execute("INSERT INTO records VALUES (1)")
    check_shares(tmp_path, 2)
    with pytest.raises(BadSettings, match=r"2 holds messages.*--processes 2"):
        check_shares(tmp_path, 1)
    assert share(tmp_path, 1) == tmp_path
