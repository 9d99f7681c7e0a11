"""A log that is made anew, grown, put back or exchanged is another log: noticed, never mixed up with the old one."""

import asyncio
import base64
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import GroupLoadInProgressError, KafkaError
from aiokafka.protocol.commit import OffsetFetchResponse_v3
from structlog.testing import capture_logs

from ingest.log.kafka import KafkaLog
from ingest.log.sqlite import SqliteLog
from schemas.settings import BadSettings, Settings
from tests.faults.test_sqlite_log import message
from tests.ports import free_port
from tests.reading import numbers
from workers.log import LogAway, LogReplaced, Reader, Record
from workers.log.kafka import KafkaReader
from workers.log.places import log_state, offsets_at
from workers.log.sqlite import SqliteReader

PARTITIONS = 2
PATIENCE = 30.0


def kafka_settings(address: str, topic: str, partitions: int = PARTITIONS) -> Settings:
    return Settings(kafka=address, topic=topic, partitions=partitions)


def reader_of(settings: Settings) -> KafkaReader:
    return KafkaReader(bootstrap=settings.kafka, topic=settings.topic, partitions=settings.partitions)


async def write(settings: Settings, ids: Sequence[int]) -> None:
    """Through an edge's log, which makes the topic."""
    options: dict[str, Any] = {"replication": 1, "append_timeout": 10.0}
    async with KafkaLog(
        bootstrap=settings.kafka, topic=settings.topic, partitions=settings.partitions, **options
    ) as log:
        for number in ids:
            await log.append([message(number)])


async def read(reader: Reader, count: int, *, commit: bool = True) -> list[Record]:
    records: list[Record] = []
    async with asyncio.timeout(PATIENCE):
        while len(records) < count:
            polled = await reader.poll(1_000, 0.2)
            records += [record for run in polled.records.values() for record in run]
            if commit:
                await reader.commit(polled)
    return records


@asynccontextmanager
async def admin(address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=address)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def delete(settings: Settings) -> None:
    """Return once Kafka knows the topic no more."""
    async with admin(settings.kafka) as client, asyncio.timeout(PATIENCE):
        await client.delete_topics([settings.topic])
        while settings.topic in await client.list_topics():  # noqa: ASYNC110  only Kafka knows when
            await asyncio.sleep(0.05)


async def grow(settings: Settings, partitions: int) -> None:
    """Return once Kafka tells that there are so many: it has said yes before."""
    async with admin(settings.kafka) as client, asyncio.timeout(PATIENCE):
        await client.create_partitions({settings.topic: NewPartitions(partitions)})
        while len((await client.describe_topics([settings.topic]))[0]["partitions"]) < partitions:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def make_anew(settings: Settings, ids: Sequence[int]) -> None:
    await delete(settings)
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await write(settings, ids)
            except (KafkaError, BadSettings):  # the broker is still removing the old one's files
                await asyncio.sleep(0.1)


@pytest.mark.kafka
async def test_generation_names_the_topic_its_id_and_its_partitions(kafka: str, topic: str) -> None:
    """The id is the one that Kafka's own tools print; whoever looks from outside says the same."""
    settings = kafka_settings(kafka, topic)
    await write(settings, [0])

    async with reader_of(settings) as reader:
        assert reader.generation == ""
        await read(reader, 1)
        generation = reader.generation

    found = re.fullmatch(rf"{topic}@([\w-]{{22}})/2", generation)
    assert found
    assert len(base64.urlsafe_b64decode(found[1] + "==")) == 16
    assert (await log_state(settings)).generation == generation


@pytest.mark.kafka
async def test_topic_made_anew_under_a_running_worker_is_noticed(kafka: str, topic: str) -> None:
    """Not one record of the new topic is handed out under the old name, although its offsets reach beyond the old
    position; the next start reads it from the beginning."""
    settings = kafka_settings(kafka, topic)
    await write(settings, [0, 1])
    async with reader_of(settings) as reader:
        await read(reader, 2)
        old = reader.generation
        await make_anew(settings, range(10, 20))
        with pytest.raises(LogReplaced, match=topic):
            await read(reader, 1)

    async with reader_of(settings) as reader:
        assert numbers(await read(reader, 10)) == list(range(10, 20))
        assert reader.generation != old


@pytest.mark.kafka
async def test_commits_go_with_their_topic(kafka: str, topic: str) -> None:
    """Kafka forgets the group's offsets when a topic is deleted, and we know none of the new one."""
    settings = kafka_settings(kafka, topic)
    await write(settings, range(5))
    async with reader_of(settings) as reader:
        await read(reader, 5)
    assert sum((await log_state(settings)).committed.values()) == 5

    await make_anew(settings, [5])

    assert (await log_state(settings)).committed == {}
    async with admin(kafka) as client:
        assert [place for place in await client.list_consumer_group_offsets("penstock") if place.topic == topic] == []


