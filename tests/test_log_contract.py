"""What every log promises, asked of the embedded one and of a real Kafka broker alike."""

import asyncio
import itertools
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from ingest.errors import TooLarge, Unavailable
from ingest.log import Log
from ingest.log.kafka import KafkaLog
from ingest.log.spool import SpooledLog
from ingest.log.spool_file import Spool
from ingest.log.sqlite import SqliteLog
from schemas.messages import Context, Message, Written, encode, key
from schemas.topics import LARGEST_RECORD
from tests.reading import numbers
from workers.log import Polled, Reader, Record
from workers.log.kafka import KafkaReader
from workers.log.sqlite import SqliteReader

PARTITIONS = 3
PATIENCE = 60.0


@dataclass(frozen=True)
class Place:
    """Where a log is: a way to open it for writing, and one for reading."""

    log: Callable[..., AbstractAsyncContextManager[Log]]
    reader: Callable[[], AbstractAsyncContextManager[Reader]]


KAFKA = [pytest.param(name, marks=pytest.mark.kafka) for name in ("kafka", "spooled")]


@pytest.fixture(params=["embedded", *KAFKA])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param != "embedded":
        place = kafka_place(request.getfixturevalue("kafka"), request.getfixturevalue("topic"))
        return place if request.param == "kafka" else spooled_place(place, tmp_path)
    ticks = itertools.count(1_000)
    return Place(
        lambda **options: SqliteLog(tmp_path / "log.db", clock=lambda: next(ticks) / 1000, **options),
        lambda: SqliteReader(tmp_path / "log.db", tmp_path / "positions.db"),
    )


def kafka_place(address: str, topic: str) -> Place:
    options = {"bootstrap": address, "topic": topic, "partitions": PARTITIONS, "replication": 1}
    return Place(
        lambda **more: KafkaLog(**{**options, "append_timeout": 10.0, **more}),
        lambda: KafkaReader(bootstrap=address, topic=topic, group=topic),
    )


def spooled_place(kafka: Place, folder: Path) -> Place:
    """The same with a spool beside it."""

    def log(*, pending_bytes: int = 64 << 20, **options: Any) -> SpooledLog:
        bounds = {"append_timeout": 10.0, "pending_bytes": pending_bytes, **options}
        spool = Spool(folder, largest=1 << 30, clock=time.time, **bounds)
        direct: Any = kafka.log(**bounds)
        return SpooledLog(direct, spool, append_timeout=bounds["append_timeout"])

    return Place(log, kafka.reader)


def message(number: int, subject: str = "id:42", **fields: Any) -> Message:
    base = {"workspace": "site", "kind": "event", "received_at": 1.0, "timestamp": 1.0}
    return Message(id=str(number), subject=subject, context=Context(endpoint="track"), **{**base, **fields})


async def read(reader: Reader, count: int) -> tuple[list[Record], list[Polled]]:
    """The next `count` records, and the polls that brought them."""
    records: list[Record] = []
    polls: list[Polled] = []
    async with asyncio.timeout(PATIENCE):
        while len(records) < count:
            polls.append(await reader.poll(10_000, 0.2))
            records.extend(itertools.chain.from_iterable(polls[-1].records.values()))
    return records, polls


async def some(reader: Reader, limit: int) -> Polled:
    """The next poll that brings records."""
    async with asyncio.timeout(PATIENCE):
        while not (polled := await reader.poll(limit, 0.2)).records:
            pass
    return polled


async def test_appended_messages_come_back_in_order_per_subject(place: Place) -> None:
    """One subject's messages share a key and a partition, with rising offsets."""
    async with place.log() as log, place.reader() as reader:
        for number in range(100):
            await log.append([message(number, f"id:{number % 5}")])
        _, polls = await read(reader, 100)

    by_key: dict[bytes, list[int]] = {}
    for partition, records in ((p, r) for poll in polls for p, r in poll.records.items()):
        assert partition < PARTITIONS
        assert [record.offset for record in records] == sorted(record.offset for record in records)
        for record in records:
            by_key.setdefault(record.key or b"", []).extend(numbers([record]))
    assert by_key == {f"site\0id:{n}".encode(): list(range(n, 100, 5)) for n in range(5)}


