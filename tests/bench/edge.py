"""`python -m tests.bench.edge [ROUNDS]`: what an acknowledged request costs at the edge, beside a thin edge in Go.

A real Kafka broker, acks=all, idempotent. Each edge has the first core, broker and wrk have the second. Rounds are
interleaved, so that a noisy machine disturbs all alike; what counts are ratios within a round. Needs wrk and, for the
peer, `make bench-peers`.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from deploy.kafka.broker import Broker
from tests.bench.measuring import wrk
from tests.bench.measuring.processes import PEERS, children, cpu, rss, running
from tests.bench.measuring.report import Row, about, kafka, kept, said
from tests.ports import free_port
from tests.running import CREDENTIALS

ROUNDS, SECONDS, CONNECTIONS = 5, 2, 64
BATCH_CONNECTIONS = 16  # with fewer they wait for each other
PENSTOCK, COLD, TWO = "penstock", "penstock through Starlette", "penstock, two processes"
GO, THIN = "go", "go, body as it came"


class Round(NamedTuple):
    """µs of CPU an event, events a second, ms."""

    cost: float
    rate: float
    p50: float
    p99: float


class Edge(NamedTuple):
    port: int
    pids: list[int]


@contextmanager
def penstock(broker: str, folder: Path, *, hot: bool = True, processes: int = 1) -> Iterator[Edge]:
    port = free_port()
    settings = CREDENTIALS | {
        "PENSTOCK_KAFKA": broker,
        "PENSTOCK_TOPIC": "bench-1",
        "PENSTOCK_PORT": str(port),
        "PENSTOCK_DATA": str(folder),
        "PENSTOCK_HOT_WAY": str(hot).lower(),
    }
    command = [sys.executable, "-m", "deploy.cli", "edge", "--processes", str(processes)]
    with running(command, settings, port) as pid:
        yield Edge(port, children(pid) if processes > 1 else [pid])


@contextmanager
def go(broker: str, *, thin: bool = False) -> Iterator[Edge]:
    """thin: it does not even look at the body."""
    port = free_port()
    settings = {"KAFKA": broker, "TOPIC": "bench-1", "PORT": str(port), "THIN": "1" if thin else ""}
    with running([str(PEERS / "edge")], settings, port) as pid:
        yield Edge(port, [pid])


def measured(edge: Edge, asked: wrk.Asked, connections: int, *, unlike: bool = False) -> Round:
    used = cpu(*edge.pids)
    done = wrk.load(asked, edge.port, SECONDS, connections, unlike=unlike)
    return Round((cpu(*edge.pids) - used) / done.events * 1e6, done.events / done.seconds, done.p50, done.p99)


def at_half_load(edge: Edge, asked: wrk.Asked, rate: float) -> Round:
    """Many connections that rest between their requests, so that half as many come as it could take."""
    connections = 4 * CONNECTIONS
    used = cpu(*edge.pids)
    # Each rests half as long on average.
    done = wrk.load(asked, edge.port, SECONDS, connections, pause=int(2 * connections / rate * 1000))
    return Round((cpu(*edge.pids) - used) / done.events * 1e6, done.events / done.seconds, done.p50, done.p99)


Rounds = Mapping[tuple[str, str], list[Round]]


def rows(rounds: Rounds, peer: str) -> list[Row]:
    """Costs first, then ratios to the peer in the same round, rates, latencies."""
    found: list[Row] = [
        (f"{edge}, {way}", "µs/event", [one.cost for one in ones]) for (edge, way), ones in rounds.items()
    ]
    for (edge, way), ones in rounds.items():
        others = rounds.get((peer, way))
        if others is not None and edge != peer:
            ratios = [mine.cost / other.cost for mine, other in zip(ones, others, strict=True)]
            found.append((f"{edge} / {peer}, {way}", "ratio", ratios))
    for (edge, way), ones in rounds.items():
        found.append((f"{edge}, {way}", "events/s", [one.rate for one in ones]))
    for (edge, way), ones in rounds.items():
        if "batch" not in way:
            found.append((f"{edge}, {way}, p50", "ms", [one.p50 for one in ones]))
            found.append((f"{edge}, {way}, p99", "ms", [one.p99 for one in ones]))
    return found


def main(count: int) -> None:
    if not wrk.installed():
        sys.exit("wrk is missing: apt-get install wrk")
    rounds: dict[tuple[str, str], list[Round]] = {}
    memory: list[Row] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(Broker(folder / "kafka")).address
        edges = {
            PENSTOCK: stack.enter_context(penstock(broker, folder / uuid4().hex)),
            COLD: stack.enter_context(penstock(broker, folder / uuid4().hex, hot=False)),
            TWO: stack.enter_context(penstock(broker, folder / uuid4().hex, processes=2)),
        }
        if (PEERS / "edge").exists():
            edges |= {GO: stack.enter_context(go(broker)), THIN: stack.enter_context(go(broker, thin=True))}
        else:
            print("without the peer: make bench-peers builds it")
        where = about(kafka=kafka(), go=said("go", "version"), wrk=wrk.version())
        for turn in range(count + 1):
            for way, asked in wrk.WAYS.items():
                for name, edge in edges.items():
                    if name in (COLD, TWO) and way != "v1":
                        continue
                    connections = CONNECTIONS if asked.events == 1 else BATCH_CONNECTIONS
                    one = measured(edge, asked, connections * len(edge.pids))  # the same for each process
                    if turn:  # the first warms up
                        rounds.setdefault((name, way), []).append(one)
            if turn:
                unlike = measured(edges[PENSTOCK], wrk.WAYS["v1"], CONNECTIONS, unlike=True)
                rounds.setdefault((PENSTOCK, "v1, heads all unlike"), []).append(unlike)
                for name in (PENSTOCK, GO) if GO in edges else (PENSTOCK,):
                    most = statistics.median(one.rate for one in rounds[name, "v1"])
                    half = at_half_load(edges[name], wrk.WAYS["v1"], most / 2)
                    rounds.setdefault((name, "v1 at half load"), []).append(half)
        memory = [(f"{name}, memory", "MB", [rss(pid) for pid in edge.pids]) for name, edge in edges.items()]
    kept("edge", where, [*rows(rounds, GO), *memory])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
