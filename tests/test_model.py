"""The worker's work in any order, against a plain Python model: what the views say is what the model says, always.

A hypothesis state machine appends to a log of three partitions and lands it through the worker's own code on the real
engine, with crashes, half-done inserts, repeats, replays, merges and erasures in between. On a failure hypothesis
prints the smallest steps to it and a blob that repeats them; more examples: `--hypothesis-profile=long`.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from schemas.messages import Message, encode, key
from schemas.topics import partition
from tests.clickhouse import ClickHouse
from tests.model import Placed, Version, world
from tests.model_persons import CONTROL
from tests.sayings import Saying, message, sayings
from tests.tables import VIEWS, FakeRecord, packed, said, views
from workers.batch import Clocks, splice
from workers.check import wanted
from workers.clickhouse import connect
from workers.connection import Connection
from workers.dead_letters import Allowance, land
from workers.migrate import migrate, statements
from workers.people.anew import resolve_workspace
from workers.people.resolve import Resolver
from workers.purge import purge
from workers.sink import Sink

PARTITIONS = 3
NOW = int(time.time() * 1000) - 3_600_000  # an hour ago: the journal's time to live is counted from append times
ALL = Allowance(share=1)
MADE = wanted(statements().values())
FILLS = sorted(name for name, table in MADE.items() if table.engine == "MaterializedView")
TABLES = sorted(table.target for table in MADE.values() if table.target and MADE[table.target].key)
ALWAYS = ("events", "customers")  # looked at after every step; of the other views a few, taking turns
OTHERS = [name for name in VIEWS if name not in ALWAYS]
AT_ONCE = 2
MODEL_DATABASE = "penstock_model"

workspaces = st.sampled_from([0, 0, 0, 1])
spooled = st.one_of(st.none(), st.none(), st.integers(-40, 5))  # ms before or after the append; None: no spool
requests = st.tuples(workspaces, spooled, st.integers(-3, 9), sayings)
TAKES = st.tuples(*[st.integers(0, 12)] * PARTITIONS)
foreign = st.sampled_from([b"", b"{}", b"[1]", b'{"a":1},{"b":2}', b"\xff\x00", b'{"kind":"no such"}', b'{"id":'])


@dataclass(frozen=True)
class Written:
    """A record on the log. `clock`: the broker's, which may step back. `placed`: None if it can become no row."""

    record: FakeRecord
    at: int
    placed: Placed | None


class Log:
    """Three partitions in memory, and the append times that the worker has to find."""

    def __init__(self) -> None:
        self.partitions: list[list[Written]] = [[] for _ in range(PARTITIONS)]
        self.clock = NOW

    def append(self, number: int, value: bytes, record_key: bytes, message: Message | None = None) -> None:
        run = self.partitions[number]
        at = max(self.clock, run[-1].at if run else 0)
        placed = Placed(message, len(run), at, number) if message else None
        run.append(Written(FakeRecord(len(run), self.clock, record_key, value), at, placed))

    def places(self) -> list[tuple[int, int]]:
        return [(number, offset) for number, run in enumerate(self.partitions) for offset in range(len(run))]


@pytest.fixture(scope="module")
def own_database(clickhouse: ClickHouse) -> Iterator[str]:
    """A database of this module's own: its views are detached and its tables merged while others run their tests."""
    maker = connect(clickhouse.writer_url)
    maker.command(f"CREATE DATABASE IF NOT EXISTS {MODEL_DATABASE}")
    url = clickhouse.writer_url.rpartition("/")[0] + f"/{MODEL_DATABASE}"
    migrate(url)
    yield url
    maker.command(f"DROP DATABASE {MODEL_DATABASE} SYNC")
    maker.close()


