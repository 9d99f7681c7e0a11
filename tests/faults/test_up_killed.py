"""`penstock up` killed with SIGKILL while it takes requests."""

import asyncio
import json
import random
import time
import uuid
from pathlib import Path

import pytest

from tests.load import Request, send
from tests.running import CREDENTIALS, eventually, free_port, penstock, query, ready, stop


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


@pytest.mark.slow
@pytest.mark.timeout(300)
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
        began = time.monotonic()
        await asyncio.to_thread(ready, settings)
        sent = {json.loads(request.body)["id"] for request in taken}
        assert len(sent) > 1000
        present = f"SELECT count() >= {len(sent)} AS enough FROM events"
        await asyncio.to_thread(eventually, present, settings, [{"enough": 1}], 60)
        rows = await asyncio.to_thread(query, "SELECT id, count() AS times FROM events GROUP BY id", settings)
        times = {row["id"]: int(row["times"]) for row in rows}
        assert set(times.values()) == {1}
        assert sent - times.keys() == set(), f"lost, {time.monotonic() - began} s after the restart"
        assert stop(process) == 0
    finally:
        process.kill()
