"""The spool: what it keeps while the log is away, in which order it gives it back, and from when on that counts."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import msgspec
import pytest

from ingest.errors import TooLarge, Unavailable
from ingest.log import Done
from ingest.log.groups import Encoded, Group, Groups
from ingest.log.spool import SpooledLog
from ingest.log.spool_file import Spool
from ingest.log.sqlite import SqliteLog
from schemas.settings import BadSettings
from schemas.topics import LARGEST_RECORD
from tests.fakes import FakeClock
from tests.test_log_contract import message

TIMEOUT = 0.4
LONG = 30.0  # where nobody waits for it: a busy machine may not come to the next line for a second
Batch = list[bytes]


class FakeKafka:
    """Keeps what it is given. `there`: cleared, it takes nothing until it is set again, and then what is late too."""

    def __init__(self, timeout: float) -> None:
        self.values: Batch = []
        self.newest = 0
        self.ahead = 0.0
        self.there = asyncio.Event()
        self.there.set()
        self.before_confirming: Callable[[], object] = lambda: None
        self._writes: list[asyncio.Task[None]] = []
        self._groups = Groups[Batch](
            2, make=list, add=self._add, send=self._send, timeout=timeout, pending_limit=5 * LARGEST_RECORD
        )

    def put(self, records: Sequence[Encoded]) -> Sequence[Group[Any]]:
        return self._groups.put(records)

    def reachable(self) -> bool:
        return self.there.is_set() and not self._groups.overdue

    async def __aenter__(self) -> "FakeKafka":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._groups.close()
        self._groups.abandon()

    def _add(self, batch: Batch, records: Sequence[Encoded]) -> int:
        batch += [value for _, value, _ in records]
        return len(records)

    def _send(self, _lane: int, batch: Batch, _deadline: float, done: Done) -> None:
        self._writes.append(asyncio.create_task(self._write(batch, done)))

    async def _write(self, batch: Batch, done: Done) -> None:
        await self.there.wait()
        self.values += batch
        self.before_confirming()
        done("")


class Spooled(NamedTuple):
    log: SpooledLog
    kafka: FakeKafka
    clock: FakeClock
    folder: Path

    def arrived(self) -> list[tuple[int, float]]:
        """Of what is on Kafka: number, and from when on it counts."""
        sent = [msgspec.json.decode(value) for value in self.kafka.values]
        return [(int(one["id"]), one["spooled_at"]) for one in sent]

    def numbers(self) -> list[int]:
        return [number for number, _ in self.arrived()]

    async def until_drained(self) -> None:
        await eventually(lambda: not self.log.spooling() and not self.log.held.records)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def spooled(
    folder: Path, *, away: bool = False, largest: int = 1 << 24, now: float = 1e9, patience: float = TIMEOUT
) -> Any:
    """An edge's log with a spool. away: Kafka is, from the beginning. patience: with Kafka, s."""
    kafka, clock = FakeKafka(patience), FakeClock(now)
    if away:
        kafka.there.clear()
    spool = Spool(folder, largest=largest, append_timeout=10.0, clock=clock)  # a busy disk may take seconds
    async with SpooledLog(kafka, spool, append_timeout=patience, clock=clock) as log:
        yield Spooled(log, kafka, clock, folder)


@pytest.fixture
async def away(tmp_path: Path) -> AsyncIterator[Spooled]:
    """Kafka is away."""
    async with spooled(tmp_path, away=True) as log:
        yield log


async def timed(appending: Awaitable[None]) -> float:
    """s"""
    began = monotonic()
    await appending
    return monotonic() - began


def on_disk(folder: Path, text: str) -> list[str]:
    """The files of a folder that have a text in them."""
    return sorted(path.name for path in folder.iterdir() if text.encode() in path.read_bytes())


async def test_who_does_not_wait_has_the_spool_behind_it_too(tmp_path: Path) -> None:
    """Told once it is there, and not before the moment from which it counts; in its order among those who wait."""
    told: list[tuple[str, float]] = []
    began = monotonic()
    async with spooled(tmp_path) as at:
        at.kafka.there.clear()
        waiting = asyncio.create_task(at.log.append([message(0)]))
        await asyncio.sleep(0)
        at.log.append_then([message(1), message(2, "id:43")], lambda said: told.append((said, monotonic() - began)))
        await asyncio.gather(waiting, at.log.append([message(3)]))
        await eventually(lambda: bool(told))
        with pytest.raises(Unavailable):  # from now on only who waits
            at.log.append_then([message(4)], lambda said: told.append((said, 0.0)))
        at.kafka.there.set()
        await at.until_drained()

        assert [number for number in at.numbers() if number != 2][-3:] == [0, 1, 3]
    [(said, after)] = told
    assert said == ""
    assert after >= TIMEOUT - 0.01


