"""The edge killed (SIGKILL) at named points, under load, and started again: what it acknowledged is on the log, what it
did not is there at most once, and the client's repeat of it, under the same id, is the same message."""

import asyncio
import json
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from itertools import chain
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from tests.load import Request, send
from tests.ports import free_port
from tests.running import CREDENTIALS, answers, penstock, stop
from workers.log import Reader, Record
from workers.log.kafka import KafkaReader
from workers.log.sqlite import SqliteReader

REQUESTS, CUSTOMERS = 300, 12
PATIENCE = 60.0
Settings = dict[str, str]
pytestmark = pytest.mark.slow


def events(count: int = REQUESTS) -> list[Request]:
    """Each with an id of the client's own, so that a repeat is none."""
    bodies = [{"name": "e", "id": str(uuid4()), "data": {"n": number}} for number in range(count)]
    return [
        Request("POST", f"/api/v1/customers/{number % CUSTOMERS}/events", json.dumps(body).encode())
        for number, body in enumerate(bodies)
    ]


def id_of(request: Request) -> str:
    return str(json.loads(request.body)["id"])


@contextmanager
def edge(settings: Settings, failpoint: str = "") -> Iterator[int]:
    """An edge that answers, killed when it is left and still there; yields its process id."""
    process = penstock("edge", settings=settings | ({"PENSTOCK_FAILPOINT": failpoint} if failpoint else {}))
    try:
        answers(int(settings["PENSTOCK_PORT"]))
        yield process.pid
        if failpoint:
            assert process.wait(PATIENCE) == -signal.SIGKILL
        else:
            assert stop(process) == 0
    finally:
        process.kill()
        process.wait()


def reader(settings: Settings) -> AbstractAsyncContextManager[Reader]:
    if "PENSTOCK_KAFKA" in settings:
        return KafkaReader(bootstrap=settings["PENSTOCK_KAFKA"], topic=settings["PENSTOCK_TOPIC"], group=uuid4().hex)
    data = Path(settings["PENSTOCK_DATA"])
    return SqliteReader(data / "log.db", data / f"{uuid4().hex}.db")


async def on_log(settings: Settings, wanted: set[str], least: int = 0) -> list[Record]:
    """All records of the log, each partition's in their order: read until the wanted ids are among them, there are as
    many as `least`, and nothing more comes."""
    found: dict[int, list[Record]] = {}
    async with asyncio.timeout(PATIENCE), reader(settings) as log:
        while True:
            polled = (await log.poll(10_000, 0.5)).records
            for partition, records in polled.items():
                found.setdefault(partition, []).extend(records)
            everything = list(chain.from_iterable(found.values()))
            if not polled and len(everything) >= least and wanted <= set(ids(everything)):
                return everything


def ids(records: list[Record]) -> list[str]:
    return [msgspec.json.decode(record.value or b"")["id"] for record in records]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of an edge with the embedded log."""
    return CREDENTIALS | {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_PORT": str(free_port())}


@pytest.fixture
def on_kafka(settings: Settings, kafka: str, topic: str) -> Settings:
    return settings | {"PENSTOCK_KAFKA": kafka, "PENSTOCK_TOPIC": topic, "PENSTOCK_PARTITIONS": "3"}


@pytest.fixture
def spooling(on_kafka: Settings, tmp_path: Path) -> Settings:
    """Of an edge with a spool whose Kafka is away; `there` of it is not."""
    return on_kafka | {"PENSTOCK_SPOOL": str(tmp_path / "spool"), "PENSTOCK_KAFKA": f"127.0.0.1:{free_port()}"}


def there(spooling: Settings, on_kafka: Settings) -> Settings:
    return spooling | {"PENSTOCK_KAFKA": on_kafka["PENSTOCK_KAFKA"]}


async def killed(settings: Settings, failpoint: str, requests: list[Request]) -> set[str]:
    """The ids of those that were acknowledged before it happened."""
    with edge(settings, failpoint):
        taken = {id_of(request) for request in await send(int(settings["PENSTOCK_PORT"]), requests)}
    assert 0 < len(taken) < len(requests)
    return taken


async def repeated(settings: Settings, requests: list[Request]) -> None:
    with edge(settings):
        assert len(await send(int(settings["PENSTOCK_PORT"]), requests)) == len(requests)


async def is_kept_and_repeatable(settings: Settings, failpoint: str) -> None:
    requests = events()
    taken = await killed(settings, failpoint, requests)

    before = Counter(ids(await on_log(settings, taken)))
    assert set(before) <= {id_of(request) for request in requests}
    assert set(before.values()) == {1}
    if "before-answer" in failpoint:
        assert taken < set(before)  # at least that one which it was about to answer

    unanswered = [request for request in requests if id_of(request) not in taken]
    await repeated(settings, unanswered)
    after = Counter(ids(await on_log(settings, {id_of(request) for request in requests})))
    assert after == before + Counter(map(id_of, unanswered))


@pytest.mark.parametrize("point", ["edge.before-append:100", "edge.before-answer:100", "log.write:30"])
async def test_embedded_log_has_what_was_acknowledged(settings: Settings, point: str) -> None:
    """Before the append, between the append and the answer, and in the transaction: never more, and never twice."""
    await is_kept_and_repeatable(settings, point)


@pytest.mark.kafka
@pytest.mark.parametrize("point", ["edge.before-append:100", "edge.before-answer:100"])
async def test_kafka_has_what_was_acknowledged(on_kafka: Settings, point: str) -> None:
    """Before the append, and between the append and the answer."""
    await is_kept_and_repeatable(on_kafka, point)


@pytest.mark.kafka
async def test_spool_has_what_was_acknowledged_when_killed_in_its_write(spooling: Settings, on_kafka: Settings) -> None:
    """The transaction under way is gone, with the requests that nobody was answered; the others are drained once."""
    requests = events()
    taken = await killed(spooling, "spool.write:30", requests)
    with edge(there(spooling, on_kafka)):
        found = Counter(ids(await on_log(on_kafka, taken)))

    assert set(found) <= {id_of(request) for request in requests}
    assert set(found.values()) == {1}


@pytest.mark.kafka
async def test_spool_killed_in_its_drain_repeats_the_same_bytes(spooling: Settings, on_kafka: Settings) -> None:
    """Kafka has confirmed and the spool still has them: all are drained again, in their order, and then it is empty."""
    requests = events()
    await repeated(spooling, requests)
    process = penstock("edge", settings=there(spooling, on_kafka) | {"PENSTOCK_FAILPOINT": "spool.drain"})
    assert await asyncio.to_thread(process.wait, PATIENCE) == -signal.SIGKILL
    with edge(there(spooling, on_kafka)):
        records = await on_log(on_kafka, set(map(id_of, requests)), least=2 * REQUESTS)
    with closing(sqlite3.connect(Path(spooling["PENSTOCK_SPOOL"]) / "spool.db")) as spool:
        assert spool.execute("SELECT count(*) FROM records").fetchone() == (0,)

    assert set(Counter(record.value for record in records).values()) == {2}
    for customer in range(CUSTOMERS):
        numbers = [msgspec.json.decode(r.value or b"")["data"]["n"] for r in records if r.key == key(customer)]
        assert numbers == 2 * list(range(customer, REQUESTS, CUSTOMERS))


def key(customer: int) -> bytes:
    return f"site\0id:{customer}".encode()
