"""An embedded log and a database of one's own: what an audit or a trace may look at as a whole."""

import asyncio
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from ingest.log.sqlite import SqliteLog
from schemas.messages import Context, Message
from schemas.settings import Settings
from workers.clickhouse import connect
from workers.dead_letters import Allowance
from workers.gathering import Limits
from workers.log.places import log_state
from workers.log.sqlite import SqliteReader
from workers.loop import Pump
from workers.metrics import WorkerMetrics
from workers.migrate import migrate, statements
from workers.sink import Sink

TRACK = Context(endpoint="track")
Views = set[tuple[str, str]]  # the name of each, and the statement that it was made by
VIEW = re.compile(r"^CREATE OR REPLACE VIEW (?P<view>\w+)", re.MULTILINE)


@dataclass
class Embedded:
    """`settings` are those of a worker; `client` writes."""

    settings: Settings
    client: Client
    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)

    def append(self, *messages: Message) -> None:
        """As an edge does."""

        async def write() -> None:
            async with SqliteLog(self.settings.data / "log.db") as log:
                await log.append(messages)

        asyncio.run(write())

    async def pump(self, stop: asyncio.Event | None = None) -> None:
        """The worker's own pump, until it has taken all or is told to stop."""
        given = stop or asyncio.Event()
        async with SqliteReader(self.settings.data / "log.db", self.settings.data / "positions.db") as reader:
            with Sink(self.settings.clickhouse) as sink:
                pump = Pump(reader, sink, Limits(interval=0.02), Allowance(1.0), self.metrics)
                running = asyncio.create_task(pump.run(given))
                if stop is None:
                    while not running.done() and (await log_state(self.settings)).lag[0]:  # noqa: ASYNC110  a file's
                        await asyncio.sleep(0.02)
                    given.set()
                await running

    def land(self, *messages: Message) -> None:
        """Append them and pump."""
        self.append(*messages)
        asyncio.run(self.pump())

    def command(self, sql: str) -> None:
        """At once, also if it is a mutation."""
        self.client.command(sql, settings={"mutations_sync": 1, "lightweight_deletes_sync": 1})


@contextmanager
def own_database(url: str) -> Iterator[str]:
    """The address of a new database of the server at `url`, with every table, which is dropped in the end."""
    name = f"penstock_{uuid.uuid4().hex[:12]}"
    administrator = connect(url)
    administrator.command(f"CREATE DATABASE {name}")
    own = url.removesuffix("/penstock") + f"/{name}"
    migrate(own)
    try:
        yield own
    finally:
        administrator.command(f"DROP DATABASE {name}")
        administrator.close()


def empty(client: Client) -> None:
    """Every table of its database that has rows, but for what says which migrations there were."""
    tables = client.query(
        "SELECT DISTINCT table FROM system.parts"
        " WHERE database = currentDatabase() AND active AND table != 'migrations'"
    )
    for (table,) in tables.result_rows:
        client.command(f"TRUNCATE TABLE {table}")


@pytest.fixture(scope="session")
def database(url: str) -> Iterator[str]:
    """The address of one beside the tests' own, for those that look at all of it. Who takes it empties it."""
    with own_database(url) as own:
        yield own


@pytest.fixture(scope="session")
def _made(database: str) -> Views:
    """Its views, as they have to be."""
    client = connect(database)
    views = _views(client)
    client.close()
    return views


@pytest.fixture
def place(tmp_path: Path, database: str, _made: Views) -> Iterator[Embedded]:
    """A log in a folder, and a database in which every table is empty. Views that a test replaced are made again behind
    it: to make all of them before each test would take longer than most of the tests."""
    client = connect(database)
    empty(client)
    yield Embedded(Settings(data=tmp_path, clickhouse=database), client)
    if replaced := {name for name, _ in _made - _views(client)}:
        for statement in statements().values():
            if (made := VIEW.search(statement)) and made["view"] in replaced:
                client.command(statement)
        assert _views(client) == _made
    client.close()


def _views(client: Client) -> Views:
    sql = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    return {(name, made) for name, made in client.query(sql).result_rows}


def made(number: int, kind: Any = "event", subject: str = "id:1", **fields: Any) -> Message:
    """The message of that number, sent now; a number is an id."""
    now = time.time()
    base: dict[str, Any] = {"workspace": "site", "name": "e" if kind == "event" else "", "context": TRACK}
    return Message(
        id=f"00000000-0000-4000-8000-{number:012}",
        kind=kind,
        subject=subject,
        **{"received_at": now, "timestamp": now, **base, **fields},
    )