@pytest.mark.kafka
@pytest.mark.parametrize("note", ["another@AAAAAAAAAAAAAAAAAAAAAA/2", ""])
async def test_commit_of_another_generation_is_none(kafka: str, topic: str, note: str) -> None:
    """A worker that had not noticed committed the old topic's offset to the new one: it is read from its beginning."""
    settings = kafka_settings(kafka, topic)
    await write(settings, range(5))
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id="penstock", enable_auto_commit=False)
    await consumer.start()
    consumer.assign(places)
    await consumer.commit(dict.fromkeys(places, (3, note)))
    await consumer.stop()

    async with reader_of(settings) as reader:
        assert numbers(await read(reader, 5)) == list(range(5))
    assert sum((await log_state(settings)).committed.values()) == 5


@pytest.mark.kafka
async def test_commits_that_a_broker_still_reads_are_waited_for(
    kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has just begun to coordinate the group says so, of the group as a whole: it is not one without commits,
    for which all of the log would be read again."""
    settings = kafka_settings(kafka, topic)
    await write(settings, range(5))
    async with reader_of(settings) as reader:
        await read(reader, 5)
    await write(settings, [5])
    send, loading = AIOKafkaClient.send, iter(range(3))

    async def answer(client: AIOKafkaClient, node: int, request: object, **options: Any) -> object:
        response = await send(client, node, request, **options)
        if isinstance(response, OffsetFetchResponse_v3) and next(loading, None) is not None:
            response.topics, response.error_code = [], GroupLoadInProgressError.errno
        return response

    monkeypatch.setattr(AIOKafkaClient, "send", answer)
    async with reader_of(settings) as reader:
        assert numbers(await read(reader, 1)) == [5]
    assert next(loading, None) is None


@pytest.mark.kafka
async def test_grown_topic_stops_the_worker_and_is_another_log_under_the_new_number(kafka: str, topic: str) -> None:
    """Running or starting, the worker says which setting; with it the topic is read again under another name."""
    settings = kafka_settings(kafka, topic)
    await write(settings, [0, 1])
    async with reader_of(settings) as reader:
        await read(reader, 2)
        old = reader.generation
        await grow(settings, 3)
        with pytest.raises((LogReplaced, BadSettings), match=topic):
            await asyncio.gather(read(reader, 1), write(settings, [2]))

    with pytest.raises(BadSettings, match=r"PENSTOCK_PARTITIONS=2, but topic .* has 3"):
        async with reader_of(settings) as reader:
            await reader.poll(1, PATIENCE)
    with pytest.raises(BadSettings, match="PENSTOCK_PARTITIONS"):
        await log_state(settings)
    async with reader_of(kafka_settings(kafka, topic, 3)) as reader:
        assert numbers(await read(reader, 2))[:2] == [0, 1]
        assert reader.generation == old.removesuffix("/2") + "/3"


@pytest.mark.kafka
async def test_records_that_expired_unread_are_told(kafka: str, topic: str) -> None:
    """Nobody can bring them back, but somebody must know."""
    settings = kafka_settings(kafka, topic, 1)
    await write(settings, range(10))
    async with reader_of(settings) as reader:
        await reader.commit(await reader.poll(2, PATIENCE))
    async with admin(kafka) as client:
        await client.delete_records({TopicPartition(topic, 0): RecordsToDelete(6)})

    with capture_logs() as lines:
        async with reader_of(settings) as reader:
            records = await read(reader, 4)

    assert numbers(records) == [6, 7, 8, 9]
    jumps = [line for line in lines if line["event"] == "log_jumped"]
    assert [(line["partition"], line["expected"], line["found"]) for line in jumps] == [(0, 2, 6)]
    assert (await log_state(settings)).begin == {0: 6}


@pytest.mark.kafka
async def test_kafka_places(kafka: str, topic: str) -> None:
    """Begin, end, how far the worker is and the lag, by partition; the offset at a time."""
    settings = kafka_settings(kafka, topic, 1)
    with pytest.raises(LogAway, match="PENSTOCK_TOPIC"):
        await log_state(settings)
    await write(settings, range(5))
    async with reader_of(settings) as reader:
        last = (await read(reader, 5, commit=False))[-1]
    async with reader_of(settings) as reader:
        await reader.commit(await reader.poll(3, PATIENCE))

    state = await log_state(settings)

    assert (state.begin, state.end, state.committed, state.lag) == ({0: 0}, {0: 5}, {0: 3}, {0: 2})
    assert state.retention_ms == 604_800_000
    assert await offsets_at(settings, 0) == {0: 0}
    assert (await offsets_at(settings, last.timestamp))[0] <= 4
    assert await offsets_at(settings, last.timestamp + 60_000) == {0: 5}


async def test_log_that_does_not_answer_is_away(tmp_path: Path) -> None:
    """Both kinds; the text says what to do."""
    with pytest.raises(LogAway, match="does not answer"):
        await log_state(kafka_settings(f"127.0.0.1:{free_port()}", "none"))
    with pytest.raises(LogAway, match="PENSTOCK_DATA"):
        await log_state(Settings(data=tmp_path))
    (tmp_path / "log.db").write_bytes(b"x" * 5000)
    with pytest.raises(LogAway, match="cannot be read"):
        await log_state(Settings(data=tmp_path))


def embedded(folder: Path) -> SqliteReader:
    return SqliteReader(folder / "log.db", folder / "positions.db")


def remove_log(folder: Path) -> None:
    for file in folder.glob("log.db*"):
        file.unlink()


async def test_embedded_places(tmp_path: Path) -> None:
    """As Kafka's; what retention deleted moves the beginning, and never the end."""
    settings, times = Settings(data=tmp_path), iter(range(1_000, 2_000))
    async with SqliteLog(tmp_path / "log.db", clock=lambda: next(times)) as log:
        for number in range(5):
            await log.append([message(number)])
        async with embedded(tmp_path) as reader:
            await reader.commit(await reader.poll(3, 1))
            generation = reader.generation
    at = [await offsets_at(settings, ms) for ms in (0, 1_000_000, 1_000_001, 1_003_000, 1_004_000, 1_004_001)]

    state = await log_state(settings)

    assert (state.generation, state.begin, state.end, state.committed) == (generation, {0: 1}, {0: 6}, {0: 4})
    assert state.lag == {0: 2}
    assert at == [{0: 1}, {0: 1}, {0: 2}, {0: 4}, {0: 5}, {0: 6}]
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection:
        connection.execute("DELETE FROM records")
        connection.commit()
    assert ((await log_state(settings)).begin, (await log_state(settings)).end) == ({0: 6}, {0: 6})
    assert await offsets_at(settings, 0) == {0: 6}


async def test_exchanged_embedded_log_is_noticed(tmp_path: Path) -> None:
    """Another file under the name of the open one: nothing more is read, and the next start begins with it."""
    async with SqliteLog(tmp_path / "log.db") as log:
        await log.append([message(0), message(1)])
    async with embedded(tmp_path) as reader:
        await read(reader, 2)
        old = reader.generation
        remove_log(tmp_path)
        async with SqliteLog(tmp_path / "log.db") as log:
            await log.append([message(number) for number in range(2, 7)])
        with pytest.raises(LogReplaced, match=r"log\.db"):
            await reader.poll(10, 1)

    async with embedded(tmp_path) as reader:
        assert numbers(await read(reader, 5)) == [2, 3, 4, 5, 6]
        assert reader.generation != old


async def test_older_copy_of_the_embedded_log_is_refused(tmp_path: Path) -> None:
    """Its offsets would be given a second time, to other records, which the worker would pass over."""
    async with SqliteLog(tmp_path / "log.db") as log:
        await log.append([message(0)])
    shutil.copy(tmp_path / "log.db", tmp_path / "copy.db")
    async with SqliteLog(tmp_path / "log.db") as log:
        await log.append([message(1)])
    async with embedded(tmp_path) as reader:
        await read(reader, 2)
    remove_log(tmp_path)
    shutil.copy(tmp_path / "copy.db", tmp_path / "log.db")

    with pytest.raises(BadSettings, match="older copy"):
        async with embedded(tmp_path):
            pass


@pytest.mark.kafka
async def test_move_from_the_embedded_log_to_kafka_is_another_log(kafka: str, topic: str, tmp_path: Path) -> None:
    """The same worker with another setting: nothing that was committed to one counts for the other."""
    async with SqliteLog(tmp_path / "log.db") as log:
        await log.append([message(0)])
    async with embedded(tmp_path) as reader:
        await read(reader, 1)
    before = await log_state(Settings(data=tmp_path))
    settings = Settings(data=tmp_path, kafka=kafka, topic=topic, partitions=PARTITIONS)
    await write(settings, [1])

    after = await log_state(settings)

    assert before.committed == {0: 2}
    assert after.committed == {}
    assert before.generation != after.generation
