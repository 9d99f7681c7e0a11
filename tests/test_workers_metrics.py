"""A worker's own port: what it counts, whether it lives, whether it can do its work, and why not."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.clickhouse import running
from ingest.log.sqlite import SqliteLog
from schemas.settings import BadSettings, Settings
from tests.embedded import made
from tests.ports import free_port
from tests.running import penstock, stop
from tests.test_workers_loop import FakeReader, FakeTables, polled, records, run_until
from workers.clickhouse import Away
from workers.dead_letters import Allowance
from workers.gathering import Limits
from workers.loop import Pump
from workers.metrics import WorkerMetrics
from workers.metrics_server import served
from workers.migrate import migrate


def get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def shown(port: int) -> dict[tuple[str, ...], float]:
    """The value of each sample, by its name and its labels' values."""
    families = text_string_to_metric_families(get(port, "/metrics")[1])
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def settings(port: int) -> Settings:
    return Settings(worker_port=port)


async def test_pump_counts_what_it_does() -> None:
    """Rows, inserts, their seconds, dead letters by code, and when it last committed."""
    port, metrics = free_port(), WorkerMetrics()
    reader, tables = FakeReader(polled({0: records(0, 100)}), polled({0: records(100, 10)})), FakeTables(guilty=[7, 64])

    await run_until(reader.is_done, Pump(reader, tables, Limits(interval=0.02), Allowance(1.0), metrics))

    with served(settings(port), metrics):
        found = shown(port)
    assert found["penstock_worker_rows_total",] == 108
    assert found["penstock_worker_dead_letters_total", "27"] == 2
    assert found["penstock_worker_batches_total",] == found["penstock_worker_insert_seconds_count",] >= 1
    assert time.time() - 60 < found["penstock_worker_committed_at",] <= time.time()


async def test_pump_that_clickhouse_does_not_take_from_is_not_ready() -> None:
    """From the first try that failed to the first that did not; the reason is in the answer."""
    port, metrics = free_port(), WorkerMetrics()
    metrics.works("start")
    reader, tables = FakeReader(polled({0: records(0, 3)})), FakeTables(*[Away("no space left")] * 1000)

    with served(settings(port), metrics):
        before = await asyncio.to_thread(get, port, "/ready")
        pump = Pump(reader, tables, Limits(interval=0.02, backoff=0.01), None, metrics)
        await run_until(lambda: len(tables.blocks) > 1, pump)
        status, text = await asyncio.to_thread(get, port, "/ready")
        away = (await asyncio.to_thread(shown, port))["penstock_worker_clickhouse_reachable",]
        metrics.inserted(3, 0.1, {})
        after = await asyncio.to_thread(get, port, "/ready")
        back = (await asyncio.to_thread(shown, port))["penstock_worker_clickhouse_reachable",]

    assert (before[0], status, after[0]) == (200, 503, 200)
    assert json.loads(text)["meta"]["errors"] == ["ClickHouse is away: no space left"]
    assert (away, back) == (0, 1)


def test_lag_is_shown_by_partition() -> None:
    """Of the whole log: its maximum over the workers is the truth, not its sum."""
    port, metrics = free_port(), WorkerMetrics()
    metrics.measured({0: 3, 1: 0})

    with served(settings(port), metrics):
        found = shown(port)

    assert {name: value for name, value in found.items() if name[0] == "penstock_worker_lag"} == {
        ("penstock_worker_lag", "0"): 3,
        ("penstock_worker_lag", "1"): 0,
    }


def test_other_paths_and_heads() -> None:
    """A 404 says which there are; HEAD is the same without a body."""
    port = free_port()
    with served(settings(port), WorkerMetrics()):
        status, text = get(port, "/")
        assert (status, "/ready" in text) == (404, True)
        assert get(port, "/live", "HEAD") == (200, "")
        assert get(port, "/live?x=1")[0] == 200
        assert get(port, "/ready", "HEAD") == (503, "")


def test_taken_port_is_refused_by_name() -> None:
    """The worker does not start, and says which setting."""
    port = free_port()
    with (
        served(settings(port), WorkerMetrics()),
        pytest.raises(BadSettings, match="PENSTOCK_WORKER_PORT"),
        served(settings(port), WorkerMetrics()),
    ):
        pass


def test_no_port_is_open_unless_it_is_named() -> None:
    """It needs no key, so it is there for whoever asks for it."""
    with served(Settings(), WorkerMetrics()):
        pass


def becomes(port: int, status: int, text: str, timeout: float = 60) -> None:
    """Return once /ready answers so."""
    until = time.monotonic() + timeout
    while True:
        try:
            found = get(port, "/ready")
        except OSError:
            found = (0, "")
        if found[0] == status and text in found[1]:
            return
        assert time.monotonic() < until, found
        time.sleep(0.1)


def worker_settings(folder: Path, port: int, clickhouse: str) -> Mapping[str, str]:
    return {
        "PENSTOCK_DATA": str(folder),
        "PENSTOCK_CLICKHOUSE": clickhouse,
        "PENSTOCK_WORKER_PORT": str(port),
        "PENSTOCK_AUDIT_EVERY": "1",
    }


@pytest.mark.slow
def test_worker_says_why_it_is_not_ready(tmp_path: Path) -> None:
    """No log yet; then ready, with lag and audit; then ClickHouse away, and back on the same port."""
    port, server_port = free_port(), free_port()
    with running(tmp_path / "clickhouse", port=server_port) as server:
        migrate(server.address.writer_url)
        worker = penstock("worker", settings=worker_settings(tmp_path, port, server.address.writer_url))
        try:
            becomes(port, 503, "log is away")
            assert get(port, "/live")[0] == 200
            asyncio.run(append(tmp_path))
            becomes(port, 200, "{}")
            until = time.monotonic() + 60
            while (found := shown(port)).get(("penstock_worker_rows_total",)) != 5 or not found[
                "penstock_worker_audit_checked_at",
            ]:
                assert time.monotonic() < until, found
                time.sleep(0.2)
            assert found["penstock_worker_audit_missing",] == found["penstock_worker_audit_unmatched",] == 0
            assert found["penstock_worker_log_reachable",] == found["penstock_worker_clickhouse_reachable",] == 1
        except BaseException:
            worker.kill()
            worker.wait()
            raise
    try:
        becomes(port, 503, "ClickHouse is away")
        with running(tmp_path / "clickhouse", port=server_port):
            becomes(port, 200, "{}")
            assert stop(worker) == 0
    finally:
        worker.kill()
        worker.wait()


async def append(folder: Path) -> None:
    async with SqliteLog(folder / "log.db") as log:
        await log.append([made(number) for number in range(5)])
