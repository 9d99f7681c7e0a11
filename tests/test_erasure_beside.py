"""Purges beside a worker, over a history of few people that is made by chance: who is who as without them."""

import random
import threading
from dataclasses import replace

import pytest
from clickhouse_connect.driver.client import Client

from schemas.messages import Kind
from tests.model import Placed, World, world
from tests.replaying import LOG, message, placed
from tests.tables import insert, resolve, said, views
from workers.purge import purge
from workers.sink import Sink

KINDS: dict[Kind, int] = {"identify": 8, "event": 4, "merge": 2, "delete": 2, "suppress": 1, "unsuppress": 2}
PEOPLE = [f"{kind}:{number}" for kind in ("id", "email") for number in range(4)]
WORKSPACES = [f"w{number}" for number in range(30)]
BATCHES, EACH = 10, 3
PARTS = 4


def history(rng: random.Random) -> list[Placed]:
    """What decides who is who, and events."""
    told = []
    for number in range(900):
        [kind] = rng.choices(list(KINDS), list(KINDS.values()))
        subject, other = rng.sample(PEOPLE, 2)
        links = (other,) if kind == "merge" or (kind == "identify" and rng.random() < 0.8) else ()
        name = "e" if kind == "event" else ""
        told.append(message(kind, subject, WORKSPACES[number % len(WORKSPACES)], links=links, name=name))
    return placed(told)


def lasting(told: World) -> World:
    """A purge takes what was refused of who is gone."""
    return replace(told, rejections={})


@pytest.mark.parametrize("seed", [1])
def test_purges_beside_a_worker_change_no_view(
    own: str, there: Client, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """They begin when a batch is in the tables, and end before or after it is known who is who by it."""
    monkeypatch.setattr("workers.purge.PAUSE", 0.0)
    monkeypatch.setattr("workers.people.resolve.LONGEST_REMOVAL", 60.0)  # nobody tries again here
    rng = random.Random(seed)
    records = history(rng)
    size = len(records) // BATCHES
    with Sink(own) as sink:
        for number in range(BATCHES):
            batch = records[number * size : (number + 1) * size]
            insert(sink, LOG, batch)
            sweeping = threading.Thread(target=purge, args=[own])
            if number % EACH == EACH - 1:
                sweeping.start()
            if rng.random() < 0.5 and sweeping.is_alive():
                sweeping.join()
            resolve(sink, LOG, batch)
            if sweeping.is_alive():
                sweeping.join()

    assert lasting(views(there, WORKSPACES)) == lasting(said(world(records)))


@pytest.mark.parametrize("seed", [1])
def test_replay_of_a_part_after_a_purge_changes_no_view(own: str, there: Client, seed: int) -> None:
    """Of what was said of who is gone, some of what decided who was who does not come again."""
    rng = random.Random(seed)
    records = history(rng)
    expected = lasting(said(world(records)))
    with Sink(own) as sink:
        insert(sink, LOG, records)
        resolve(sink, LOG, records)
        for _ in range(PARTS):
            purge(own)
            part = [record for record in records if rng.random() < 0.3]
            insert(sink, LOG, part)
            resolve(sink, LOG, part)

            assert lasting(views(there, WORKSPACES)) == expected
