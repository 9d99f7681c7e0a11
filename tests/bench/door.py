"""`python -m tests.bench.door`: what 5,000 idle connections, 200 slow ones and a flood of nonsense do to the others.

Rounds are interleaved, quiet and flooded, each on an edge of its own. Latency is that of a paced client on kept-alive
connections; its p99 under the flood shall stay within twice the quiet one, and the memory steady.
"""

import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.bench.measuring.processes import rss, running
from tests.bench.measuring.report import Row, about, kept
from tests.flood import Flood, flooded
from tests.load import answer
from tests.ports import free_port
from tests.running import CREDENTIALS
from tests.serving import request

ROUNDS, SECONDS, RATE, CONNECTIONS = 3, 8, 300, 10
FLOOD = Flood(idle=5000, loris=200, bad=200)


class Round(NamedTuple):
    """ms; ms; MB at the begin and at the end."""

    p50: float
    p99: float
    before: float
    after: float


async def latencies(port: int, seconds: float) -> list[float]:
    """Seconds from request to answer, each of which was a 200."""
    shares = await asyncio.gather(*(_one(port, seconds, number) for number in range(CONNECTIONS)))
    return [latency for share in shares for latency in share]


async def _one(port: int, seconds: float, number: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took = []
    pause = CONNECTIONS / RATE
    due = time.perf_counter() + pause * number / CONNECTIONS
    until = due + seconds
    while due < until:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        writer.write(request())
        assert await answer(reader) == 200
        took.append(time.perf_counter() - began)
        due += pause
    writer.close()
    await writer.wait_closed()
    return took


def measured(flood: Flood | None) -> Round:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        settings = CREDENTIALS | {"PENSTOCK_PORT": str(port), "PENSTOCK_DATA": str(folder)}
        pid = stack.enter_context(running([sys.executable, "-m", "deploy.cli", "edge"], settings, port, core=-1))
        if flood:
            stack.enter_context(flooded(port, flood))
        asyncio.run(latencies(port, 1))
        before = rss(pid)
        took = sorted(asyncio.run(latencies(port, SECONDS)))
        return Round(took[len(took) // 2] * 1e3, took[len(took) * 99 // 100] * 1e3, before, rss(pid))


def main(flood: Flood) -> None:
    where = about(load=f"{RATE} requests/s for {SECONDS} s, {ROUNDS} rounds; {flood}")
    rounds = [(measured(None), measured(flood)) for _ in range(ROUNDS)]
    rows: list[Row] = []
    for name, ones in zip(("quiet", "flooded"), zip(*rounds, strict=True), strict=True):
        rows.append((f"{name}, p50", "ms", [one.p50 for one in ones]))
        rows.append((f"{name}, p99", "ms", [one.p99 for one in ones]))
        rows.append((f"{name}, memory at the begin", "MB", [one.before for one in ones]))
        rows.append((f"{name}, memory at the end", "MB", [one.after for one in ones]))
    rows.append(("p99, flooded / quiet", "ratio", [flooded.p99 / quiet.p99 for quiet, flooded in rounds]))
    kept("door", where, rows)


if __name__ == "__main__":
    main(Flood(*map(int, sys.argv[1:])) if len(sys.argv) > 1 else FLOOD)