async def test_one_append_of_many_subjects_is_durable_as_a_whole(place: Place) -> None:
    """An append may span partitions; it returns when all of them have it."""
    async with place.log() as log, place.reader() as reader:
        await log.append([message(number, f"id:{number}") for number in range(500)])
        records, _ = await read(reader, 500)

    assert sorted(numbers(records)) == list(range(500))


async def test_concurrent_appends_share_writes(place: Place) -> None:
    """1,000 requests at once are all on the log, in far fewer writes: those of one write share the append time."""
    async with place.log() as log, place.reader() as reader:
        await asyncio.gather(*(log.append([message(number, f"id:{number}")]) for number in range(1_000)))
        records, _ = await read(reader, 1_000)

    assert sorted(numbers(records)) == list(range(1_000))
    assert len({record.timestamp for record in records}) < 50


async def test_who_does_not_wait_is_told_once_each(place: Place) -> None:
    """When all partitions of a write have it, never before it was handed over, and in no more writes than others."""
    told: list[tuple[int, str]] = []
    async with place.log() as log, place.reader() as reader:
        for number in range(200):
            several = [message(10 * number + n, f"id:{n}") for n in range(number % 4 + 1)]
            log.append_then(several, lambda failure, number=number: told.append((number, failure)))  # type: ignore[misc]
        assert told == []
        await log.append([message(-1)])
        records, _ = await read(reader, 501)
        await log.append([message(-2)])  # whoever came before it has been told

    assert sorted(told) == [(number, "") for number in range(200)]
    assert len({record.timestamp for record in records}) < 20


async def test_a_message_that_is_written_already_becomes_the_same_record(place: Place) -> None:
    """In its place among the others; one that is too large is refused as they are."""
    ones = [message(number, name="x" * number) for number in range(6)]
    told: list[str] = []
    async with place.log() as log, place.reader() as reader:
        log.append_then([Written(key(one), encode(one)[1:]) if one.name else one for one in ones], told.append)
        await log.append(ones)
        records, _ = await read(reader, 12)
        with pytest.raises(TooLarge):
            log.append_then([Written(b"k", b"x" * LARGEST_RECORD)], told.append)

    assert [record.key for record in records[:6]] == [record.key for record in records[6:]]
    assert [_read(record) for record in records[:6]] == [_read(record) for record in records[6:]] == ones
    assert told == [""]


def _read(record: Record) -> Message:
    return replace(msgspec.json.decode(record.value or b"", type=Message), spooled_at=None)


async def test_what_a_log_refuses_at_once_is_not_told_later(place: Place) -> None:
    """It is raised: a message that is too large, more than may wait, a log that is closed; and nothing was taken."""
    told: list[str] = []
    async with place.log(pending_bytes=1_000) as log:
        with pytest.raises(TooLarge):
            log.append_then([message(0), message(1, name="x" * LARGEST_RECORD)], told.append)
        with pytest.raises(Unavailable):
            log.append_then([message(2, name="x" * 1_000)], told.append)
    with pytest.raises(Unavailable):
        log.append_then([message(3)], told.append)
    assert told == []


async def test_committed_records_are_not_read_again(place: Place) -> None:
    """A reader that is started again goes on after what was committed."""
    async with place.log() as log:
        await log.append([message(number) for number in range(10)])
        async with place.reader() as reader:
            _, polls = await read(reader, 10)
            for poll in polls:
                await reader.commit(poll)
        await log.append([message(10)])
        async with place.reader() as reader:
            records, _ = await read(reader, 1)

    assert numbers(records) == [10]


async def test_uncommitted_records_are_read_again(place: Place) -> None:
    """A reader that dies before its commit loses nothing."""
    async with place.log() as log:
        await log.append([message(number) for number in range(10)])
        async with place.reader() as reader:
            first, _ = await read(reader, 10)
        async with place.reader() as reader:
            second, _ = await read(reader, 10)

    assert numbers(first) == numbers(second) == list(range(10))


async def test_poll_keeps_to_its_limit(place: Place) -> None:
    """What is above the limit comes with the next poll."""
    async with place.log() as log, place.reader() as reader:
        await log.append([message(number) for number in range(10)])
        counts: list[int] = []
        async with asyncio.timeout(PATIENCE):
            while sum(counts) < 10:
                polled = await reader.poll(4, 0.2)
                counts.append(sum(map(len, polled.records.values())))

    assert [count for count in counts if count] == [4, 4, 2]


