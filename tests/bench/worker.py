"""The worker from Kafka into every table and view, beside ClickHouse's own Kafka engine in front of the same tables.

Both read the same topic of a real broker into a database of their own, one after the other, in interleaved rounds; all
run on the cores there are. The clock runs from the first rows in `journal` to the last. CPU is counted by process, and
once more when ClickHouse has merged what came. Run by `python -m tests.bench.worker [MESSAGES] [ROUNDS]`.
"""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import structlog

from deploy.clickhouse import EmbeddedClickHouse, free_port, running
from deploy.kafka.broker import Broker
from tests.bench.measuring.processes import cpu, rss
from tests.bench.measuring.report import Row, about, kafka, kept
from tests.bench.measuring.topic import PARTITIONS, TOPIC, fill, forget
from tests.running import penstock, stop
from workers.clickhouse import connect
from workers.migrate import migrate

MESSAGES, ROUNDS = 1_000_000, 3
PENSTOCK = "penstock worker"
# As the worker splices it. What it leaves out has a default in `messages`, which this engine cannot have.
QUEUE = """
CREATE TABLE queue
(
    id String, client_id String, workspace String, kind String, subject String, name String, target String,
    links Array(String), relationships Array(Tuple(String, Array(Tuple(String, String)))), timestamp Float64,
    sent_timestamp String, filed_at Nullable(Float64), received_at Float64, spooled_at Float64,
    attributes Array(Tuple(String, String)), data String, fingerprint String, context String
)
ENGINE = Kafka
SETTINGS kafka_broker_list = '{bootstrap}', kafka_topic_list = '{topic}', kafka_group_name = '{group}',
    kafka_format = 'JSONEachRow', kafka_num_consumers = {consumers}, kafka_thread_per_consumer = 1,
    kafka_max_block_size = 200000, kafka_poll_max_batch_size = 65536, kafka_flush_interval_ms = 1000
"""
FROM_QUEUE = """
CREATE MATERIALIZED VIEW from_queue TO messages AS
SELECT '{topic}' AS _log, toUInt32(_partition) AS _partition, _offset,
    toUInt64(toUnixTimestamp64Milli(assumeNotNull(_timestamp_ms))) AS _at,
    id, client_id, workspace, kind, subject, name, target, links, relationships, timestamp, sent_timestamp,
    ifNull(filed_at, timestamp) AS filed_at, received_at, spooled_at, attributes, if(data = '', '{{}}', data) AS data,
    fingerprint, context
FROM queue
"""
LANDED = "SELECT count() FROM {name:Identifier}.journal"
PAUSE = 0.25  # s; each asking is work of ClickHouse's too
MERGING = "SELECT count() FROM system.merges WHERE database = {name:String}"


class Round(NamedTuple):
    """rate: messages a second. Of a message, in µs of CPU: the worker, ClickHouse, ClickHouse's merges after the last
    one, the broker. memory: MB, the worker's largest."""

    rate: float
    worker: float
    clickhouse: float
    merges: float
    broker: float
    memory: float


class Bench:
    """A broker with a topic full of messages, and a ClickHouse with a database for each round."""

    def __init__(self, server: EmbeddedClickHouse, broker: Broker, messages: int) -> None:
        self._server = server
        self._broker = broker
        self._messages = messages
        self._client = connect(server.address.writer_url)
        self._number = 0

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new one with every table and view."""
        self._number += 1
        name = f"penstock_{self._number}"
        self._client.command(f"CREATE DATABASE {name}")
        migrate(self.url(name))
        yield name
        self._client.command(f"DROP DATABASE {name} SYNC")

    def url(self, name: str) -> str:
        return f"{self._server.address.writer_url.rpartition('/')[0]}/{name}"

    def penstock(self) -> Round:
        asyncio.run(forget(self._broker.address))
        with self.database() as name:
            settings = {"PENSTOCK_KAFKA": self._broker.address, "PENSTOCK_CLICKHOUSE": self.url(name)}
            settings |= {"PENSTOCK_TOPIC": TOPIC, "PENSTOCK_PARTITIONS": str(PARTITIONS)}
            with tempfile.TemporaryFile() as output:
                process = penstock("worker", settings=settings, output=output)
                try:
                    return self._measured(name, process.pid)
                finally:
                    stop(process)

    def engine(self, consumers: int) -> Round:
        with self.database() as name:
            client = connect(self.url(name))
            names = {"bootstrap": self._broker.address, "topic": TOPIC, "group": name, "consumers": consumers}
            client.command(QUEUE.format(**names))
            client.command(FROM_QUEUE.format(**names))
            client.close()
            return self._measured(name)

    def _measured(self, name: str, worker: int = 0) -> Round:
        while not (first := self._landed(name)):
            time.sleep(0.01)
        if first == self._messages:
            raise SystemExit(f"All {first:,} messages landed with the first insert, so there is no rate: take more.")
        pids = [self._server.process.pid, self._broker.pid or 0, *([worker] if worker else [])]
        began, used, memory = time.perf_counter(), [cpu(pid) for pid in pids], 0.0
        while self._landed(name) < self._messages:
            memory = max(memory, rss(worker) if worker else 0)
            time.sleep(PAUSE)
        seconds, count = time.perf_counter() - began, self._messages - first
        clickhouse, broker, *own = [(cpu(pid) - before) / count * 1e6 for pid, before in zip(pids, used, strict=True)]
        return Round(count / seconds, sum(own), clickhouse, self._merged(name), broker, memory)

    def _landed(self, name: str) -> int:
        return int(self._client.query(LANDED, parameters={"name": name}).result_rows[0][0])

    def _merged(self, name: str) -> float:
        """What the merges cost that were left to do, a message."""
        used = cpu(self._server.process.pid)
        idle = 0
        while idle < 10:
            idle = 0 if self._client.query(MERGING, parameters={"name": name}).result_rows[0][0] else idle + 1
            time.sleep(0.05)
        return (cpu(self._server.process.pid) - used) / self._messages * 1e6


def rows(rounds: Mapping[str, Sequence[Round]]) -> list[Row]:
    """Rates first, then the worker's to the faster engine in the same round, costs, memory."""
    found: list[Row] = [(name, "messages/s", [one.rate for one in ones]) for name, ones in rounds.items()]
    ours, *peers = rounds.values()
    ratios = [one.rate / max(peer.rate for peer in others) for one, *others in zip(ours, *peers, strict=True)]
    found.append((f"{PENSTOCK} / the faster engine", "ratio", ratios))
    for part in ("worker", "clickhouse", "merges", "broker"):
        for name, ones in rounds.items():
            costs = [getattr(one, part) for one in ones]
            if any(costs):  # an engine has no worker
                found.append((f"{name}: {part}", "µs/message", costs))
    found.append((f"{PENSTOCK}, memory", "MB", [one.memory for one in ours]))
    return found


def main(messages: int = MESSAGES, rounds: int = ROUNDS) -> None:
    where = about(kafka=kafka(), load=f"{messages:,} messages in {PARTITIONS} partitions, {rounds} rounds")
    found: dict[str, list[Round]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        Broker(Path(folder) / "kafka") as broker,
        running(Path(folder) / "clickhouse", port=free_port(0)) as server,
    ):
        asyncio.run(fill(broker.address, messages))
        bench = Bench(server, broker, messages)
        for _ in range(rounds):
            found.setdefault(PENSTOCK, []).append(bench.penstock())
            for consumers in (1, 2):
                found.setdefault(f"Kafka engine, consumers: {consumers}", []).append(bench.engine(consumers))
    kept("worker", where, rows(found))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    main(*map(int, sys.argv[1:]))
