"""`penstock replay --from log`: from a real topic and from the embedded log, with the worker's own append times."""

import asyncio
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from clickhouse_connect.driver.client import Client

from ingest.log.kafka import KafkaLog
from ingest.log.sqlite import SqliteLog
from schemas.messages import Message, encode, key
from schemas.settings import Settings
from tests.replaying import AT_ONCE, MADE, PROJECTION, Quiet, count, history, message, replayed, shown
from workers.clickhouse import Failed
from workers.dead_letters import Allowance
from workers.gathering import Limits
from workers.log import LogAway, kafka_records
from workers.log import ranges as log_ranges
from workers.log.kafka import KafkaReader
from workers.log.places import log_state
from workers.log.ranges import ranges
from workers.log.sqlite import SqliteReader
from workers.loop import Pump
from workers.replay.main import Order, rehearse
from workers.replay.selection import Selection
from workers.sink import Sink

PARTITIONS = 3
PATIENCE = 30.0


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Of a log of its own."""
    if request.param == "embedded":
        return Settings(data=tmp_path)
    return kafka_settings(request.getfixturevalue("kafka"), request.getfixturevalue("topic"))


def kafka_settings(kafka: str, topic: str) -> Settings:
    return Settings(kafka=kafka, topic=topic, partitions=PARTITIONS)


async def write(settings: Settings, messages: Sequence[Message]) -> None:
    """A few in each append."""
    opened = (
        KafkaLog(
            bootstrap=settings.kafka,
            topic=settings.topic,
            partitions=PARTITIONS,
            replication=1,
            append_timeout=10.0,
        )
        if settings.kafka
        else SqliteLog(settings.data / "log.db")
    )
    async with opened as log:
        for begin in range(0, len(messages), 20):
            await log.append(messages[begin : begin + 20])


async def pumped(settings: Settings, address: str) -> None:
    """Return once a worker has taken all that is on the log."""
    reader = (
        KafkaReader(bootstrap=settings.kafka, topic=settings.topic)
        if settings.kafka
        else SqliteReader(settings.data / "log.db", settings.data / "positions.db")
    )
    stop = asyncio.Event()
    with Sink(address) as sink:
        async with reader:
            pump = Pump(reader, sink, Limits(interval=0.05), Allowance(share=1))
            running = asyncio.create_task(pump.run(stop))
            async with asyncio.timeout(PATIENCE):
                while any((await log_state(settings)).lag.values()):  # noqa: ASYNC110  only the log knows
                    await asyncio.sleep(0.1)
            stop.set()
            await running


async def test_everything_replayed_twice_changes_no_view(own: str, there: Client, settings: Settings) -> None:
    """Not a byte of them; nor of the places and times in the journal."""
    await write(settings, history(400, 11))
    await pumped(settings, own)
    before = shown(there)
    journal = there.raw_query("SELECT * FROM journal FINAL ORDER BY ALL FORMAT TSV")
    assert len(before["events"].splitlines()) > 50

    once = await replayed(own, "log", settings=settings, rows=50)
    twice = await replayed(own, "log", settings=settings)
    await replayed(own)

    assert (once.rows, twice.rows) == (400, 400)
    assert shown(there) == before
    assert there.raw_query("SELECT * FROM journal FINAL ORDER BY ALL FORMAT TSV") == journal


async def test_lost_database_is_made_again(own: str, there: Client, settings: Settings) -> None:
    """The journal too: all that the views said comes from the log, with the same times."""
    await write(settings, history(300, 12))
    await pumped(settings, own)
    before = shown(there)
    for table in MADE:
        there.command(f"TRUNCATE TABLE {table}")
    there.command("TRUNCATE TABLE journal")

    await replayed(own, "log", settings=settings, rows=37)

    assert shown(there) == before


async def test_new_projection_is_filled(own: str, there: Client, settings: Settings) -> None:
    """Its table and view came after the messages; also what the journal has lost already comes, once."""
    await write(settings, [message("event", f"id:{n}", name="e") for n in range(40)] + [message("page", "id:1")])
    await pumped(settings, own)
    there.command("TRUNCATE TABLE journal")
    for statement in PROJECTION.split(";"):
        there.command(statement)
    try:
        for _ in range(2):
            await replayed(own, "log", settings=settings)
        assert count(there, "bought") == 40
    finally:
        for name in ("to_bought", "bought"):
            there.command(f"DROP TABLE {name}")


async def test_nothing_erased_comes_back(own: str, there: Client, settings: Settings) -> None:
    """The range before a deletion, alone, after its rows had left the disk; and a workspace that was erased."""
    await write(settings, [message("event", "id:1", name="old"), message("event", "id:2", "gone", name="old")])
    await write(settings, [message("delete", "id:1"), message("event", "id:1", name="new")])
    await pumped(settings, own)
    there.command("INSERT INTO erased_workspaces SELECT 'gone', max(version) + 1, now64(3) FROM journal")
    before = shown(there)
    there.command("DELETE FROM packed_events WHERE name = 'old'")

    for partition, end in (await log_state(settings)).end.items():
        await replayed(own, "log", settings=settings, partition=partition, last=max(end - 3, 1))
        assert shown(there) == before
    await replayed(own, "log", settings=settings)

    assert shown(there) == before
    assert [row[0] for row in there.query("SELECT name FROM events").result_rows] == ["new"]


async def test_replay_beside_a_worker_changes_nothing(own: str, there: Client, settings: Settings) -> None:
    """It may even be ahead of the worker, which then finds its rows there."""
    await write(settings, history(300, 13))

    await asyncio.gather(replayed(own, "log", settings=settings, rows=20), pumped(settings, own))

    before = shown(there)
    assert count(there, "journal") == 300
    await replayed(own, "log", settings=settings)
    assert shown(there) == before


async def test_offsets_times_and_contents_choose(own: str, there: Client, settings: Settings) -> None:
    """The same options as for the journal; a record's place on the log stays what it was."""
    begin = int(time.time() * 1000)
    await write(settings, [message("event", "id:1", id=f"a{n}", name="old") for n in range(4)])
    await asyncio.sleep(0.05)
    middle = int(time.time() * 1000)
    await asyncio.sleep(0.05)
    await write(settings, [message("event", "id:1", id=f"b{n}", name="new") for n in range(4)])
    state = await log_state(settings)
    [partition] = [partition for partition, end in state.end.items() if end > state.begin[partition]]
    first = state.begin[partition]

    async def ids(**chosen: Any) -> set[str]:
        there.command("TRUNCATE TABLE packed_events")
        await replayed(own, "log", settings=settings, rows=3, **chosen)
        return {row[0] for row in there.query("SELECT id FROM events").result_rows}

    assert await ids(since=begin - 1000, until=middle) == {"a0", "a1", "a2", "a3"}
    assert await ids(since=middle) == {"b0", "b1", "b2", "b3"}
    assert await ids(partition=partition, first=first + 3, last=first + 4) == {"a3", "b0"}
    assert await ids(name="new", first=first + 6) == {"b2", "b3"}
    assert await ids(subject="id:2") == set()
    assert await ids(generation="another") == set()


