"""`python -m tests.bench.edge_memory [MINUTES]`: what an edge holds in minutes of full load, of each way in by turns.

The most in each minute: flat if they are alike. Batches come on as many connections as single calls. A real Kafka
broker; the edge has the first core. Needs wrk.
"""

import sys
import tempfile
import threading
import time
from itertools import cycle
from pathlib import Path

from deploy.kafka.broker import Broker
from tests.bench.edge import CONNECTIONS, Edge, penstock
from tests.bench.measuring import wrk
from tests.bench.measuring.processes import rss
from tests.bench.measuring.report import about, kafka, kept

MINUTES, TURN = 2, 5  # s that one way has


def minutely(edge: Edge, minutes: int) -> list[float]:
    """MB, in each minute."""
    found, began, ways = [0.0] * minutes, time.monotonic(), cycle(wrk.WAYS.values())

    def watch() -> None:
        while (minute := int(time.monotonic() - began) // 60) < minutes:
            found[minute] = max(found[minute], *map(rss, edge.pids))
            time.sleep(0.1)

    watching = threading.Thread(target=watch)
    watching.start()
    while watching.is_alive():
        wrk.load(next(ways), edge.port, TURN, CONNECTIONS)
    return found


def main(minutes: int) -> None:
    if not wrk.installed():
        sys.exit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder) / "kafka") as broker:
        where = about(kafka=kafka(), wrk=wrk.version())
        with penstock(broker.address, Path(folder) / "edge") as edge:
            found = minutely(edge, minutes)
    kept("edge_memory", where, [("an edge at full load, the most in each minute", "MB", found)])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MINUTES)
