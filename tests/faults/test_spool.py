"""An edge with a spool in processes of its own, with a broker that is killed under it: 200 all the time, and nothing of
it lost, out of order, or winning over what came later through another edge."""

import asyncio
import base64
import json
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from deploy.kafka.broker import Broker
from schemas.topics import partition
from tests.clickhouse import ClickHouse
from tests.load import Request
from tests.load import send as send_all
from tests.ports import free_port
from tests.running import CREDENTIALS, KEY, answers, eventually, penstock, stop
from workers.log.kafka import KafkaReader

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

CUSTOMERS = 40
PATIENCE = 60.0
FULL = '{"status":"not ready","reason":"the log is away and the spool takes no more"}\n'
Settings = dict[str, str]


@pytest.fixture
def settings(private_broker: Broker, topic: str, tmp_path: Path) -> Settings:
    """Of an edge with a spool."""
    return CREDENTIALS | {
        "PENSTOCK_SITE_ID": topic[-20:],
        "PENSTOCK_DATA": str(tmp_path),
        "PENSTOCK_PORT": str(free_port()),
        "PENSTOCK_KAFKA": private_broker.address,
        "PENSTOCK_TOPIC": topic,
        "PENSTOCK_PARTITIONS": "3",
        "PENSTOCK_APPEND_TIMEOUT": "2",
        "PENSTOCK_SPOOL": str(tmp_path / "spool"),
    }


@contextmanager
def edge(settings: Settings, output: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """An edge that takes requests; it ends with 0 when it is left, unless it was killed before."""
    with ExitStack() as stack:
        process = penstock("edge", settings=settings, output=stack.enter_context(output.open("wb")) if output else None)
        try:
            answers(int(settings["PENSTOCK_PORT"]))
            yield process
            if process.poll() is None:
                assert stop(process) == 0
        finally:
            process.kill()
            process.wait()


def call(settings: Settings, method: str, path: str, body: object = None) -> tuple[int, str | None, str]:
    """Status, Retry-After, content."""
    credentials = base64.b64encode(f"{settings['PENSTOCK_SITE_ID']}:{KEY}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    with closing(HTTPConnection("127.0.0.1", int(settings["PENSTOCK_PORT"]), timeout=20)) as connection:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After"), answer.read().decode()


def metric(settings: Settings, name: str) -> float:
    lines = call(settings, "GET", "/metrics")[2].splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"penstock_edge_{name} ")))


def ready(settings: Settings, *, spooling: bool = False) -> None:
    """Return once the edge says so."""
    wanted = {"status": "ready", "spooling": True} if spooling else {"status": "ready"}
    until(lambda: json.loads(call(settings, "GET", "/ready")[2]) == wanted)


def until(condition: Callable[[], bool]) -> None:
    end = monotonic() + PATIENCE
    while not condition():
        assert monotonic() < end
        sleep(0.05)


def left(settings: Settings) -> int:
    """Records in the spool of an edge that has ended."""
    with closing(sqlite3.connect(Path(settings["PENSTOCK_SPOOL"]) / "spool.db")) as spool:
        count: int = spool.execute("SELECT count(*) FROM records").fetchone()[0]
        return count


async def load(settings: Settings, numbers: range) -> set[int]:
    """Events with these numbers, each customer's in their order; those that were acknowledged."""
    bodies = [json.dumps({"name": "e", "data": {"n": n}}).encode() for n in numbers]
    requests = [
        Request("POST", f"/api/v1/customers/{n % CUSTOMERS}/events", body)
        for n, body in zip(numbers, bodies, strict=True)
    ]
    taken = await send_all(int(settings["PENSTOCK_PORT"]), requests, site=settings["PENSTOCK_SITE_ID"])
    return {json.loads(request.body)["data"]["n"] for request in taken}


@asynccontextmanager
async def under_load(settings: Settings, numbers: range, taken: set[int]) -> AsyncIterator[None]:
    """More requests than are sent inside; once it is left, `taken` has those that were acknowledged."""
    sending = asyncio.create_task(load(settings, numbers))
    try:
        yield
    finally:
        taken |= await sending