class Life(RuleBasedStateMachine):
    """The life of a log and its tables. `landed`: places whose records are in every table that takes them."""

    url: str

    @initialize()
    def begin(self) -> None:
        self.sink, self.client = Sink(self.url), connect(self.url)
        self.generation = uuid.uuid4().hex
        self.names = [f"w{uuid.uuid4().hex[:12]}" for _ in range(2)]
        self.log = Log()
        self.committed = [0] * PARTITIONS
        self.landed: set[tuple[int, int]] = set()
        self.erased: list[tuple[str, Version]] = []
        self.purges = 0
        self.turns = cycle(OTHERS)
        self.crash()

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.pump([10_000] * PARTITIONS, True)
            self.look(list(VIEWS))
            self.sink.__exit__(None, None, None)
            self.client.close()

    # What clients do

    @rule(requests=st.lists(requests, min_size=6, max_size=25))
    def edges_append(self, requests: list[tuple[int, int | None, int, Saying]]) -> None:
        """tick: ms since the append before, by a clock that may step back."""
        for workspace, spooled, tick, saying in requests:
            self.log.clock += tick
            at = None if spooled is None else (self.log.clock + spooled) / 1000
            told = message(saying, self.names[workspace], str(uuid.uuid4()), self.log.clock, spooled_at=at)
            # By the workspace's number: its name is new in every example, and hypothesis repeats an example's steps.
            number = partition(f"{workspace}{saying['subject']}".encode(), PARTITIONS)
            self.log.append(number, encode(told), key(told), told)

    @rule(number=st.integers(0, PARTITIONS - 1), value=foreign)
    def somebody_else_writes_to_the_topic(self, number: int, value: bytes) -> None:
        self.log.append(number, value, b"no key of ours")

    # What the worker does

    @rule(takes=TAKES, acknowledged=st.booleans())
    def pump(self, takes: list[int], acknowledged: bool) -> None:
        """One batch. A crash before the commit: it is read and inserted again."""
        batch = self.batch(takes)
        self.insert(batch, self.clocks)
        if acknowledged:
            for number, offset in batch:
                self.committed[number] = offset + 1
        else:
            self.crash()
        self.look()

    @rule(takes=TAKES, again=TAKES, missed=st.sets(st.sampled_from(FILLS), min_size=1, max_size=6))
    def dies_in_mid_insert(self, takes: list[int], again: list[int], missed: set[str]) -> None:
        """ClickHouse is killed between two views of a block: some have it, others not, and nobody is told. The next
        batch begins at the same place and ends at another one."""
        for view in sorted(missed):
            self.client.command(f"DETACH TABLE {view} SYNC")
        try:
            self.insert(self.batch(takes), self.clocks, resolves=False)
        finally:
            for view in sorted(missed):
                self.client.command(f"ATTACH TABLE {view}")
        self.crash()
        self.pump([max(numbers) for numbers in zip(takes, again, strict=True)], True)

    @rule()
    def crash(self) -> None:
        """The next worker has no append times in mind and asks the tables for those before."""
        self.clocks = Clocks(lambda *place: self.sink.begin(self.generation, *place))

    @rule(number=st.integers(0, PARTITIONS - 1), back=st.integers(1, 30))
    def somebody_else_has_not_committed(self, number: int, back: int) -> None:
        """A rebalance: the partition starts again further back."""
        self.committed[number] = max(0, self.committed[number] - back)
        self.crash()

    def batch(self, takes: list[int]) -> list[tuple[int, int]]:
        ends = [first + take for first, take in zip(self.committed, takes, strict=True)]
        return [place for place in self.log.places() if self.committed[place[0]] <= place[1] < ends[place[0]]]

    def insert(self, batch: list[tuple[int, int]], clocks: Clocks, *, resolves: bool = True) -> None:
        """Through the worker's own code; the append times must come out as the log has them."""
        records = {number: [self.log.partitions[n][o].record for n, o in batch if n == number] for number, _ in batch}
        spliced = splice(self.generation, records, clocks)
        for spot in [*spliced.records, *spliced.foreign]:
            assert spot.at == self.log.partitions[spot.partition][spot.record.offset].at
        if dead := land(spliced, self.sink.insert, ALL):
            self.sink.bury(self.generation, dead)
        if records and resolves:
            self.sink.resolve(self.generation, records)
        self.landed |= set(batch)

    # What an operator does

    @rule(number=st.integers(0, PARTITIONS - 1), back=st.integers(1, 30), count=st.integers(1, 12))
    def replay_from_the_log(self, number: int, back: int, count: int) -> None:
        """Any range, also one that the worker has yet to come to."""
        run = self.log.partitions[number]
        first = max(0, len(run) - back)
        before = run[first - 1].at if first else 0
        self.insert([(number, o) for o in range(first, min(first + count, len(run)))], Clocks(lambda *_: before))
        self.look()

    @rule(
        which=st.sampled_from(
            ["1", "_partition = 1", "_offset % 3 = 0", "kind != 'delete'", "subject = 'id:1'", "id = 'a'"]
        ),
        since=st.integers(0, 40),
    )
    def replay_from_the_journal(self, which: str, since: int) -> None:
        columns = ", ".join(self.columns())
        those = f"_log = '{self.generation}' AND kind != 'erased' AND _at >= {NOW + since} AND ({which})"
        self.client.command(f"INSERT INTO messages ({columns}) SELECT {columns} FROM journal WHERE {those}")
        with Connection(self.url) as connection:
            Resolver(connection).again_in_journal(those, {})
        self.look()

    @rule(table=st.sampled_from(TABLES))
    def merge(self, table: str) -> None:
        self.client.command(f"OPTIMIZE TABLE {table} FINAL")
        self.look()

    @rule(workspace=workspaces, ago=st.integers(0, 20))
    def erase_a_workspace(self, workspace: int, ago: int) -> None:
        at = self.log.clock - ago
        version = (at, at, 1 << 43)
        self.erased.append((self.names[workspace], version))
        row = [self.names[workspace], packed(version), datetime.now(UTC)]
        self.client.insert("erased_workspaces", [row], column_names=["workspace", "version", "requested_at"])
        resolve_workspace(self.url, self.names[workspace])
        self.look()

    @precondition(lambda self: self.purges < 1)  # one takes as long as all else of an example
    @rule()
    def purge(self) -> None:
        """What is hidden leaves the tables, and nothing else does."""
        self.purges += 1
        purge(self.url)
        self.look()

    def lasting(self, rows: dict[tuple[str, ...], object]) -> dict[tuple[str, ...], object]:
        """A purge takes what was suppressed and whom a deletion named, and with it the rows that say so."""
        if not self.purges:
            return rows
        placed = [written.placed for run in self.log.partitions for written in run if written.placed]
        gone = {("unknown_cio_id", each.message.id) for each in placed if each.message.kind in CONTROL}
        return {key: row for key, row in rows.items() if key[1] != "suppressed" and key[1:] not in gone}

    def columns(self) -> list[str]:
        """Of a message as the worker sends it: all that ClickHouse does not work out by itself."""
        question = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'messages'"
        return [name for (name,) in self.client.query(f"{question} AND default_kind != 'MATERIALIZED'").result_rows]

    def look(self, which: Sequence[str] = ()) -> None:
        """The views, to the row: these, or those whose turn it is."""
        which = which or [*ALWAYS, *islice(self.turns, AT_ONCE)]
        landed = [self.log.partitions[number][offset] for number, offset in self.landed]
        expected = said(world([w.placed for w in landed if w.placed], self.erased))
        shown = views(self.client, self.names, which)
        expected.seen = {who: times for who, times in expected.seen.items() if who in shown.seen}
        for name in [*which, "seen"]:
            assert self.lasting(getattr(shown, name)) == self.lasting(getattr(expected, name)), name
        dead = self.client.query(
            "SELECT partition, offset FROM dead_letters WHERE log = {log:String} ORDER BY ALL",
            parameters={"log": self.generation},
        ).result_rows
        assert dead == sorted((n, o) for n, o in self.landed if self.log.partitions[n][o].placed is None)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_views_equal_the_model_whatever_happens_to_log_worker_and_tables(own_database: str) -> None:
    """After every batch, crash, replay, merge and erasure: each thing once, as last written."""
    machine = type("TestLife", (Life,), {"url": own_database})
    profile = settings(
        max_examples=settings().max_examples // 16,
        stateful_step_count=40,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=profile)
