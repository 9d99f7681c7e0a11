"""From a 200 to the row in the view `events`: `penstock up` with its own log, and with Kafka.

One event after the other of one customer, while others come in batches at a steady rate; the view is asked over and
over which of them it shows, which finds each some ms late. Run by `python -m tests.bench.visible [EVENTS] [RATE]`,
RATE being the other events a second.
"""

import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

from clickhouse_connect.driver.client import Client

from deploy.kafka.broker import Broker, installable
from tests.bench.measuring.report import Row, about, kafka, kept
from tests.bench.measuring.wrk import AUTHORIZATION, BATCH, WAYS
from tests.running import SITE, up
from workers.clickhouse import connect

EVENTS, RATE = 150, 2_000
PAUSE = 0.1  # s between two events, on average
WITHIN = 30.0
SHOWN = "SELECT name FROM events WHERE workspace = {site:String} AND customer = 'probe' AND customer_kind = 'id'"
HEADERS = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
OTHERS = WAYS["v2 batch"].body % tuple(range(BATCH))


def post(connection: HTTPConnection, path: str, body: str) -> None:
    connection.request("POST", path, body, HEADERS)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


def others(port: int, rate: int, stop: threading.Event) -> None:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        began, sent = time.monotonic(), 0
        while not stop.wait(max(0.0, began + sent / rate - time.monotonic())):
            post(connection, "/api/v2/batch", OTHERS)
            sent += BATCH


def probes(port: int, count: int, answered: dict[str, float]) -> None:
    """answered: by the name of the event, when its 200 came."""
    rng = random.Random(1)
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        for number in range(count):
            time.sleep(rng.uniform(0, 2 * PAUSE))
            post(connection, "/api/v1/customers/probe/events", json.dumps({"name": f"e{number}"}))
            answered[f"e{number}"] = time.monotonic()


def seen(client: Client, count: int) -> dict[str, float]:
    """By the name of the event, when the view showed it first."""
    found: dict[str, float] = {}
    until = time.monotonic() + count * PAUSE + WITHIN
    while len(found) < count:
        assert time.monotonic() < until, f"{len(found)} of {count} events are visible"
        names = [name for (name,) in client.query(SHOWN, parameters={"site": SITE}).result_rows]
        now = time.monotonic()
        found |= {name: now for name in names if name not in found}
        time.sleep(0.01)
    return found


def measured(settings: dict[str, str], count: int, rate: int) -> list[float]:
    """Seconds, of each event."""
    note = json.loads((Path(settings["PENSTOCK_DATA"]) / "instance.json").read_text())
    port, answered, stop = int(settings["PENSTOCK_PORT"]), dict[str, float](), threading.Event()
    noise = threading.Thread(target=others, args=(port, rate, stop))
    probing = threading.Thread(target=probes, args=(port, count, answered))
    noise.start()
    time.sleep(2)
    probing.start()
    with closing(connect(note["clickhouse_read"])) as client:
        found = seen(client, count)
    stop.set()
    probing.join()
    noise.join()
    return sorted(found[name] - at for name, at in answered.items())


@contextmanager
def embedded() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder, up(Path(folder) / "data") as settings:
        yield settings


@contextmanager
def on_kafka() -> Iterator[dict[str, str]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Broker(Path(folder) / "kafka") as broker,
        up(Path(folder) / "data", PENSTOCK_KAFKA=broker.address) as settings,
    ):
        yield settings


def main(count: int = EVENTS, rate: int = RATE) -> None:
    logs = {"embedded log": embedded} | ({"Kafka": on_kafka} if installable() else {})
    rows: list[Row] = []
    where = about(kafka=kafka(), load=f"{count} events beside {rate:,} others a second")
    for name, running in logs.items():
        with running() as settings:
            waits = measured(settings, count, rate)
        rows.append((f"{name}, from 200 to visible", "s", waits))
        rows.append((f"{name}, from 200 to visible, p99", "s", [waits[int(len(waits) * 0.99)]]))
    kept("visible", where, rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
