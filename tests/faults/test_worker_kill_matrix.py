"""The worker killed with SIGKILL at every named point. The next one repeats the work: nothing lost, nothing doubled."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.group import LeaveGroupRequest
from clickhouse_connect.driver.client import Client

from deploy.kafka.broker import Broker
from ingest.log.kafka import KafkaLog
from ingest.log.sqlite import SqliteLog
from tests.clickhouse import ClickHouse
from tests.landing import Load, eventually, lands
from tests.running import penstock, stop
from workers.log.kafka_places import GROUP

PARTITIONS = 3
PATIENCE = 60.0
FAILPOINTS = [
    "worker.polled",
    "worker.inserting",
    "worker.halving",
    "worker.burying",
    "worker.resolving",
    "people.deciding",
    "worker.inserted",
]

pytestmark = pytest.mark.slow


class Embedded:
    """The embedded log in a folder, and workers that read it."""

    def __init__(self, folder: Path, clickhouse: ClickHouse) -> None:
        self.path = folder / "log.db"
        self.settings = {"PENSTOCK_DATA": str(folder), "PENSTOCK_CLICKHOUSE": clickhouse.writer_url}

    def writer(self) -> AbstractAsyncContextManager[Any]:
        return SqliteLog(self.path, append_timeout=10)

    async def forget_the_dead(self) -> None:
        """Nobody keeps a list of readers here."""


class Kafka:
    """A topic, and workers that read it."""

    def __init__(self, bootstrap: str, topic: str, folder: Path, clickhouse: ClickHouse) -> None:
        self.bootstrap, self.topic = bootstrap, topic
        self.settings = {
            "PENSTOCK_DATA": str(folder),
            "PENSTOCK_KAFKA": bootstrap,
            "PENSTOCK_TOPIC": topic,
            "PENSTOCK_PARTITIONS": str(PARTITIONS),
            "PENSTOCK_CLICKHOUSE": clickhouse.writer_url,
        }

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[KafkaLog]:
        options: dict[str, Any] = {"partitions": PARTITIONS, "replication": 1, "append_timeout": 20.0}
        async with KafkaLog(bootstrap=self.bootstrap, topic=self.topic, **options) as log:
            yield log

    async def forget_the_dead(self) -> None:
        """Throw every member out of the group, as Kafka does when a session has ended (10 s, times many tests)."""
        async with self._admin() as admin:
            coordinator = await admin.find_coordinator(GROUP)
            for member in await _members(admin):
                await admin._client.send(coordinator, LeaveGroupRequest(GROUP, member))

    async def members(self) -> list[str]:
        async with self._admin() as admin:
            return await _members(admin)

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()


async def _members(admin: AIOKafkaAdminClient) -> list[str]:
    [described] = await admin.describe_consumer_groups([GROUP])
    return [member[0] for group in described.groups for member in group[5]]


class Stuck(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Of a member that gives nothing up until then, and so holds up its group."""

    def __init__(self, until: asyncio.Event) -> None:
        self._until = until

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if revoked:
            await self._until.wait()

    async def on_partitions_assigned(self, assigned: object) -> None:
        """As any other."""


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def log(request: pytest.FixtureRequest, topic: str, tmp_path: Path, clickhouse: ClickHouse) -> Embedded | Kafka:
    if request.param == "embedded":
        return Embedded(tmp_path, clickhouse)
    return Kafka(request.getfixturevalue("kafka"), topic, tmp_path, clickhouse)


