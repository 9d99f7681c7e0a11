"""`penstock purge` killed at named points: the next one finishes, and nothing else is lost."""

import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from tests.erasing import NOW, Story, text_in_tables
from tests.model import Placed, world
from tests.running import environment
from tests.tables import cuts, land, said, views
from workers.erasable import ERASABLE
from workers.purge import purge
from workers.sink import Sink

POINTS = [*(f"purge.deleting:{number}" for number in range(1, len(ERASABLE) + 1)), "purge.proved"]


def purged(url: str, folder: Path, failpoint: str = "", command: Sequence[str] = ("purge",)) -> int:
    settings = {"PENSTOCK_CLICKHOUSE": url, "PENSTOCK_DATA": str(folder), "PENSTOCK_FAILPOINT": failpoint}
    command = [sys.executable, "-m", "deploy.cli", *command]
    done = subprocess.run(command, env=environment(**settings), capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode


def proofs(client: Client) -> int:
    return int(client.query("SELECT count() FROM purges").result_rows[0][0])


@pytest.mark.slow
@pytest.mark.parametrize("point", [POINTS[0], POINTS[4], "purge.proved"])
def test_purge_killed_is_finished_by_the_next(sink: Sink, client: Client, url: str, tmp_path: Path, point: str) -> None:
    """Before any table's removal, and before the proof: none is written, views never change, the next one ends it."""
    purge(url)  # what other tests left, so that the points are reached in turn
    story, text = Story(), uuid.uuid4().hex
    records = [*story.of(f"id:{text}", text), *story.of("id:2"), story.add("event", "id:3")]
    dead = story.add("event", f"id:{text}")
    records.append(story.add("delete", f"id:{text}"))
    land(sink, story.log, records)
    story.bury(sink, dead, text)
    before = proofs(client)

    assert purged(url, tmp_path, point) == -signal.SIGKILL

    assert proofs(client) == before
    assert views(client, [story.workspace]) == said(world(records))
    assert purged(url, tmp_path) == 0
    assert proofs(client) == before + 1
    assert text_in_tables(client, text) == {}
    assert views(client, [story.workspace]) == said(world(records))


@pytest.mark.slow
def test_purge_killed_again_and_again_under_load(sink: Sink, client: Client, url: str, tmp_path: Path) -> None:
    """Rows and deletions come in between; every kill is somewhere else."""
    story, rng, text = Story(), random.Random(3), uuid.uuid4().hex
    records = []
    for number in range(40):
        records += [*story.of(f"id:{number % 9}", text), story.add("delete", f"id:{number % 9}")]
    for number, part in enumerate(cuts(records, rng, 60)):
        land(sink, story.log, part)
        if number < 3:
            purged(url, tmp_path, rng.choice(POINTS))

    assert purged(url, tmp_path) == 0

    assert text_in_tables(client, text) == {}
    assert views(client, [story.workspace]) == said(world(records))


@pytest.mark.slow
def test_erasure_of_a_workspace_killed_is_finished_by_the_next_purge(
    sink: Sink, client: Client, url: str, tmp_path: Path
) -> None:
    """Killed when all is hidden and nobody is parted yet: who comes back is not whom they were said to be before."""
    story, mail = Story(), "email:bob@example.com"
    land(sink, story.log, [story.add("identify", "id:1", links=(mail,)), story.add("event", mail, name="e")])

    assert purged(url, tmp_path, "workspace.hidden", ["erase-workspace", "--yes", story.workspace]) == -signal.SIGKILL
    assert purged(url, tmp_path) == 0

    later = NOW + 3_600_000
    back = [story.add("identify", "id:1"), story.add("event", mail, name="e")]
    land(sink, story.log, [Placed(placed.message, placed.offset, later) for placed in back])
    asked = "SELECT identifiers FROM customers WHERE workspace = {w:String} ORDER BY ALL"
    assert client.query(asked, parameters={"w": story.workspace}).result_rows == [([mail],), (["id:1"],)]