async def on_topic(settings: Settings, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """The messages on it, each partition's in their order, read until there are enough."""
    found: list[Any] = []
    address, topic = settings["PENSTOCK_KAFKA"], settings["PENSTOCK_TOPIC"]
    async with asyncio.timeout(PATIENCE), KafkaReader(bootstrap=address, topic=topic, group=uuid4().hex) as reader:
        while not enough(found):
            for records in (await reader.poll(10_000, 0.5)).records.values():
                found.extend(msgspec.json.decode(record.value or b"") for record in records)
    return found


async def test_what_was_acknowledged_gets_there_though_broker_and_edge_are_killed(
    private_broker: Broker, settings: Settings
) -> None:
    """The broker under load, then the edge twice while it is away: every 200 is on the topic, in order, the spool ends
    empty, and the next message goes to Kafka itself."""
    first, second, third = set[int](), set[int](), set[int]()
    with edge(settings) as process:
        async with under_load(settings, range(20_000), first):
            await asyncio.to_thread(until, lambda: metric(settings, "append_seconds_count") > 200)
            await asyncio.to_thread(private_broker.kill)
            await asyncio.to_thread(ready, settings, spooling=True)
            await asyncio.to_thread(until, lambda: metric(settings, "spool_records") > 200)
            process.kill()
        await asyncio.to_thread(process.wait)  # gone, so that leaving does not ask it to end
    with edge(settings) as process:
        ready(settings, spooling=True)
        held = metric(settings, "spool_records")
        async with under_load(settings, range(20_000, 40_000), second):
            await asyncio.to_thread(until, lambda: metric(settings, "spool_records") > held + 200)
            process.kill()
        await asyncio.to_thread(process.wait)  # gone, so that leaving does not ask it to end
    with edge(settings):
        assert metric(settings, "spool_records") >= held + len(second)
        await asyncio.to_thread(private_broker.start)
        await asyncio.to_thread(ready, settings)
        assert (metric(settings, "spool_records"), metric(settings, "log_reachable")) == (0, 1)
        third = await load(settings, range(40_000, 40_040))
        assert metric(settings, "spooling") == 0
        taken = first | second | third
        messages = await on_topic(settings, lambda found: taken <= {message["data"]["n"] for message in found})

    assert (len(first) > 300, len(second) > 150, len(third)) == (True, True, 40)
    assert left(settings) == 0
    occurred = dict.fromkeys(message["data"]["n"] for message in messages)
    for customer in range(CUSTOMERS):
        in_order = [n for n in occurred if n in taken and n % CUSTOMERS == customer]
        assert in_order == sorted(in_order)


def test_full_spool_is_a_503_until_kafka_is_back(private_broker: Broker, settings: Settings, tmp_path: Path) -> None:
    """An edge starts while Kafka is away, takes what it may keep, and tells; ended and started again it goes on."""
    private_broker.kill()
    settings |= {"PENSTOCK_SPOOL_BYTES": str(1 << 20)}
    large, said = {"name": "e", "data": {"x": "x" * 10_000}}, tmp_path / "said"
    with edge(settings, said):
        answered = [call(settings, "POST", "/api/v1/customers/5/events", large) for _ in range(150)]
        taken = sum(status == 200 for status, _, _ in answered)
        refused = (503, "1", '{"meta":{"error":"the spool could not be written"}}\n')
        assert answered[taken:] == [refused] * (150 - taken)
        assert call(settings, "GET", "/ready") == (503, None, FULL)
        assert metric(settings, "spool_records") == taken > 50
        assert 500_000 < metric(settings, "spool_bytes") <= 1 << 20
        assert 0 < metric(settings, "spool_oldest_seconds") < 60
        assert (metric(settings, "spooling"), metric(settings, "log_reachable")) == (1, 0)
        second = penstock("edge", settings=settings | {"PENSTOCK_PORT": str(free_port())})
        assert second.wait(30) == 2
    assert f'"records": {taken}' in next(line for line in said.read_text().splitlines() if "spool_left" in line)

    with edge(settings):
        private_broker.start()
        ready(settings)
        assert call(settings, "POST", "/api/v1/customers/5/events", large)[0] == 200
    assert left(settings) == 0


def put(settings: Settings, customer: str, **attributes: str) -> None:
    assert call(settings, "PUT", f"/api/v1/customers/{customer}", attributes)[0] == 200


def happened(settings: Settings, customer: str, name: str) -> None:
    assert call(settings, "POST", f"/api/v1/customers/{customer}/events", {"name": name})[0] == 200


def order_of(messages: list[Any], customer: str) -> list[str]:
    """What became of a customer, in the order of the topic: an identify is its `n`."""
    mine = [message for message in messages if message["subject"] == f"id:{customer}"]
    return [json.loads(dict(m["attributes"])["n"]) if m["kind"] == "identify" else m["kind"] for m in mine]


def test_late_copies_overrule_nothing_that_came_through_another_edge(
    private_broker: Broker, settings: Settings, clickhouse: ClickHouse, url: str
) -> None:
    """An edge stops in its tracks with writes in its spool, and copies of some on their way to Kafka. Another edge
    writes and deletes meanwhile. When the first goes on, what it has comes last, and counts as what it is: older."""
    settings |= {"PENSTOCK_CLICKHOUSE": url, "PENSTOCK_CLICKHOUSE_READ": clickhouse.reader_url}
    other = settings | {"PENSTOCK_PORT": str(free_port()), "PENSTOCK_SPOOL": f"{settings['PENSTOCK_SPOOL']}-other"}
    customers = ("changed", "deleted", "anew", "left")
    with edge(settings) as stalled:
        ready(settings)
        private_broker.kill()
        for customer in customers:
            put(settings, customer, n="old", only="old")
            happened(settings, customer, "old")
        stalled.send_signal(signal.SIGSTOP)
        private_broker.start()
        with edge(other):
            ready(other)
            put(other, "changed", n="new")
            for customer in ("deleted", "anew"):
                assert call(other, "DELETE", f"/api/v1/customers/{customer}")[0] == 200
            put(other, "anew", n="new")
        stalled.send_signal(signal.SIGCONT)
        ready(settings)
        put(settings, "last", n="last")
    messages = asyncio.run(on_topic(settings, lambda found: order_of(found, "last") != []))
    assert [order_of(messages, customer)[-2:] for customer in customers] == [["old", "event"]] * 4
    assert order_of(messages, "changed")[0] == "new"

    worker = penstock("worker", settings=settings)
    try:
        here = f"WHERE workspace = '{settings['PENSTOCK_SITE_ID']}' ORDER BY customer"
        expected = [
            {"customer": "anew", "attributes": {"n": "new"}},
            {"customer": "changed", "attributes": {"n": "new", "only": "old"}},
            {"customer": "last", "attributes": {"n": "last"}},
            {"customer": "left", "attributes": {"n": "old", "only": "old"}},
        ]
        eventually(f"SELECT customer, attributes FROM customers {here}", settings, expected, PATIENCE)
        events = [{"customer": customer, "name": "old"} for customer in ("changed", "left")]
        eventually(f"SELECT customer, name FROM events {here}", settings, events, PATIENCE)
        assert stop(worker) == 0
    finally:
        worker.kill()
        worker.wait()


def test_refused_write_that_arrives_late_overrules_nothing(
    private_broker: Broker, settings: Settings, clickhouse: ClickHouse, url: str
) -> None:
    """Without a spool: a 503, and the edge stops in its tracks with the write still on its way. Its client goes on
    through another edge. When the first goes on, Kafka takes what was refused, and it counts as what it is: older."""
    settings |= {"PENSTOCK_CLICKHOUSE": url, "PENSTOCK_CLICKHOUSE_READ": clickhouse.reader_url}
    del settings["PENSTOCK_SPOOL"]
    other = settings | {"PENSTOCK_PORT": str(free_port())}
    site = settings["PENSTOCK_SITE_ID"]
    # Of two partitions: what waits behind the first write of one is never sent once it was refused.
    changed, deleted = (
        next(name for name in map(str, range(100)) if partition(f"{site}\0id:{name}".encode(), 3) == number)
        for number in (0, 1)
    )
    with edge(settings) as stalled:
        ready(settings)
        private_broker.kill()
        for customer in (changed, deleted):
            assert call(settings, "PUT", f"/api/v1/customers/{customer}", {"n": "old"})[:2] == (503, "1")
        stalled.send_signal(signal.SIGSTOP)
        private_broker.start()
        with edge(other):
            ready(other)
            put(other, changed, n="new")
            assert call(other, "DELETE", f"/api/v1/customers/{deleted}")[0] == 200
        stalled.send_signal(signal.SIGCONT)
        ready(settings)
        put(settings, "last", n="last")
    messages = asyncio.run(on_topic(settings, lambda found: order_of(found, "last") != []))
    assert [order_of(messages, customer)[-1] for customer in (changed, deleted)] == ["old", "old"]

    worker = penstock("worker", settings=settings)
    try:
        here = f"WHERE workspace = '{site}' ORDER BY customer"
        expected = [{"customer": who, "attributes": {"n": n}} for who, n in ((changed, "new"), ("last", "last"))]
        eventually(f"SELECT customer, attributes FROM customers {here}", settings, expected, PATIENCE)
        assert stop(worker) == 0
    finally:
        worker.kill()
        worker.wait()