async def test_a_spool_that_is_full_is_told_to_who_does_not_wait(tmp_path: Path) -> None:
    """Neither Kafka nor the spool has it."""
    told: list[str] = []
    async with spooled(tmp_path, largest=65_536) as at:
        at.kafka.there.clear()
        at.log.append_then([message(0, name="x" * 200_000)], told.append)
        await eventually(lambda: bool(told))

        assert told == ["the spool could not be written"]
        at.kafka.there.set()


async def test_while_kafka_answers_nothing_is_spooled(tmp_path: Path) -> None:
    """Each message says that it counts no later than the moment at which it would have been."""
    async with spooled(tmp_path, patience=LONG) as at:
        await at.log.append([message(0), message(1, "id:43")])

        assert at.arrived() == [(0, 1e9 + LONG), (1, 1e9 + LONG)]
        assert not at.log.spooling()
        assert at.log.reachable()
        assert at.log.held.records == 0


async def test_what_kafka_does_not_confirm_in_time_is_spooled_and_what_follows_does_not_wait(tmp_path: Path) -> None:
    """The first waits as long as it would for a 503; the next is durable at once, and counts from then on."""
    async with spooled(tmp_path) as at:
        at.kafka.there.clear()
        began = monotonic()
        await at.log.append([message(0)])
        waited = monotonic() - began
        at.clock.now += 1
        took = [await timed(at.log.append([message(number)])) for number in range(1, 6)]

        assert waited >= TIMEOUT
        assert min(took) < TIMEOUT  # of a busy disk one may take as long
        assert (at.log.spooling(), at.log.reachable(), at.log.delivering()) == (True, True, False)
        assert at.log.held.records == 6
        at.kafka.there.set()
        await at.until_drained()
        assert at.arrived() == [(0, 1e9 + TIMEOUT)] * 2 + [(number, 1e9 + 1) for number in range(1, 6)]
        assert at.kafka.values[0] == at.kafka.values[1]


async def test_nothing_is_answered_before_the_moment_from_which_on_it_counts(tmp_path: Path) -> None:
    """Also who joined a group that others had begun, and fails with them: else a deletion through another edge, made
    between the answer and that moment, would lose to a late copy."""
    timeout = 2.0  # none of the three comes later than that
    async with spooled(tmp_path, patience=timeout) as at:
        at.kafka.there.clear()
        before = [asyncio.create_task(at.log.append([message(0)]))]
        await asyncio.sleep(0.01)
        before.append(asyncio.create_task(at.log.append([message(1)])))
        await asyncio.sleep(timeout / 4)
        waited = await timed(at.log.append([message(2)]))
        await asyncio.gather(*before)
        at.kafka.there.set()
        await at.until_drained()

    assert waited >= timeout
    assert at.arrived() == [(number, 1e9 + timeout) for number in (0, 0, 1, 2)]


async def test_spool_is_drained_in_its_order_and_then_left(away: Spooled) -> None:
    """Thousands at once, several appends' worth; what comes while it drains stays behind; then Kafka has it first."""
    for first in range(0, 5000, 500):
        await asyncio.gather(*(away.log.append([message(first + number)]) for number in range(500)))
    assert away.log.held.records == 5000
    away.kafka.there.set()
    for number in range(5000, 5100):
        await away.log.append([message(number)])
    await away.until_drained()
    await away.log.append([message(5100)])

    assert away.numbers() == list(range(5101))
    assert away.arrived()[-1][1] == 1e9 + TIMEOUT
    assert not away.log.spooling()


async def test_what_an_earlier_process_left_goes_first(tmp_path: Path) -> None:
    """Also when Kafka is there at once; the leaving is told, and the spool is empty after it."""
    async with spooled(tmp_path, away=True) as at:
        await at.log.append([message(0), message(1)])
    assert at.numbers() == []

    async with spooled(tmp_path) as at:
        assert at.log.spooling()
        await at.log.append([message(2)])
        await at.until_drained()
        assert at.numbers() == [0, 1, 2]
    async with spooled(tmp_path) as at:
        assert not at.log.spooling()
        assert at.numbers() == []


