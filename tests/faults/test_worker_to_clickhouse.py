"""The worker killed, and its connection to ClickHouse cut, while rows are on their way."""

import asyncio
import json
import uuid
from itertools import cycle
from pathlib import Path

import pytest

from tests.clickhouse import ClickHouse
from tests.load import Request, send
from tests.ports import free_port
from tests.proxy import Fault, Proxy
from tests.running import CREDENTIALS, answers, eventually, penstock, stop


def events(count: int) -> list[Request]:
    """Without ids of their own: each is an event."""
    body = {"name": "e"}
    return [
        Request("POST", f"/api/v1/customers/{number % 50}/events", json.dumps(body | {"data": {"n": number}}).encode())
        for number in range(count)
    ]


def settings_for(clickhouse: ClickHouse, folder: Path, writer: str) -> dict[str, str]:
    return CREDENTIALS | {
        "PENSTOCK_SITE_ID": f"site{uuid.uuid4().hex[:8]}",
        "PENSTOCK_DATA": str(folder),
        "PENSTOCK_PORT": str(free_port()),
        "PENSTOCK_CLICKHOUSE": writer,
        "PENSTOCK_CLICKHOUSE_READ": clickhouse.reader_url,
    }


def each_is_there_once(settings: dict[str, str], count: int) -> None:
    here = f"WHERE workspace = '{settings['PENSTOCK_SITE_ID']}'"
    # Who waits asks for what costs least: all events, over and over, would take the cores from the worker.
    come = f"SELECT uniqExact(_log, _partition, _offset) >= {count} AS come FROM journal {here}"
    eventually(come, settings, [{"come": 1}], 120)
    expected = [{"rows": count, "different": count}]
    numbers = "toUInt32(count()) AS rows, toUInt32(uniqExact(JSONExtractInt(data, 'n'))) AS different"
    sql = f"SELECT {numbers} FROM events {here}"
    eventually(sql, settings, expected, 60)


@pytest.mark.slow
async def test_worker_killed_under_load_loses_and_doubles_nothing(
    url: str, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    """SIGKILL six times at odd moments; the next worker repeats the batch, without a visible effect."""
    settings = settings_for(clickhouse, tmp_path, url)
    edge, worker = penstock("edge", settings=settings), penstock("worker", settings=settings)
    try:
        await asyncio.to_thread(answers, int(settings["PENSTOCK_PORT"]))
        sent = events(6100)
        first, later = sent[:6000], sent[6000:]
        load = asyncio.create_task(send(int(settings["PENSTOCK_PORT"]), first, site=settings["PENSTOCK_SITE_ID"]))
        for pause in (1.0, 1.3, 0.9, 1.6, 1.1, 1.45):
            await asyncio.sleep(pause)
            worker.kill()
            worker.wait()
            worker = penstock("worker", settings=settings)
        assert len(await load) == 6000
        # The last worker has something to do, so it is up when it is told to stop.
        assert len(await send(int(settings["PENSTOCK_PORT"]), later, site=settings["PENSTOCK_SITE_ID"])) == 100
        await asyncio.to_thread(each_is_there_once, settings, 6100)
        assert [stop(edge), stop(worker)] == [0, 0]
    finally:
        for process in (edge, worker):
            process.kill()
            process.wait()


@pytest.mark.slow
async def test_answers_of_inserts_lost_double_nothing(url: str, clickhouse: ClickHouse, tmp_path: Path) -> None:
    """The rows are in the tables and the worker cannot know: it repeats the insert, without a visible effect."""
    async with Proxy(clickhouse.port, cycle([None, Fault.LOST_ANSWER])) as proxy:
        settings = settings_for(clickhouse, tmp_path, url.replace(f":{clickhouse.port}/", f":{proxy.port}/"))
        edge, worker = penstock("edge", settings=settings), penstock("worker", settings=settings)
        try:
            await asyncio.to_thread(answers, int(settings["PENSTOCK_PORT"]))
            taken = await send(int(settings["PENSTOCK_PORT"]), events(3000), site=settings["PENSTOCK_SITE_ID"])
            assert len(taken) == 3000
            await asyncio.to_thread(each_is_there_once, settings, 3000)
            assert proxy.done
            assert [stop(edge), await asyncio.to_thread(stop, worker)] == [0, 0]
        finally:
            for process in (edge, worker):
                process.kill()
                process.wait()