async def test_dead_letters_are_not_buried_twice(own: str, there: Client, settings: Settings) -> None:
    """What the worker buried is refused again, and said; what it has not met is said to be unknown."""
    refused = message("event", "id:1", name="e", timestamp=1e300)
    await write(settings, [message("event", "id:1", name="e"), refused])
    unmet = await replayed(own, "log", settings=settings)
    await pumped(settings, own)
    before = there.raw_query("SELECT * FROM dead_letters FORMAT TSV")

    met = await replayed(own, "log", settings=settings)

    assert (unmet.rows, unmet.refused, unmet.unknown) == (1, 1, 1)
    assert (met.rows, met.refused, met.unknown) == (1, 1, 0)
    assert there.raw_query("SELECT * FROM dead_letters FORMAT TSV") == before


async def test_rehearsal_counts_what_the_log_has(own: str, there: Client, settings: Settings) -> None:
    """Nothing was inserted yet: every row is new, and still is afterwards."""
    await write(settings, [message("event", f"id:{n}", name="e") for n in range(30)])

    for _ in range(2):
        order = Order("log", Selection(), pace=AT_ONCE)
        summary, rehearsal = await rehearse(settings, own, order, Quiet())
        new = {table: tally.new for (table, _), tally in rehearsal.tables.items()}

    assert summary.rows == 30
    assert (new["journal"], new["packed_events"], new["stored_attributes"]) == (30, 30, 0)
    assert (count(there, "journal"), count(there, "replays")) == (0, 0)


async def test_missing_log_is_said(own: str, tmp_path: Path) -> None:
    """There is none in this folder."""
    with pytest.raises(LogAway, match="PENSTOCK_DATA"):
        await replayed(own, "log", settings=Settings(data=tmp_path))


