"""The embedded ClickHouse killed with SIGKILL while inserts are under way, and started again where it was."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
import structlog.testing
from clickhouse_connect.driver.client import Client

from deploy import clickhouse
from deploy.children import stop_child
from ingest.log.sqlite import SqliteLog
from tests.landing import Load, eventually, lands
from tests.ports import free_port
from workers.clickhouse import Away, connect
from workers.gathering import Limits
from workers.log.sqlite import SqliteReader
from workers.loop import Pump
from workers.migrate import migrate
from workers.sink import Sink

MESSAGES = 15_000
KILLS = 5
MOST_KILLS = 25  # until one is seen to have come between two views: one in four does
ROWS = 5_000
AT = time.time_ns() // 1_000_000  # the journal drops what is a week old
EVENT = (
    b'{"_log":"killed","_partition":0,"_offset":%d,"_at":%d,"id":"%d","workspace":"killed","kind":"event",'
    b'"subject":"id:1","name":"e","timestamp":1790000000,"received_at":1790000000,"context":{}}\n'
)
T = TypeVar("T")
# Large batches: nearly always one is on its way through the views. Most of them are streamed.
LIMITS = Limits(rows=1_500, size=200_000, careful=1, interval=0.01, backoff=0.02, longest_backoff=0.2)

pytestmark = pytest.mark.slow


class Server:
    """A server in a folder of its own, which may be killed and comes back on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = clickhouse.start(folder, port=free_port())

    @property
    def url(self) -> str:
        return self._server.address.writer_url

    def kill_and_start(self) -> None:
        self._server.process.kill()
        self.stop()
        self._server = clickhouse.start(self._folder, port=self._server.address.port)

    def stop(self) -> None:
        stop_child(self._server.process, within=20)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "clickhouse")
    yield server
    server.stop()


# More views, which take their time: whatever order ClickHouse takes them in, a kill meanwhile finds some done.
SLOW = ("slow_0", "slow_1", "slow_2")
MADE = [
    statement.format(name=name)
    for name in SLOW
    for statement in (
        "CREATE TABLE {name} (id String, slept UInt8) ENGINE = ReplacingMergeTree ORDER BY id",
        "CREATE MATERIALIZED VIEW to_{name} TO {name} AS SELECT id, sleep(0.5) AS slept FROM messages",
    )
]


def landed(client: Client) -> list[int]:
    """How many events are in each of the tables that all of them go through."""
    tables = ("journal", "packed_events", *SLOW)
    return [client.query(f"SELECT uniqExact(id) FROM {table}").result_rows[0][0] for table in tables]


def until_between(client: Client, insert: Future[None], rng: random.Random) -> None:
    """Return while some tables have the rows and others not, if that is seen, or when the insert is done."""
    while not insert.done() and len(set(landed(client))) == 1:
        time.sleep(rng.uniform(0.0, 0.05))


async def test_clickhouse_killed_in_mid_insert_loses_and_doubles_nothing(server: Server, tmp_path: Path) -> None:
    """Five times, at odd moments: the worker goes on by itself, and every message is there once."""
    seed = time.time_ns() % 1_000_000
    rng, load, stop = random.Random(seed), Load(), asyncio.Event()
    await asyncio.to_thread(migrate, server.url)
    path = tmp_path / "log.db"
    with structlog.testing.capture_logs() as logs, Sink(server.url) as sink:
        async with SqliteLog(path, append_timeout=10) as log, SqliteReader(path, tmp_path / "positions.db") as reader:
            await load.put(log, load.messages(MESSAGES, refused=2))
            pump = asyncio.create_task(Pump(reader, sink, LIMITS).run(stop))
            for _ in range(KILLS):
                await asyncio.sleep(rng.uniform(0.05, 0.5))
                await asyncio.to_thread(server.kill_and_start)
            client = connect(server.url)
            await lands(load, client, 120)
            stop.set()
            await pump
    away = sum(line["event"].startswith("ClickHouse is away") for line in logs)
    print(f"seed {seed}: {away} tries met no server")
    client.close()

    assert away > 0


def test_repeat_of_an_insert_killed_between_two_views_mends_it(server: Server) -> None:
    """A kill can leave some views with the rows and others without. The same insert again fills the rest, and doubles
    nothing of what was there."""
    seed = time.time_ns() % 1_000_000
    rng, halfway, batch = random.Random(seed), 0, 0
    migrate(server.url)
    asked(server.url, lambda client: [client.command(statement) for statement in MADE])
    with Sink(server.url) as sink, ThreadPoolExecutor(1) as thread:
        while not halfway and batch < MOST_KILLS:
            block = b"".join(EVENT % (batch * ROWS + row, AT, batch * ROWS + row) for row in range(ROWS))
            insert = thread.submit(sink.insert, block)
            asked(server.url, partial(until_between, insert=insert, rng=rng))
            server.kill_and_start()
            with suppress(Away):
                insert.result()
            halfway += len(set(there := asked(server.url, landed))) > 1
            assert {count - batch * ROWS for count in there} <= {0, ROWS}, "a part of a batch"
            sink.insert(block)
            batch += 1
            assert set(asked(server.url, landed)) == {batch * ROWS}
    print(f"seed {seed}: {halfway} of {batch} kills left a batch in some tables and not in others")
    assert halfway > 0

    rows = "SELECT count(), uniqExact(id) FROM events WHERE workspace = 'killed'"
    assert asked(server.url, lambda client: client.query(rows).result_rows) == [(ROWS * batch, ROWS * batch)]


def asked(url: str, question: Callable[[Client], T]) -> T:
    client = connect(url)
    try:
        return question(client)
    finally:
        client.close()


async def test_worker_started_before_clickhouse_waits_for_it(server: Server, tmp_path: Path) -> None:
    """An insert that meets a server that is still starting is tried again, however long that takes."""
    load, stop, path = Load(), asyncio.Event(), tmp_path / "log.db"
    await asyncio.to_thread(migrate, server.url)
    server.stop()
    with Sink(server.url) as sink:
        async with SqliteLog(path, append_timeout=10) as log, SqliteReader(path, tmp_path / "positions.db") as reader:
            await load.put(log, load.messages(200))
            with structlog.testing.capture_logs() as logs:
                pump = asyncio.create_task(Pump(reader, sink, LIMITS).run(stop))
                await eventually(lambda: len(logs) > 6, True)
            await asyncio.to_thread(server.kill_and_start)
            client = connect(server.url)
            await lands(load, client)
            stop.set()
            await pump
    client.close()

    assert {line["event"] for line in logs} == {"ClickHouse is away, trying again"}