class Workers:
    """Processes of which none outlives its test."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def start(self, settings: dict[str, str], failpoint: str = "") -> subprocess.Popen[bytes]:
        process = penstock("worker", settings=settings | {"PENSTOCK_FAILPOINT": failpoint})
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@pytest.fixture
def workers() -> Any:
    with ExitStack() as stack:
        yield Workers(stack)


async def death(process: subprocess.Popen[bytes]) -> int:
    return await asyncio.to_thread(process.wait, PATIENCE)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
async def test_worker_killed_at_a_named_point_loses_and_doubles_nothing(
    log: Embedded | Kafka, failpoint: str, workers: Workers, client: Client
) -> None:
    """Killed there, then started again: every acknowledged message is in the views once, every refused
    one in the dead letters once, and customers are as their last message says."""
    load = Load()
    async with log.writer() as writer:
        await load.put(writer, load.messages(300, refused=3))
        assert await death(workers.start(log.settings, failpoint)) == -signal.SIGKILL
        await log.forget_the_dead()
        await load.put(writer, load.messages(100, refused=2))
    last = workers.start(log.settings)
    await lands(load, client)

    assert await asyncio.to_thread(stop, last) == 0
    assert load.expected()["dead"] == 5


@pytest.mark.kafka
async def test_worker_killed_in_a_rebalance_loses_and_doubles_nothing(
    kafka: str, topic: str, tmp_path: Path, clickhouse: ClickHouse, workers: Workers, client: Client
) -> None:
    """A second worker comes, the first one dies while its partitions are taken from it."""
    log, load = Kafka(kafka, topic, tmp_path, clickhouse), Load()
    async with log.writer() as writer:
        first = workers.start(log.settings, "worker.revoked")
        await load.put(writer, load.messages(200, refused=1))
        await lands(load, client)
        feeding = asyncio.create_task(load.put(writer, load.messages(2000, refused=1)))
        second = workers.start(log.settings)
        assert await death(first) == -signal.SIGKILL
        await feeding
        await log.forget_the_dead()
        await lands(load, client)

    assert await asyncio.to_thread(stop, second) == 0


@pytest.mark.kafka
async def test_worker_stopped_while_its_group_waits_for_a_member_ends_in_time(
    kafka: str, topic: str, tmp_path: Path, clickhouse: ClickHouse, workers: Workers
) -> None:
    """Another member does not give up its partitions, so this one is none yet when it is told to end."""
    log, ended = Kafka(kafka, topic, tmp_path, clickhouse), asyncio.Event()
    async with log.writer():
        wait = int(PATIENCE * 1000)
        member = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=GROUP, rebalance_timeout_ms=wait)
        member.subscribe([topic], listener=Stuck(ended))
        await member.start()
        try:
            worker = workers.start(log.settings)
            async with asyncio.timeout(PATIENCE):
                while len(await log.members()) < 2:  # noqa: ASYNC110  Kafka tells nobody who joins
                    await asyncio.sleep(0.2)
            assert await asyncio.to_thread(stop, worker, timeout=30) == 0
        finally:
            ended.set()
            await member.stop()


@pytest.mark.kafka
async def test_worker_stopped_past_its_session_and_continued_loses_and_doubles_nothing(
    kafka: str, topic: str, tmp_path: Path, clickhouse: ClickHouse, workers: Workers, client: Client
) -> None:
    """SIGSTOP with a batch in hand, for longer than Kafka waits for it: another worker takes its partitions over. Then
    it goes on where it stood, and can neither commit nor insert anything that shows."""
    log, load = Kafka(kafka, topic, tmp_path, clickhouse), Load()
    async with log.writer() as writer:
        sleeper = workers.start(log.settings)
        await load.put(writer, load.messages(300, refused=1))
        await lands(load, client)
        feeding = asyncio.create_task(load.put(writer, load.messages(3000, refused=1)))
        await asyncio.sleep(0.1)
        sleeper.send_signal(signal.SIGSTOP)
        await feeding
        other = workers.start(log.settings)
        await lands(load, client)
        sleeper.send_signal(signal.SIGCONT)
        await load.put(writer, load.messages(500, refused=1))
        await lands(load, client)

    assert [await asyncio.to_thread(stop, process) for process in (sleeper, other)] == [0, 0]
    await lands(load, client)


@pytest.mark.kafka
async def test_broker_killed_under_running_workers_loses_and_doubles_nothing(
    private_broker: Broker, topic: str, tmp_path: Path, clickhouse: ClickHouse, workers: Workers, client: Client
) -> None:
    """Killed and started again: the same workers go on by themselves."""
    log, load = Kafka(private_broker.address, topic, tmp_path, clickhouse), Load()
    async with log.writer() as writer:
        running = [workers.start(log.settings) for _ in range(2)]
        feeding = asyncio.create_task(load.put(writer, load.messages(2000, refused=1)))
        await eventually(lambda: load.begins(client), True)
        await asyncio.to_thread(private_broker.kill)
        await asyncio.to_thread(private_broker.start)
        await feeding
        await lands(load, client)

    assert [await asyncio.to_thread(stop, process) for process in running] == [0, 0]