async def falling(settings: Settings, times: Sequence[int], partition: int = 0) -> None:
    """One event at each of these times, on a topic that keeps the times it is given: a broker's clock that steps."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    kept = {"message.timestamp.type": "CreateTime"}
    await admin.create_topics([NewTopic(settings.topic, PARTITIONS, 1, topic_configs=kept)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka)
    await producer.start()
    for number, at in enumerate(times):
        one = message("event", "id:1", id=str(number), name="e")
        value = encode(one)
        await producer.send_and_wait(settings.topic, value, key=key(one), partition=partition, timestamp_ms=at)
    await producer.stop()


@pytest.mark.kafka
async def test_append_times_are_the_workers_also_where_the_clock_stepped_back(
    own: str, there: Client, kafka: str, topic: str
) -> None:
    """From the middle of a partition, with the journal's record before it, and without."""
    settings = kafka_settings(kafka, topic)
    now = int(time.time() * 1000)
    await falling(settings, [now, now + 9000, now + 100, now + 200, now + 300, now + 9001])
    await pumped(settings, own)
    at = "SELECT _offset, _at - {now:UInt64} FROM journal FINAL ORDER BY _offset"
    expected = [(0, 0), (1, 9000), (2, 9000), (3, 9000), (4, 9000), (5, 9001)]
    assert there.query(at, parameters={"now": now}).result_rows == expected

    for lost in ("_offset >= 3", "1"):
        there.command(f"ALTER TABLE journal DELETE WHERE {lost}", settings={"mutations_sync": 1})
        await replayed(own, "log", settings=settings, first=3)

        found = there.query(at, parameters={"now": now}).result_rows
        assert found[-3:] == expected[3:]


async def test_large_records_are_read_a_few_at_a_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as a replay takes of small ones would be more than the memory."""
    monkeypatch.setattr(log_ranges, "MOST", 20_000)
    monkeypatch.setattr(kafka_records, "MOST", 5_000)
    await write(settings, [message("event", "id:1", name="x" * 1_000) for _ in range(100)])
    state = await log_state(settings)
    [(partition, end)] = [place for place in state.end.items() if place[1] > 1]

    found, offset = list[int](), state.begin[partition]
    async with ranges(settings, state) as log:
        while offset < end:
            found.append(len(records := await log.read(partition, offset, end, 1_000)))
            offset = records[-1].offset + 1

    assert sum(found) == 100
    assert max(found) < 50


@pytest.mark.kafka
async def test_latest_time_before_an_offset_is_that_of_all_before_it(kafka: str, topic: str) -> None:
    """Of everything the log has, not just of the record before."""
    settings = kafka_settings(kafka, topic)
    now = int(time.time() * 1000)
    await falling(settings, [now + 500, now, now + 100, now + 700])

    async with ranges(settings, await log_state(settings)) as found:
        latest = [await found.latest_before(0, offset) for offset in range(5)]
        elsewhere = await found.latest_before(1, 0)

    assert latest == [0, now + 500, now + 500, now + 500, now + 700]
    assert elsewhere == 0


async def test_embedded_log_that_another_took_the_place_of_is_not_read(own: str, there: Client, tmp_path: Path) -> None:
    """Its offsets would come out under the old one's name."""
    settings = Settings(data=tmp_path / "old")
    await write(settings, [message("event", "id:1", name="old")])
    state = await log_state(settings)
    await write(Settings(data=tmp_path / "new"), [message("event", "id:1", name="new")])
    shutil.rmtree(settings.data)
    (tmp_path / "new").rename(settings.data)

    with pytest.raises(Exception, match=state.generation):
        async with ranges(settings, state):
            pass


async def test_missing_table_stops_the_replay(own: str, there: Client, settings: Settings) -> None:
    """It says nothing about the records: none is counted as refused, and the position stays."""
    await write(settings, [message("event", f"id:{n}", name="e") for n in range(5)])
    there.command("RENAME TABLE messages TO hidden")
    try:
        with pytest.raises(Failed, match="UNKNOWN_TABLE"):
            await replayed(own, "log", settings=settings)
    finally:
        there.command("RENAME TABLE hidden TO messages")

    resumed = await replayed(own, "log", settings=settings, resume=True)

    assert (resumed.rows, count(there, "packed_events")) == (5, 5)
