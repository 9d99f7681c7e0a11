"""What a worker needs while it takes a backlog from Kafka, of small messages and large ones, and in minutes of load.

Of each fifth of the backlog, or of each minute, the most that it had: flat if they are alike. Run by
`python -m tests.bench.memory [SMALL] [LARGE] [MINUTES]`, how many there are of each; without MINUTES only the backlogs.
"""

import asyncio
import logging
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from deploy.clickhouse import EmbeddedClickHouse, free_port, running
from deploy.kafka.broker import Broker
from tests.bench.measuring.processes import rss
from tests.bench.measuring.report import Row, about, kafka, kept
from tests.bench.measuring.topic import PARTITIONS, TOPIC, fill
from tests.running import penstock, stop
from workers.clickhouse import connect

SMALL, LARGE = 1_000_000, 30_000
LARGE_BYTES = 20_000
LANDED = "SELECT sum(rows) FROM system.parts WHERE table = 'journal' AND active"
FIFTHS = 5


@contextmanager
def worker(server: EmbeddedClickHouse, broker: Broker) -> Iterator[int]:
    """Its process id."""
    settings = {"PENSTOCK_KAFKA": broker.address, "PENSTOCK_CLICKHOUSE": server.address.writer_url}
    settings |= {"PENSTOCK_TOPIC": TOPIC, "PENSTOCK_PARTITIONS": str(PARTITIONS)}
    with tempfile.TemporaryFile() as output:
        process = penstock("worker", settings=settings, output=output)
        yield process.pid
        stop(process)


def most(server: EmbeddedClickHouse, broker: Broker, count: int) -> list[float]:
    """MB, in each fifth of the backlog that was seen."""
    found = [0.0] * FIFTHS
    client = connect(server.address.writer_url)
    with worker(server, broker) as pid:
        while (landed := int(client.query(LANDED).result_rows[0][0])) < count:
            fifth = landed * FIFTHS // count
            found[fifth] = max(found[fifth], rss(pid))
            time.sleep(0.1)
    client.close()
    return [fifth for fifth in found if fifth]  # without one that a single insert went past


def minutely(server: EmbeddedClickHouse, broker: Broker, minutes: int) -> list[float]:
    """MB, in each minute, while as many small messages come as one process can write, until the last one."""
    found = [0.0] * minutes
    writing = multiprocessing.Process(target=endless, args=(broker.address,))
    writing.start()
    with worker(server, broker) as pid:
        began = time.monotonic()
        while (minute := int(time.monotonic() - began) // 60) < minutes:
            found[minute] = max(found[minute], rss(pid))
            time.sleep(0.1)
    writing.terminate()
    writing.join()
    return found


def endless(bootstrap: str) -> None:
    asyncio.run(fill(bootstrap, sys.maxsize))


@contextmanager
def machine() -> Iterator[tuple[EmbeddedClickHouse, Broker]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Broker(Path(folder) / "kafka") as broker,
        running(Path(folder) / "clickhouse", port=free_port(0)) as server,
    ):
        yield server, broker


def main(small: int = SMALL, large: int = LARGE, minutes: int = 0) -> None:
    rows: list[Row] = []
    where = about(kafka=kafka(), load="the most in each fifth of a backlog, and in each minute")
    for name, count, padding in (("small", small, 0), ("large", large, LARGE_BYTES)):
        with machine() as (server, broker):
            asyncio.run(fill(broker.address, count, padding=padding))
            rows.append((f"{count:,} {name} messages", "MB", most(server, broker, count)))
    if minutes:
        with machine() as (server, broker):
            rows.append((f"{minutes} minutes", "MB", minutely(server, broker, minutes)))
    kept("memory", where, rows)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    main(*map(int, sys.argv[1:]))