async def test_keep_alive_takes_no_records(place: Place) -> None:
    """Records that arrive meanwhile come with the next poll."""
    async with place.log() as log, place.reader() as reader:
        await log.append([message(0)])
        await read(reader, 1)
        await log.append([message(1)])
        for _ in range(3):
            await reader.keep_alive()
        records, _ = await read(reader, 1)

    assert numbers(records) == [1]


async def test_rewound_reader_begins_again_where_it_committed(place: Place) -> None:
    """What was polled after that comes once more, in another epoch; what was polled before cannot be committed."""
    async with place.log() as log, place.reader() as reader:
        for number in range(6):
            await log.append([message(number)])
        first = await some(reader, 2)
        await reader.commit(first)
        old = await some(reader, 2)
        await reader.rewind()
        await reader.commit(old)
        again, polls = await read(reader, 4)
        await reader.rewind()
        once_more, _ = await read(reader, 4)

    assert numbers(again) == numbers(once_more) == list(range(len(numbers(*first.records.values())), 6))
    assert polls[-1].epoch > old.epoch


async def test_reader_may_come_before_the_log(place: Place) -> None:
    """There is nothing to poll until the edge has made the log; then it is read from its beginning."""
    async with place.reader() as reader:
        early = await reader.poll(10, 0.1)
        async with place.log() as log:
            await log.append([message(0)])
            records, _ = await read(reader, 1)
        generation = reader.generation

    assert not early.records
    assert numbers(records) == [0]
    assert generation


async def test_message_too_large_for_the_log_is_refused_with_its_whole_append(place: Place) -> None:
    """Nothing of that append is written, and the next one is."""
    async with place.log() as log, place.reader() as reader:
        with pytest.raises(TooLarge):
            await log.append([message(0), message(1, name="x" * LARGEST_RECORD)])
        await log.append([message(2)])
        records, _ = await read(reader, 1)

    assert numbers(records) == [2]


async def test_largest_messages_fit(place: Place) -> None:
    """Messages just below the limit are stored, several of them in one append too."""
    name = "x" * (LARGEST_RECORD - 500)
    async with place.log() as log, place.reader() as reader:
        await log.append([message(number, name=name) for number in range(5)])
        records, _ = await read(reader, 5)

    assert numbers(records) == list(range(5))


async def test_closed_log_is_unavailable(place: Place) -> None:
    """What comes after the log was left is refused, not lost."""
    async with place.log() as log:
        await log.append([message(0)])

    with pytest.raises(Unavailable):
        await log.append([message(1)])


async def test_leaving_the_log_flushes_what_was_taken(place: Place) -> None:
    """An append that is under way when the log is left still gets its 200."""
    async with place.log() as log:
        under_way = asyncio.create_task(log.append([message(0)]))
        await asyncio.sleep(0)
    await under_way

    async with place.reader() as reader:
        records, _ = await read(reader, 1)
    assert numbers(records) == [0]


async def test_cancelled_caller_does_not_take_its_group_along(place: Place) -> None:
    """Who shared the write with a client that went away is answered, and both messages are there."""
    async with place.log() as log, place.reader() as reader:
        gone = asyncio.create_task(log.append([message(0)]))
        stays = asyncio.create_task(log.append([message(1)]))
        await asyncio.sleep(0)
        gone.cancel()
        await stays
        records, _ = await read(reader, 2)

    assert gone.cancelled()
    assert numbers(records) == [0, 1]


async def test_append_time_is_the_logs_own_and_never_steps_back(place: Place) -> None:
    """Times of clients do not matter: those of the log rise with the offsets."""
    async with place.log() as log, place.reader() as reader:
        for number in range(20):
            await log.append([message(number, timestamp=5e9 - number, received_at=5e9 - number)])
        records, _ = await read(reader, 20)

    times = [record.timestamp for record in records]
    assert times == sorted(times)
    assert times[-1] < 4e12


async def test_append_of_nothing_returns(place: Place) -> None:
    """A batch request without items is no error of the log's."""
    async with place.log() as log, place.reader() as reader:
        await log.append([])

        assert not (await reader.poll(10, 0.1)).records


