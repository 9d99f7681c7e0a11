"""What each table and view costs: the same block into all of them, into none, and into one at a time.

Rounds are interleaved, each in a database of its own, without merges; the last line is all of them with the merges that
follow. Of a message in µs of ClickHouse's CPU. A quiet machine shows the least; what a view costs is the difference of
the medians to a block that no view takes. Run by `python -m tests.bench.tables [MESSAGES] [ROUNDS]`.
"""

import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from clickhouse_connect.driver.client import Client

from deploy.clickhouse import EmbeddedClickHouse, free_port, running
from schemas.messages import encode, key
from tests.bench._figures import cpu_of, spread
from tests.bench._messages import message
from tests.tables import FakeRecord
from workers.batch import Clocks, splice
from workers.clickhouse import connect
from workers.migrate import migrate
from workers.sink import INSERT_SETTINGS

MESSAGES, ROUNDS = 60_000, 7
EVERYTHING, NOTHING = "every table and view", "no view"
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
    used = cpu_of(server.process.pid)
    client.raw_insert("messages", insert_block=rows, fmt="JSONEachRow", settings=INSERT_SETTINGS)
    return (cpu_of(server.process.pid) - used) / count * 1e6


def merged(server: EmbeddedClickHouse, client: Client, messages: int) -> float:
    """What the merges cost that were held back, a message."""
    used, idle = cpu_of(server.process.pid), 0
    client.command("SYSTEM START MERGES")
    while idle < 20:
        idle = 0 if client.query(MERGING).result_rows[0][0] else idle + 1
        time.sleep(0.05)
    return (cpu_of(server.process.pid) - used) / messages * 1e6


def main(count: int = MESSAGES, rounds: int = ROUNDS) -> None:
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
    print(f"{rounds} blocks of {count:,} messages; µs of ClickHouse's CPU a message: min median max, and above no view")
    for name, costs in found.items():
        above = statistics.median(costs) - statistics.median(found[NOTHING])
        print(f"{name:24} {spread(costs)}   {above:+.2f}")
    print(f"{'merges of all that':24} {merges:13.2f}")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    main(*map(int, sys.argv[1:]))
