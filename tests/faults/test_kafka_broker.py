"""A real broker that is killed, stopped in its tracks or turned against us. The edge answers in time, recovers by
itself, and what it acknowledged is on the log."""

import asyncio
import gc
import logging
import warnings
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.kafka.broker import Broker
from ingest.errors import Unavailable
from ingest.log.kafka import KafkaLog
from schemas.messages import Context, Message
from schemas.topics import TOPIC_CONFIG
from tests.faults.test_sqlite_log import taken
from tests.reading import numbers
from workers.log import kafka
from workers.log.kafka import KafkaReader

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

APPEND_TIMEOUT = 1.5
REQUEST_TIMEOUT = 2.0
PATIENCE = 60.0
LATE = 5.0  # s that a busy machine may add to a time


@pytest.fixture
def options(private_broker: Broker, topic: str) -> dict[str, Any]:
    return {
        "bootstrap": private_broker.address,
        "topic": topic,
        "partitions": 3,
        "replication": 1,
        "append_timeout": APPEND_TIMEOUT,
        "request_timeout": REQUEST_TIMEOUT,
    }


@dataclass
class Load:
    """Clients that append one message after another, and what became of each."""

    log: KafkaLog
    acknowledged: list[int] = field(default_factory=list)
    refused: int = 0
    slowest: float = 0.0
    _next: int = 0

    async def client(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._next += 1
            number, start = self._next, monotonic()
            try:
                await self.log.append([message(number)])
                self.acknowledged.append(number)
            except Unavailable:
                self.refused += 1
                await asyncio.sleep(0.01)
            self.slowest = max(self.slowest, monotonic() - start)

    async def until_acknowledged_again(self) -> None:
        before = len(self.acknowledged)
        await eventually(lambda: len(self.acknowledged) > before + 500)

    async def until_refused(self) -> None:
        before = self.refused
        await eventually(lambda: self.refused > before + 20)


@asynccontextmanager
async def load(log: KafkaLog, clients: int = 30) -> Any:
    stop = asyncio.Event()
    load = Load(log)
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(load.client(stop))
        try:
            await load.until_acknowledged_again()
            yield load
        finally:
            stop.set()


def message(number: int, **fields: Any) -> Message:
    return Message(
        id=str(number),
        workspace="site",
        kind="event",
        subject=f"id:{number % 50}",
        received_at=1.0,
        timestamp=1.0,
        context=Context(endpoint="track"),
        **fields,
    )


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


async def stored(address: str, topic: str, wanted: set[int]) -> list[int]:
    """All numbers on the log, read until the wanted ones are among them."""
    found: list[int] = []
    async with KafkaReader(bootstrap=address, topic=topic, group=f"check-{topic}") as reader:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while wanted - set(found):
                    for records in (await reader.poll(10_000, 0.5)).records.values():
                        found.extend(numbers(records))
    return found


async def configure(address: str, topic: str, **config: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    wanted = TOPIC_CONFIG | {name.replace("_", "."): value for name, value in config.items()}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, wanted)])
    await admin.close()


@pytest.mark.parametrize("outage", [0.0, 3 * REQUEST_TIMEOUT], ids=["short", "longer than aiokafka's timeout"])
async def test_edge_recovers_from_a_killed_broker(
    private_broker: Broker, options: dict[str, Any], outage: float
) -> None:
    """While it is dead: refused in time. When it is back: the same log works, and has all that was acknowledged."""
    async with KafkaLog(**options) as log, load(log) as clients:
        await asyncio.to_thread(private_broker.kill)
        await clients.until_refused()
        assert not log.reachable()
        await asyncio.sleep(outage)
        await asyncio.to_thread(private_broker.start)
        await clients.until_acknowledged_again()
        await eventually(log.reachable)

    acknowledged = set(clients.acknowledged)
    assert clients.slowest < APPEND_TIMEOUT + LATE
    assert acknowledged <= set(await stored(options["bootstrap"], options["topic"], acknowledged))