async def test_log_that_has_too_much_waiting_refuses_at_once(place: Place) -> None:
    """What waits is bounded in bytes; above it the client is told to come back, without waiting."""
    async with place.log(pending_bytes=2_000, append_timeout=60.0) as log:
        async with asyncio.timeout(20):
            with pytest.raises(Unavailable):
                await log.append([message(number) for number in range(100)])
        await log.append([message(100)])

        assert log.reachable()


@pytest.fixture
def kafka_log(kafka: str, topic: str) -> Place:
    return kafka_place(kafka, topic)


@pytest.mark.kafka
async def test_records_polled_before_a_reassignment_are_not_committed_after_it(kafka_log: Place) -> None:
    """They are read again by whoever has the partition now, and none is skipped."""
    async with kafka_log.log() as log, kafka_log.reader() as first:
        await log.append([message(number, f"id:{number}") for number in range(30)])
        _, polls = await read(first, 30)
        async with kafka_log.reader() as second:
            seen: set[int] = set()
            async with asyncio.timeout(PATIENCE):
                while len(seen) < 30:
                    for reader in (first, second):
                        polled = await reader.poll(100, 0.2)
                        seen.update(*map(numbers, map(list, polled.records.values())))
            for poll in polls:
                await first.commit(poll)
        async with asyncio.timeout(PATIENCE):
            while polls[-1].epoch == (await first.poll(100, 0.2)).epoch:
                pass
        async with kafka_log.reader() as third:
            records, _ = await read_of_all(first, third, 30)

    assert sorted(numbers(records)) == list(range(30))


async def read_of_all(first: Reader, second: Reader, count: int) -> tuple[list[Record], None]:
    """`count` different records of two readers that share the log."""
    found: dict[int, Record] = {}
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            for reader in (first, second):
                for records in (await reader.poll(100, 0.2)).records.values():
                    found.update((numbers([record])[0], record) for record in records)
    return list(found.values()), None


async def test_message_says_from_when_on_it_counts_where_a_copy_may_come_late(
    kafka: str, topic: str, tmp_path: Path
) -> None:
    """On Kafka: when its request is answered at the latest, by our clock, or by Kafka's if that is ahead. A message for
    the embedded log arrives in time or not at all."""
    options = {"append_timeout": 10.0, "clock": lambda: 1e9}
    at = kafka_place(kafka, topic)
    async with at.log(**options) as log, at.reader() as reader:
        await log.append([message(0)])
        await log.append([message(1)])
        records, _ = await read(reader, 2)
    said = [msgspec.json.decode(record.value or b"").get("spooled_at") for record in records]
    assert said == [1e9 + 10, pytest.approx(records[0].timestamp / 1000 + 10, abs=0.001)]

    async with SqliteLog(tmp_path / "log.db") as embedded, SqliteReader(tmp_path / "log.db", tmp_path / "p.db") as kept:
        await embedded.append([message(0)])
        [record], _ = await read(kept, 1)
    assert b"spooled_at" not in (record.value or b"")


@pytest.mark.kafka
async def test_first_write_of_an_edge_whose_clock_is_behind_counts_from_behind_what_is_there(
    kafka: str, topic: str
) -> None:
    """Else an older write would win over it. From then on it knows what time it is. That it is two hours behind is
    told."""
    place = kafka_place(kafka, topic)
    async with place.log() as log, place.reader() as reader:
        await log.append([message(number, f"id:{number}") for number in range(3)])
        there, _ = await read(reader, 3)
        with capture_logs() as lines:
            async with place.log(clock=lambda: time.time() - 7_200) as behind:
                await behind.append([message(3)])
                await asyncio.sleep(0.3)
                await behind.append([message(4)])
        (first, second), _ = await read(reader, 2)

    latest = max(one.timestamp for one in there) / 1000
    assert _counts(first) == pytest.approx(latest + 10, abs=0.001)
    assert _counts(second) >= first.timestamp / 1000 + 10.3
    assert [line["seconds"] for line in lines if line["event"] == "clock_behind"] == [pytest.approx(7_200, abs=20)]


def _counts(record: Record) -> float:
    """From when on, at the latest."""
    return float(msgspec.json.decode(record.value or b"")["spooled_at"])
