"""The edge makes the topic as the log needs it, and refuses one that is otherwise."""

import asyncio
import socket
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import ClusterAuthorizationFailedError, TopicAuthorizationFailedError
from structlog.testing import capture_logs

import ingest.log.kafka
import ingest.log.topic
import workers.log.kafka
from ingest.errors import Unavailable
from ingest.log.kafka import KafkaLog
from schemas.settings import BadSettings
from schemas.topics import TOPIC_CONFIG
from tests.faults.test_sqlite_log import message
from workers.log.kafka import KafkaReader

pytestmark = pytest.mark.kafka


def log(address: str, topic: str, **options: Any) -> KafkaLog:
    defaults = {"partitions": 2, "replication": 1, "append_timeout": 5.0}
    return KafkaLog(bootstrap=address, topic=topic, **{**defaults, **options})


async def make(address: str, topic: str, partitions: int = 2, **config: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    wanted = TOPIC_CONFIG | {name.replace("_", "."): value for name, value in config.items()}
    await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=wanted)])
    await admin.close()


async def alter(address: str, topic: str, **config: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, TOPIC_CONFIG | config)])
    await admin.close()


async def appended(log: KafkaLog, count: int) -> None:
    for number in range(count):
        await log.append([message(number)])
        await asyncio.sleep(0.1)  # a broker takes up what was altered a moment later


async def test_missing_topic_is_made_and_found_again(kafka: str, topic: str) -> None:
    """The second start takes the topic as it is."""
    for _ in range(2):
        async with log(kafka, topic) as writer:
            await writer.append([message(0)])

    async with KafkaReader(bootstrap=kafka, topic=topic, group=topic) as reader:
        polled = await reader.poll(1, 20)
        assert reader.generation.startswith(f"{topic}@")
        assert reader.generation.endswith("/2")
        assert polled.records


async def test_named_broker_that_says_nothing_is_left_for_another(
    kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named first, as a host that is down may be. Edge and worker wait for it once, and not long."""
    monkeypatch.setattr("random.shuffle", lambda _: None)  # of the named ones
    monkeypatch.setattr(ingest.log.topic, "ASKING_MS", 500)
    monkeypatch.setattr(workers.log.kafka, "ASKING_MS", 500)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        named = f"127.0.0.1:{silent.getsockname()[1]},{kafka}"
        async with log(named, topic) as writer, KafkaReader(bootstrap=named, topic=topic, group=topic) as reader:
            await writer.append([message(0)])
            async with asyncio.timeout(30):
                while not (await reader.poll(1, 1)).records:
                    pass


@pytest.mark.parametrize(
    ("existing", "named"),
    [
        ({"partitions": 3}, "PENSTOCK_PARTITIONS"),
        ({"message_timestamp_type": "CreateTime"}, "message.timestamp.type"),
        ({"max_message_bytes": "100000"}, "max.message.bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_contradicting_topic_is_refused_by_name(
    kafka: str, topic: str, existing: dict[str, Any], named: str
) -> None:
    """The edge does not start, and says which setting is wrong."""
    await make(kafka, topic, **existing)

    with pytest.raises(BadSettings, match=named):
        async with log(kafka, topic):
            pass


async def test_topic_that_somebody_made_just_now_is_judged_as_it_is(
    kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not as we would have made it: the broker that is asked first may not know it yet."""
    await make(kafka, topic, partitions=3)
    described = AIOKafkaAdminClient.describe_topics
    late: list[list[dict[str, Any]]] = [[], []]

    async def describe(admin: AIOKafkaAdminClient) -> list[dict[str, Any]]:
        return late.pop() if late else await described(admin)

    monkeypatch.setattr(AIOKafkaAdminClient, "describe_topics", describe)

    with pytest.raises(BadSettings, match="PENSTOCK_PARTITIONS"):
        async with log(kafka, topic):
            pass
    assert not late


async def test_permission_that_is_missing_is_told_and_waited_for(
    kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an error, with what to allow: nothing is away, and somebody has to act. Once it is given the edge goes on."""
    described = AIOKafkaAdminClient.describe_topics
    refusals = iter([TopicAuthorizationFailedError, ClusterAuthorizationFailedError])

    async def describe(admin: AIOKafkaAdminClient) -> Any:
        if refusal := next(refusals, None):
            raise refusal(topic)
        return await described(admin)

    monkeypatch.setattr(AIOKafkaAdminClient, "describe_topics", describe)
    monkeypatch.setattr(ingest.log.kafka, "RETRY_CONTRADICTION_PAUSE", 0.1)
    with capture_logs() as lines:
        async with log(kafka, topic) as writer:
            await writer.append([message(0)])

    said = [line for line in lines if line["event"] == "kafka_forbids"]
    assert [line["log_level"] for line in said] == ["error"] * 2
    assert all("write the topic" in line["remedy"] for line in said)


async def test_topic_that_somebody_alters_under_a_running_edge_is_judged_again(
    kafka: str, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one that was made anew by a broker or by hand: the workers would refuse it. Nothing more is taken until it is
    as it must be."""
    async with log(kafka, topic, append_timeout=3.0) as writer:
        await writer.append([message(0)])
        await alter(kafka, topic, **{"message.timestamp.type": "CreateTime"})

        with pytest.raises(Unavailable):
            await appended(writer, 200)

    assert "message.timestamp.type=CreateTime" in capsys.readouterr().out
