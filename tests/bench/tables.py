"""What each table and view costs: the same block into all of them, into none, and into one at a time.

Rounds are interleaved, each in a database of its own, without merges; the last line is the merges of all of them. Of a
message in µs of ClickHouse's CPU. A quiet machine shows the least; what a view costs is what it takes above a block of
no view. Run by `python -m tests.bench.tables [MESSAGES] [ROUNDS]`.
"""

import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from clickhouse_connect.driver.client import Client

from deploy.clickhouse import EmbeddedClickHouse, free_port, running
from schemas.messages import encode, key
from tests.bench.measuring.messages import message
from tests.bench.measuring.processes import cpu
from tests.bench.measuring.report import Row, about, kept
from tests.tables import FakeRecord
from workers.batch import Clocks, splice
from workers.clickhouse import connect
from workers.migrate import migrate
from workers.sink import INSERT_SETTINGS

MESSAGES, ROUNDS = 60_000, 7
EVERYTHING, NOTHING, MERGES = "every table and view", "no view", "merges of all that"
UNIT = "µs/message"
VIEWS = (
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND create_table_query LIKE '% FROM %messages%'"
)
MATERIALIZED = f"{VIEWS} AND engine = 'MaterializedView' ORDER BY name"
MERGING = "SELECT count() FROM system.merges"


def block(number: int, count: int) -> bytes:
    """Of messages that no other block has, which just came."""
    rng, now = random.Random(number), time.time()
    records = []
    for place in range(count):
        one = message(place, rng, now)
        records.append(FakeRecord(number * count + place, int(now * 1000) + place // 100, key(one), encode(one)))
    return b"".join(splice("bench", {0: records}, Clocks(lambda *_: 0)).rows)


@contextmanager
def databases(server: EmbeddedClickHouse) -> Iterator[dict[str, Client]]:
    """By what is left of the views in it."""
    clients: dict[str, Client] = {}
    base = server.address.writer_url.rpartition("/")[0]
    first = connect(server.address.writer_url)
    migrate(server.address.writer_url)
    views = [name for (name,) in first.query(VIEWS).result_rows]
    for number, name in enumerate([EVERYTHING, NOTHING, *views]):
        database = f"penstock_{number}"
        first.command(f"CREATE DATABASE {database}")
        migrate(f"{base}/{database}")
        client = clients[name] = connect(f"{base}/{database}")
        for view in views:
            if name not in (EVERYTHING, view):
                client.command(f"DROP VIEW {view}")
    yield clients
    for client in (first, *clients.values()):
        client.close()


def cost(server: EmbeddedClickHouse, client: Client, rows: bytes, count: int) -> float:
    used = cpu(server.process.pid)
    client.raw_insert("messages", insert_block=rows, fmt="JSONEachRow", settings=INSERT_SETTINGS)
    return (cpu(server.process.pid) - used) / count * 1e6


def merged(server: EmbeddedClickHouse, client: Client, messages: int) -> float:
    """What the merges cost that were held back, a message."""
    used, idle = cpu(server.process.pid), 0
    client.command("SYSTEM START MERGES")
    while idle < 20:
        idle = 0 if client.query(MERGING).result_rows[0][0] else idle + 1
        time.sleep(0.05)
    return (cpu(server.process.pid) - used) / messages * 1e6


def compared(found: Mapping[str, Sequence[float]]) -> list[Row]:
    """What each costs, then how much more than the same block that no view takes."""
    costs: list[Row] = [(name, UNIT, values) for name, values in found.items()]
    for name, values in found.items():
        if name != NOTHING:
            above = [one - least for one, least in zip(values, found[NOTHING], strict=True)]
            costs.append((name, f"{UNIT} above no view", above))
    return costs


def main(count: int = MESSAGES, rounds: int = ROUNDS) -> None:
    where = about(load=f"{rounds} blocks of {count:,} messages")
    found: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), port=free_port(0)) as server,
        databases(server) as clients,
    ):
        clients[EVERYTHING].command("SYSTEM STOP MERGES")
        for number in range(rounds):
            rows = block(number, count)
            for name, client in clients.items():
                found.setdefault(name, []).append(cost(server, client, rows, count))
        for name, client in clients.items():
            if name != EVERYTHING:
                client.command(f"DROP DATABASE {client.database} SYNC")
        merges = merged(server, clients[EVERYTHING], count * rounds)
    kept("tables", where, [*compared(found), (MERGES, UNIT, [merges])])


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    main(*map(int, sys.argv[1:]))
