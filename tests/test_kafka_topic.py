"""The edge makes the topic as the log needs it, and refuses one that is otherwise."""

from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

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
