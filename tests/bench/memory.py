"""What a worker needs while it takes a backlog from Kafka: of small messages, and of large ones.

Of each fifth of the backlog the most that it had: flat if they are alike. Run by
`python -m tests.bench.memory [SMALL] [LARGE]`, how many there are of each; the more, the longer it takes.
"""

import asyncio
import logging
import sys
import tempfile
import time
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


def most(server: EmbeddedClickHouse, broker: Broker, count: int) -> list[float]:
    """MB, in each fifth of the backlog that was seen."""
    found = [0.0] * FIFTHS
    settings = {"PENSTOCK_KAFKA": broker.address, "PENSTOCK_CLICKHOUSE": server.address.writer_url}
    settings |= {"PENSTOCK_TOPIC": TOPIC, "PENSTOCK_PARTITIONS": str(PARTITIONS)}
    client = connect(server.address.writer_url)
    with tempfile.TemporaryFile() as output:
        process = penstock("worker", settings=settings, output=output)
        while (landed := int(client.query(LANDED).result_rows[0][0])) < count:
            fifth = landed * FIFTHS // count
            found[fifth] = max(found[fifth], rss(process.pid))
            time.sleep(0.1)
        stop(process)
    client.close()
    return [fifth for fifth in found if fifth]  # without one that a single insert went past


def main(small: int = SMALL, large: int = LARGE) -> None:
    rows: list[Row] = []
    where = about(kafka=kafka(), load="the most in each fifth of a backlog")
    for name, count, padding in (("small", small, 0), ("large", large, LARGE_BYTES)):
        with (
            tempfile.TemporaryDirectory() as folder,
            Broker(Path(folder) / "kafka") as broker,
            running(Path(folder) / "clickhouse", port=free_port(0)) as server,
        ):
            asyncio.run(fill(broker.address, count, padding=padding))
            rows.append((f"{count:,} {name} messages", "MB", most(server, broker, count)))
    kept("memory", where, rows)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    main(*map(int, sys.argv[1:]))
