"""An edge that strangers flood, and its clients beside them."""

import asyncio
from pathlib import Path

import pytest

from tests.bench.door import latencies
from tests.bench.measuring.processes import rss
from tests.flood import Flood, flooded
from tests.ports import free_port
from tests.running import CREDENTIALS, answers, penstock, stop


@pytest.mark.slow
def test_a_flood_takes_neither_answers_nor_memory(tmp_path: Path) -> None:
    """Idle and slow connections and nonsense: every request is answered 200, and the edge stays small."""
    port = free_port()
    settings = CREDENTIALS | {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_PORT": str(port)}
    process = penstock("edge", settings=settings)
    try:
        answers(port)
        asyncio.run(latencies(port, 1))
        quiet = rss(process.pid)
        with flooded(port, Flood(idle=1000, loris=50, bad=100)):
            asyncio.run(latencies(port, 3))
            early = rss(process.pid)
            assert len(asyncio.run(latencies(port, 8))) > 2000
            late = rss(process.pid)
        assert early - quiet < 40
        assert late - early < 15
        assert stop(process) == 0
    finally:
        process.kill()
        process.wait()