async def test_edge_recovers_from_a_broker_that_hangs(private_broker: Broker, options: dict[str, Any]) -> None:
    """Connections stay open and nobody answers: refused in time. A batch is on the log once, however often sent."""
    async with KafkaLog(**options) as log, load(log) as clients:
        private_broker.pause()
        await clients.until_refused()
        await asyncio.sleep(2 * REQUEST_TIMEOUT)
        private_broker.resume()
        await clients.until_acknowledged_again()
        await eventually(log.reachable)

    acknowledged = set(clients.acknowledged)
    on_log = await stored(options["bootstrap"], options["topic"], acknowledged)
    assert clients.slowest < APPEND_TIMEOUT + LATE
    assert acknowledged <= set(on_log)
    assert len(on_log) == len(set(on_log))


async def first_refused(log: KafkaLog) -> int:
    """The number of a large message; a broker takes up what was altered a moment later."""
    for number in range(1000, 1100):
        try:
            await log.append([message(number, name="x" * 60_000)])
        except Unavailable:
            return number
        await asyncio.sleep(0.1)
    pytest.fail("all were taken")


async def test_edge_recovers_when_a_refused_limit_is_mended(
    private_broker: Broker, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A batch too large for a topic that somebody changed: refused, told in the log, and over once it is mended."""
    async with KafkaLog(**options) as log:
        await taken(log, message(0))
        await configure(options["bootstrap"], options["topic"], max_message_bytes="50000")
        refused = await first_refused(log)
        await eventually(lambda: "max.message.bytes=50000" in capsys.readouterr().out)
        with pytest.raises(Unavailable):
            await log.append([message(2)])
        await configure(options["bootstrap"], options["topic"])
        await eventually(log.reachable)
        for number in range(3, 200):
            await taken(log, message(number))

    on_log = await stored(options["bootstrap"], options["topic"], set(range(3, 200)))
    assert {0, *range(3, 200)} <= set(on_log)
    assert refused not in on_log


async def test_edge_recovers_when_partitions_lose_their_leaders(
    private_broker: Broker, options: dict[str, Any]
) -> None:
    """A deleted topic has no leaders; batches expire in aiokafka, which no idempotent producer gets over."""
    async with KafkaLog(**options) as log, load(log) as clients:
        admin = AIOKafkaAdminClient(bootstrap_servers=options["bootstrap"])
        await admin.start()
        await admin.delete_topics([options["topic"]])
        await admin.close()
        await clients.until_refused()
        await clients.until_acknowledged_again()
        since = len(clients.acknowledged)
        await clients.until_acknowledged_again()

    acknowledged = set(clients.acknowledged[since:])
    assert clients.slowest < APPEND_TIMEOUT + LATE
    assert acknowledged <= set(await stored(options["bootstrap"], options["topic"], acknowledged))


async def test_edge_starts_while_the_broker_is_away(private_broker: Broker, options: dict[str, Any]) -> None:
    """It refuses until the broker comes, then works."""
    await asyncio.to_thread(private_broker.kill)
    async with KafkaLog(**options) as log:
        with pytest.raises(Unavailable):
            await log.append([message(0)])
        assert not log.reachable()
        await asyncio.to_thread(private_broker.start)
        await eventually(log.reachable)
        await taken(log, message(1))

    assert 1 in await stored(options["bootstrap"], options["topic"], {1})


async def test_edge_stops_in_time_while_the_broker_is_away(private_broker: Broker, options: dict[str, Any]) -> None:
    """Leaving answers those who wait and does not wait for a broker that may never come."""
    async with KafkaLog(**options) as log:
        await taken(log, message(0))
        await asyncio.to_thread(private_broker.kill)
        waiting = asyncio.create_task(log.append([message(1)]))
        await asyncio.sleep(0.1)
        start = monotonic()

    assert monotonic() - start < APPEND_TIMEOUT + 4 * LATE
    assert isinstance(waiting.exception(), Unavailable)


async def test_what_a_write_that_was_cut_off_ends_with_is_no_error(
    private_broker: Broker, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Its client was answered: `Future exception was never retrieved` was nothing for a person."""

    async def cut_off() -> None:
        async with KafkaLog(**options) as log:
            await taken(log, message(0))
            await asyncio.to_thread(private_broker.kill)
            with pytest.raises(Unavailable):
                await log.append([message(number) for number in range(1, 10)])

    gc.collect()
    caplog.clear()
    caplog.set_level(logging.CRITICAL, "aiokafka")  # what is told of an exception would keep its frames
    caplog.handler.setLevel(logging.ERROR)
    await asyncio.to_thread(asyncio.run, cut_off())  # a loop of its own, whose timers keep nothing once it is closed
    gc.collect()

    assert "never retrieved" not in caplog.text


async def test_reader_goes_on_after_an_outage(private_broker: Broker, options: dict[str, Any]) -> None:
    """While the broker is away there is nothing to poll and a commit is given up; afterwards none is missing."""
    async with (
        KafkaLog(**options) as log,
        KafkaReader(bootstrap=options["bootstrap"], topic=options["topic"], commit_timeout=1) as reader,
    ):
        await log.append([message(number) for number in range(100)])
        seen: list[int] = []
        polled = await reader.poll(1_000, 20)
        await asyncio.to_thread(private_broker.kill)
        await reader.commit(polled)
        while polled.records:
            seen.extend(number for records in polled.records.values() for number in numbers(records))
            polled = await reader.poll(1_000, 1)
        await asyncio.to_thread(private_broker.start)
        await eventually(log.reachable)
        await log.append([message(number) for number in range(100, 200)])
        async with asyncio.timeout(PATIENCE):
            while len(set(seen)) < 200:
                polled = await reader.poll(1_000, 0.5)
                seen.extend(number for records in polled.records.values() for number in numbers(records))
                await reader.commit(polled)

    assert set(seen) == set(range(200))


async def test_reader_that_ends_while_it_opens_leaves_no_connection(
    private_broker: Broker, options: dict[str, Any]
) -> None:
    """Whatever it is about to do: aiokafka forgets a connection whose making is cancelled."""
    async with KafkaLog(**options) as log:
        await taken(log, message(0))
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        for number in range(60):
            async with KafkaReader(bootstrap=private_broker.address, topic=options["topic"]):
                await asyncio.sleep(number / 3_000)
        gc.collect()

    assert [warning for warning in caught if "AIOKafkaConnection" in str(warning.message)] == []


async def test_what_a_commit_that_was_given_up_ends_with_is_no_error(
    private_broker: Broker,
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The next one covers it: `Task exception was never retrieved`, with a stack trace, was nothing for a person."""
    monkeypatch.setattr(kafka, "READING_MS", 1_000)
    async with (
        KafkaLog(**options) as log,
        kafka.KafkaReader(bootstrap=options["bootstrap"], topic=options["topic"], commit_timeout=0.5) as reader,
    ):
        await log.append([message(0)])
        polled = await reader.poll(1_000, 20)
        private_broker.pause()
        await reader.commit(polled)
        await asyncio.sleep(5)
        private_broker.resume()
        gc.collect()

    assert "_do_commit_offsets" not in caplog.text


async def test_nobody_is_refused_before_a_late_copy_counts(private_broker: Broker, options: dict[str, Any]) -> None:
    """What joins a group that waits already is refused with it, but not told before its own time is over: until then
    the copy that may still arrive counts as newer than whatever its client writes next."""

    async def refused(log: KafkaLog, number: int, after: float) -> float:
        await asyncio.sleep(after)
        start = monotonic()
        with pytest.raises(Unavailable):
            await log.append([message(number)])
        return monotonic() - start

    async with KafkaLog(**options) as log:
        await taken(log, message(0))
        private_broker.pause()
        took = await asyncio.gather(*(refused(log, 0, after) for after in (0.0, 0.5, 1.0)))
        private_broker.resume()

    assert min(took) >= APPEND_TIMEOUT