async def test_leaving_spools_what_waits_for_kafka(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever is told to end answers what it took, and says what it leaves behind."""
    async with spooled(tmp_path) as at:
        at.kafka.there.clear()
        waiting = asyncio.create_task(at.log.append([message(0)]))
        await asyncio.sleep(0.01)
    await waiting

    with pytest.raises(Unavailable):
        await at.log.append([message(1)])
    assert "spool_left" in capsys.readouterr().out
    async with spooled(tmp_path) as at:
        await at.until_drained()
        assert at.numbers() == [0]


async def append_until_refused(log: SpooledLog, taken: list[int]) -> None:
    for number in range(1_000):
        await log.append([message(number, name="x" * 10_000)])
        taken.append(number)


async def test_full_spool_is_unavailable_until_it_is_drained(tmp_path: Path) -> None:
    """Nothing that was taken is lost, the file keeps to its bound, and `reachable` tells."""
    taken: list[int] = []
    async with spooled(tmp_path, away=True, largest=1 << 20) as at:
        with pytest.raises(Unavailable):
            await append_until_refused(at.log, taken)
        assert not at.log.reachable()
        assert (tmp_path / "spool.db").stat().st_size <= 1 << 20
        assert at.log.held.bytes <= 1 << 20
        at.kafka.there.set()
        await at.until_drained()
        await at.log.append([message(1_000)])

        assert len(taken) > 50
        assert at.numbers() == [*taken, 1_000]


async def test_full_queue_before_kafka_is_spooled_at_once(tmp_path: Path) -> None:
    """Nothing of it can come late, so it need not wait for the moment from which on it would count."""
    async with spooled(tmp_path, patience=LONG) as at:
        at.kafka.there.clear()
        large = [
            asyncio.create_task(at.log.append([message(number, name="x" * (LARGEST_RECORD - 500))]))
            for number in range(5)
        ]
        await asyncio.sleep(0.01)
        async with asyncio.timeout(LONG / 2):
            await at.log.append([message(5, name="x" * 5_000)])
        assert (at.log.spooling(), at.log.held.records) == (True, 1)
        at.kafka.there.set()
        await asyncio.gather(*large)
        await at.until_drained()

        assert at.arrived()[-1] == (5, 1e9)
        assert set(at.numbers()) == set(range(6))


async def test_a_clock_that_steps_back_does_not_let_the_later_write_lose(away: Spooled) -> None:
    """Neither within the spool, nor against what Kafka, with a clock of its own, has confirmed before."""
    for now in (100.0, 50.0, 60.0):
        away.clock.now = now
        await away.log.append([message(int(now))])
    away.kafka.newest = 200_123
    await away.log.append([message(61)])
    away.kafka.there.set()
    await away.until_drained()
    await away.log.append([message(62)])

    times = [int(at * 1000) for _, at in away.arrived()]
    assert times == [100_000, 100_000, 100_000, 200_123, 200_123 + TIMEOUT * 1000]


async def test_a_clock_that_steps_back_over_a_restart_does_not_either(tmp_path: Path) -> None:
    """What is in the spool says when it was put there."""
    async with spooled(tmp_path, away=True, now=100.0) as at:
        await at.log.append([message(0)])
    async with spooled(tmp_path, away=True, now=50.0) as at:
        await at.log.append([message(1)])
        at.kafka.there.set()
        await at.until_drained()

        assert at.arrived() == [(0, 100.0), (1, 100.0)]


async def test_spool_that_cannot_forget_does_not_repeat_itself(away: Spooled) -> None:
    """Kafka has the records and the file is locked: they are removed later, and appended once."""
    for number in range(3):
        await away.log.append([message(number)])
    with closing(sqlite3.connect(away.folder / "spool.db", isolation_level=None, timeout=0)) as somebody:
        away.kafka.before_confirming = lambda: somebody.execute("BEGIN IMMEDIATE")
        away.kafka.there.set()
        await eventually(lambda: not away.log.reachable())  # a lock was waited for in vain
        away.kafka.before_confirming = lambda: None
        somebody.execute("ROLLBACK")
        await away.until_drained()

    assert away.numbers() == [0, 1, 2]


async def test_spool_that_nobody_finds_takes_nothing_and_is_drained(away: Spooled) -> None:
    """Removed or moved away under a running edge: a 200 would be for a file that the next one does not see."""
    await away.log.append([message(0)])
    away.folder.rename(away.folder.with_name(f"{away.folder.name}-elsewhere"))

    with pytest.raises(Unavailable, match="removed or moved away"):
        await away.log.append([message(1)])

    assert not away.log.reachable()
    away.kafka.there.set()
    await away.until_drained()
    await away.log.append([message(2)])
    assert away.numbers() == [0, 2]


async def test_message_too_large_for_the_log_is_not_spooled(away: Spooled) -> None:
    """It could never leave the spool."""
    with pytest.raises(TooLarge):
        await away.log.append([message(0), message(1, name="x" * LARGEST_RECORD)])

    assert away.log.held.records == 0


async def test_drained_spool_leaves_nothing_on_the_disk(away: Spooled) -> None:
    """Of who was erased meanwhile nothing may stay in pages that are free, nor in the journal; and the file shrinks."""
    for number in range(200):
        await away.log.append([message(number, name="secret" + "x" * 20_000)])
    assert on_disk(away.folder, "secret")
    away.kafka.there.set()
    await away.until_drained()
    await away.log.append([message(200)])
    await eventually(lambda: not on_disk(away.folder, "secret"))

    assert (away.folder / "spool.db").stat().st_size < 100_000


async def test_records_that_the_embedded_log_no_longer_keeps_are_overwritten(tmp_path: Path) -> None:
    """Once both sides have left it, what is past the retention is nowhere in the file."""
    clock = FakeClock(1_000.0)
    async with SqliteLog(tmp_path / "log.db", retention=10.0, clock=clock) as log:
        await log.append([message(0, name="secret")])
        await log.append([message(1, name="kept")])
        take_all(tmp_path)
        clock.now += 100
        await log.append([message(2)])

    assert on_disk(tmp_path, "secret") == on_disk(tmp_path, "kept") == []
    assert on_disk(tmp_path, '"id":"2"') == ["log.db"]


def take_all(folder: Path) -> None:
    """As a worker that has read everything."""
    with closing(sqlite3.connect(folder / "log.db")) as log, closing(sqlite3.connect(folder / "positions.db")) as taken:
        taken.execute("CREATE TABLE positions (generation TEXT PRIMARY KEY, offset INTEGER NOT NULL) STRICT")
        taken.execute("INSERT INTO positions VALUES (?, 1000)", log.execute("SELECT id FROM generation").fetchone())
        taken.commit()


async def test_two_edges_cannot_share_a_spool(tmp_path: Path) -> None:
    """The second does not start, and is told which setting to change; when the first has left, it may."""
    async with spooled(tmp_path, away=True):
        with pytest.raises(BadSettings, match="PENSTOCK_SPOOL: another edge uses"):
            async with spooled(tmp_path):
                pass

    async with spooled(tmp_path) as at:
        assert not at.log.spooling()


@pytest.mark.parametrize("place", ["file", "none/none"])
async def test_folder_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path, place: str) -> None:
    """A spool that is found missing when Kafka goes away would be none."""
    (tmp_path / "file").touch()

    with pytest.raises(BadSettings, match="PENSTOCK_SPOOL"):
        async with spooled(tmp_path / place):
            pass


async def test_file_of_something_else_is_refused_and_the_folder_let_go(tmp_path: Path) -> None:
    """Nothing is written to it."""
    with closing(sqlite3.connect(tmp_path / "spool.db")) as other:
        other.execute("CREATE TABLE theirs (a)")
    for _ in range(2):
        with pytest.raises(BadSettings, match=r"PENSTOCK_SPOOL: .* of something else"):
            async with spooled(tmp_path):
                pass


async def test_concurrent_appends_share_the_spools_fsyncs(away: Spooled) -> None:
    """Those of one transaction have one time in the file."""

    async def one(number: int) -> None:
        away.clock.now += 1
        await away.log.append([message(number, f"id:{number}")])

    async with asyncio.TaskGroup() as group:
        for number in range(1_000):
            group.create_task(one(number))
            if number % 100 == 99:  # in bursts: those of one share a transaction, however fast the disk is
                await asyncio.sleep(0)
    with closing(sqlite3.connect(away.folder / "spool.db")) as spool:
        times = Counter(at for (at,) in spool.execute("SELECT at FROM records"))

    assert sum(times.values()) == 1_000
    assert len(times) < 50
