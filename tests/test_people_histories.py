"""People against a plain Python model: random histories, in whatever pieces and order they come to the tables.

Each history is a workspace of its own; several are landed together, so that what one changes touches no other. More of
them: `--hypothesis-profile=long`.
"""

import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.histories import NODES, PARTITIONS, Step, histories, listed, placed
from tests.model import World, world
from tests.placed import Placed
from tests.tables import VIEWS, hashes, insert, resolve, said, views
from workers.clickhouse import connect
from workers.sink import Sink

MANY = 12  # histories at most that are landed together


class Told:
    """Histories on one log, each in a workspace."""

    def __init__(self, client: Client, given: Sequence[Sequence[Step]]) -> None:
        self._client = client
        self.workspaces = [f"w{uuid.uuid4().hex[:12]}" for _ in given]
        self._hashes = hashes(client, [(workspace, node) for workspace in self.workspaces for node in NODES])
        self._runs: list[list[Placed]] = []
        for workspace, history in zip(self.workspaces, given, strict=True):
            first = sum(map(len, self._runs))
            by_subject = {node: hash for (of, hash), node in self._hashes.items() if of == workspace}
            self._runs.append(placed(history, workspace, by_subject.__getitem__, first))

    @property
    def records(self) -> list[Placed]:
        """In the order of the log: append times rise with the offsets of a partition."""
        together = sorted((each for run in self._runs for each in run), key=lambda record: (record.at, record.offset))
        return [replace(record, offset=offset) for offset, record in enumerate(together)]

    def differences(self, records: Sequence[Placed]) -> list[str]:
        """Of what the views say from what the model says; of a history that differs all of it is noted."""
        shown = views(self._client, self.workspaces)
        expected = said(world(records, hashes=self._hashes))
        found = _differences(shown, expected)
        for workspace in self.workspaces:
            if any(workspace in line for line in found):
                note(listed([record for record in records if record.message.workspace == workspace]))
        return found

    def differences_alone(self, rng: random.Random) -> list[str]:
        """Of what is read of one person alone from what the views over everything say."""
        workspace = rng.choice(self.workspaces)
        customers, events = (self._rows(view, workspace=workspace) for view in ("customers", "events"))
        known = {each: row["cio_id"] for row in customers for each in (*row["identifiers"], f"cio_{row['cio_id']}")}
        found = self._attributes_alone(workspace, customers)
        for identifier in rng.sample(sorted({*known, *NODES, "cio_7"}), 3):
            written = identifier.removeprefix(rng.choice(["", "id:", "email:"]))
            person = known.get(identifier, "nobody's")
            for alone, of_all, whose in (("customer", customers, "cio_id"), ("customer_events", events, "person")):
                read = f"{alone}(workspace = {{workspace:String}}, identifier = {{identifier:String}})"
                shown = sorted(map(str, self._rows(read, workspace=workspace, identifier=written)))
                expected = sorted(str(row) for row in of_all if row[whose] == person)
                if shown != expected:
                    found.append(f"{alone} of {written} in {workspace}: shown {shown}, expected {expected}")
        return found

    def _rows(self, view: str, **asked: str) -> Sequence[Mapping[str, Any]]:
        """All columns by name. A view over everything is read once, whole, of a workspace: to read it is what costs."""
        where = "" if "(" in view else " WHERE workspace = {workspace:String}"
        return list(self._client.query(f"SELECT * FROM {view}{where}", parameters=asked).named_results())

    def _attributes_alone(self, workspace: str, customers: Sequence[Mapping[str, Any]]) -> list[str]:
        """Of those that have a row each from the maps."""
        alone = """
            WITH arraySort(groupArray((name, value, value_json))) AS those
            SELECT person, mapFromArrays(those.1, those.2),
                '{' || arrayStringConcat(arrayMap(one -> toJSONString(one.1) || ':' || one.3, those), ',') || '}'
            FROM attributes
            WHERE workspace = {workspace:String}
            GROUP BY person
        """
        shown = sorted(map(str, self._client.query(alone, parameters={"workspace": workspace}).result_rows))
        maps = [(row["cio_id"], row["attributes"], row["attributes_json"]) for row in customers if row["attributes"]]
        expected = sorted(map(str, maps))
        return [] if shown == expected else [f"attributes in {workspace}: shown {shown}, expected {expected}"]


def _differences(shown: World, expected: World) -> list[str]:
    lines = []
    for name in [*VIEWS, "seen"]:
        left, right = getattr(shown, name), getattr(expected, name)
        keys = [key for key in left.keys() | right.keys() if left.get(key) != right.get(key)]
        lines += [f"{name} {key}: shown {left.get(key)}, expected {right.get(key)}" for key in sorted(keys)]
    return lines


def pieces(records: Sequence[Placed], rng: random.Random) -> Iterator[list[Placed]]:
    """Batches as pumps take them: of each partition the next ones, while another may lag behind; some come twice."""
    runs = {number: [each for each in records if each.partition == number] for number in range(PARTITIONS)}
    taken: list[list[Placed]] = []
    while any(runs.values()):
        batch = []
        for number in rng.sample(range(PARTITIONS), rng.randint(1, PARTITIONS)):
            count = rng.choice([1, 10, 40, 1000])
            batch += runs[number][:count]
            runs[number] = runs[number][count:]
        if batch:
            taken.append(batch)
            yield batch
            if rng.random() < 0.2:
                yield rng.choice(taken)


def land(sink: Sink, generation: str, records: Sequence[Placed], rng: random.Random) -> None:
    """Two workers: one may have inserted while the other has still to find out who is who."""
    waiting: list[Sequence[Placed]] = []
    for batch in pieces(records, rng):
        insert(sink, generation, batch)
        waiting.append(batch)
        while waiting and rng.random() < 0.7:
            resolve(sink, generation, waiting.pop(rng.randrange(len(waiting))))
    for rest in waiting:
        resolve(sink, generation, rest)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_views_equal_the_model_after_any_histories(own: str) -> None:
    """However they were cut, repeated and replayed, and whichever partition lagged."""
    with Sink(own) as sink, closing(connect(own)) as client:

        @settings(
            max_examples=settings().max_examples // 10,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            given_histories=st.lists(histories, min_size=1, max_size=MANY),
            seed=st.integers(0, 2**32),
            again=st.booleans(),
        )
        def check(given_histories: Sequence[Sequence[Step]], seed: int, again: bool) -> None:
            told, generation, rng = Told(client, given_histories), uuid.uuid4().hex, random.Random(seed)
            records = told.records
            land(sink, generation, records, rng)
            assert told.differences(records) == []
            assert told.differences_alone(rng) == []
            if again:
                land(sink, generation, rng.sample(records, len(records)), rng)
                assert told.differences(records) == []

        check()
