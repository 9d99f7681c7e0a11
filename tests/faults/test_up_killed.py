"""`penstock up` killed with SIGKILL while it takes requests."""

import asyncio
import json
import random
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from tests.load import Request, send
from tests.ports import free_port
from tests.running import CREDENTIALS, asked, eventually, penstock, ready, stop
from tests.serving import until


def events(count: int) -> list[Request]:
    """Events with ids of their own, for fifty customers."""
    return [
        Request(
            "POST",
            f"/api/v1/customers/{number % 50}/events",
            json.dumps({"name": "e", "id": str(uuid.uuid4()), "data": {"n": number}}).encode(),
        )
        for number in range(count)
    ]


def last_offset(folder: Path) -> int:
    """Of the log's records."""
    with closing(sqlite3.connect(folder / "log.db")) as log:
        last: int = log.execute("SELECT max(offset) FROM records").fetchone()[0]
        return last


def shown(settings: dict[str, str]) -> dict[str, int]:
    """How often each event is in `events`, by its id."""
    rows = asked("SELECT id, toUInt32(count()) AS times FROM events GROUP BY id", settings)
    return {row["id"]: row["times"] for row in rows}


@pytest.mark.slow
async def test_up_killed_ten_times_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """After each restart every acknowledged request is in `events` once."""
    settings = CREDENTIALS | {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_PORT": str(free_port())}
    rng = random.Random(11)
    taken: list[Request] = []
    for _ in range(10):
        process = penstock("up", settings=settings)
        try:
            await asyncio.to_thread(ready, settings)
            load = asyncio.create_task(send(int(settings["PENSTOCK_PORT"]), events(20_000)))
            await asyncio.sleep(rng.uniform(0.05, 1.5))
        finally:
            process.kill()
        process.wait(10)
        taken += await load

    process = penstock("up", settings=settings)
    try:
        await asyncio.to_thread(ready, settings)
        sent = {json.loads(request.body)["id"] for request in taken}
        assert len(sent) > 1000
        # Not their number: there is more than was answered.
        come = f"SELECT max(_offset) = {last_offset(tmp_path)} AS come FROM journal"
        await asyncio.to_thread(eventually, come, settings, [{"come": 1}], 120)
        await asyncio.to_thread(until, lambda: sent <= shown(settings).keys())
        assert set(shown(settings).values()) == {1}
        assert stop(process) == 0
    finally:
        process.kill()
