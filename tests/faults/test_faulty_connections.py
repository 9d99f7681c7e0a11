"""Connections that break in every way they can, between worker and ClickHouse, and between edge or worker and Kafka.
What was acknowledged is in the views once; nobody has to help."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from deploy.kafka.broker import Broker, installable
from ingest.log.kafka import KafkaLog
from ingest.log.sqlite import SqliteLog
from tests.clickhouse import ClickHouse
from tests.kafka import NO_LOCAL_BROKER, not_run
from tests.landing import Load, eventually, lands
from tests.ports import free_port
from tests.proxy import TO_KAFKA, Fault, Proxy, http_error
from workers.clickhouse import BARRED, PASSING
from workers.gathering import Limits
from workers.log import Reader
from workers.log.kafka import KafkaReader
from workers.log.sqlite import SqliteReader
from workers.loop import Pump
from workers.sink import Sink

LIMITS = Limits(rows=100, size=30_000, careful=1, interval=0.02, backoff=0.02, longest_backoff=0.1)
PATIENCE = 2.0  # of a worker with a connection that says nothing; a minute otherwise
NOT_CLICKHOUSE = [
    http_error("502 Bad Gateway", "<html>bad gateway</html>"),
    http_error("503 Service Unavailable"),
    http_error("500 Internal Server Error", "out of order"),
]

pytestmark = pytest.mark.slow


@asynccontextmanager
async def pumping(reader: Reader, url: str) -> AsyncIterator[Pump]:
    """A worker's pump, as `penstock worker` runs it, but for its patience."""
    stop = asyncio.Event()
    with Sink(url, PATIENCE) as sink:
        pump = Pump(reader, sink, LIMITS)
        running = asyncio.create_task(pump.run(stop))
        try:
            yield pump
        finally:
            stop.set()
            await running


@asynccontextmanager
async def between_worker_and_clickhouse(clickhouse: ClickHouse, folder: Path, proxy: Proxy) -> AsyncIterator[SqliteLog]:
    """An embedded log that a worker lands through the proxy; yields its writer."""
    path = folder / "log.db"
    async with SqliteLog(path, append_timeout=10) as log, proxy, SqliteReader(path, folder / "positions.db") as reader:
        url = clickhouse.writer_url.replace(f":{clickhouse.port}/", f":{proxy.port}/")
        async with pumping(reader, url):
            yield log


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.SAID], ids=lambda fault: fault.name)
async def test_faulty_connection_to_clickhouse_loses_and_doubles_nothing(
    fault: Fault, clickhouse: ClickHouse, tmp_path: Path, client: Client
) -> None:
    """Every second insert, then three in a row, which is more than any client repeats by itself."""
    load, proxy = Load(), Proxy(clickhouse.port, [None, fault, None, fault, fault, fault])
    async with between_worker_and_clickhouse(clickhouse, tmp_path, proxy) as log:
        await load.put(log, load.messages(700, refused=3))
        await lands(load, client)

    assert proxy.done == [fault] * 4


async def test_answer_that_is_no_clickhouse_says_nothing_about_the_rows(
    clickhouse: ClickHouse, tmp_path: Path, client: Client
) -> None:
    """Whatever stands between them may speak: it is as if ClickHouse were away."""
    load, proxy = Load(), Proxy(clickhouse.port, [None, *[Fault.SAID] * 9], said=NOT_CLICKHOUSE)
    async with between_worker_and_clickhouse(clickhouse, tmp_path, proxy) as log:
        await load.put(log, load.messages(300))
        await lands(load, client)

    assert proxy.done == [Fault.SAID] * 9


async def test_server_that_cannot_take_anything_just_now_is_waited_for(
    clickhouse: ClickHouse, tmp_path: Path, client: Client
) -> None:
    """Busy, full, read-only, stopping: for longer than a refusal is, and the worker goes on when it is over. These
    answers have ClickHouse's form; those that can be provoked on the real one are, in `test_clickhouse_full.py`."""
    not_now = [http_error("500 Internal Server Error", f"Code: {code}. DB::Exception: no.", code) for code in PASSING]
    load, proxy = Load(), Proxy(clickhouse.port, [Fault.SAID] * len(PASSING), said=not_now)
    async with between_worker_and_clickhouse(clickhouse, tmp_path, proxy) as log:
        await load.put(log, load.messages(20))
        await lands(load, client)

    assert len(proxy.done) == len(PASSING) > LIMITS.tries


async def test_what_somebody_has_to_mend_is_waited_for(clickhouse: ClickHouse, tmp_path: Path, client: Client) -> None:
    """A table is missing, the user may not do it: for longer than a refusal is, and it goes on when that is mended."""
    barred = [http_error("403 Forbidden", f"Code: {code}. DB::Exception: no.", code) for code in BARRED]
    load, proxy = Load(), Proxy(clickhouse.port, [Fault.SAID] * len(BARRED), said=barred)
    client.command("RENAME TABLE packed_events TO hidden_events")
    try:
        async with between_worker_and_clickhouse(clickhouse, tmp_path, proxy) as log:
            await load.put(log, load.messages(20))
            await eventually(lambda: len(proxy.done), len(barred))
            await asyncio.sleep(2 * LIMITS.tries * LIMITS.longest_backoff)
            client.command("RENAME TABLE hidden_events TO packed_events")
            await lands(load, client)
    finally:
        client.command("RENAME TABLE IF EXISTS hidden_events TO packed_events")

    assert len(proxy.done) == len(BARRED) > LIMITS.tries


@pytest.fixture(scope="module")
def proxied_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """A broker's own port, and the one it tells its clients to use: nobody listens there but a test's proxy."""
    if not installable():
        not_run(NO_LOCAL_BROKER)
    advertised = free_port()
    with Broker(tmp_path_factory.mktemp("proxied-kafka"), advertised=advertised) as broker:
        yield broker.port, advertised


@pytest.mark.kafka
@pytest.mark.parametrize(
    "fault",
    [Fault.RESET, Fault.CUT_REQUEST, Fault.LOST_ANSWER, Fault.CUT_ANSWER, Fault.SLOW, Fault.HANG],
    ids=lambda fault: fault.name,
)
async def test_faulty_connections_to_kafka_lose_and_double_nothing(
    fault: Fault, proxied_broker: tuple[int, int], topic: str, url: str, client: Client
) -> None:
    """Of what the edge writes and what the worker reads: every third request, again and again."""
    own, advertised = proxied_broker
    where: dict[str, Any] = {"bootstrap": f"127.0.0.1:{advertised}", "topic": topic}
    options: dict[str, Any] = {"partitions": 2, "replication": 1, "append_timeout": 5.0, "request_timeout": 2.0}
    load, faults = Load(), [None, None, fault] * (2 if fault is Fault.HANG else 6)
    async with (
        Proxy(own, faults, wrong=TO_KAFKA, port=advertised) as proxy,
        KafkaLog(**where, **options) as log,
        KafkaReader(**where, group=topic) as reader,
        pumping(reader, url),
    ):
        await load.put(log, load.messages(1000))
        await lands(load, client)
        await eventually(lambda: next(proxy.faults, "all happened"), "all happened")
        await load.put(log, load.messages(100))
        await lands(load, client)

    assert set(proxy.done) == {fault}
