"""Any requests, of all APIs and kinds, in any order: through the edge's own application and the worker's own code onto
the real engine, in batches cut anywhere and repeated, they become what the model in plain Python says."""

import asyncio
import random
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.any_request import NOW, any_request
from tests.fakes import FakeClock, FakeLog
from tests.model import Placed, world
from tests.tables import cuts, land, said, views
from tests.wire.row import Sent
from tests.wire.told import answered, edge
from workers.clickhouse import connect
from workers.sink import Sink

TAKEN = (200, 204)  # of a batch, 207, it may be that no item was taken


def placed(folder: Path, workspaces: list[str], requests: list[tuple[int, int, Sent]]) -> list[Placed]:
    """The requests' messages on the log. Each request is of a workspace, and comes some ms after the one before."""
    log, clock = FakeLog(), FakeClock(NOW)
    edges = [edge(folder / workspace, workspace, log, clock) for workspace in workspaces]
    records: list[Placed] = []
    for number, tick, request in requests:
        clock.now += tick / 1000
        answer = asyncio.run(answered(edges[number], workspaces[number], request))
        assert answer.status < 500, answer.body
        if answer.status in TAKEN:
            assert len(log.messages) > len(records), "nothing on the log"
        records += [
            Placed(message, offset, round(clock.now * 1000))
            for offset, message in enumerate(log.messages[len(records) :], len(records))
        ]
    return records


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_views_equal_the_model_after_any_requests(own: str, tmp_path: Path) -> None:
    """To the row: whatever the batches are, and whichever of them come twice."""
    with Sink(own) as sink, closing(connect(own)) as client:

        @settings(
            max_examples=settings().max_examples // 20,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            requests=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9), any_request), min_size=30, max_size=60),
            rng=st.randoms(use_true_random=False),
        )
        def check(requests: list[tuple[int, int, Sent]], rng: random.Random) -> None:
            names = [f"w{uuid.uuid4().hex[:12]}" for _ in range(2)]
            records = placed(tmp_path / uuid.uuid4().hex, names, requests)
            generation = uuid.uuid4().hex
            for batch in cuts(records, rng, most=40):
                land(sink, generation, batch)
            assert views(client, names) == said(world(records))

        check()
