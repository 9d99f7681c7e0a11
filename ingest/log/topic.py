"""The topic: made when it is missing, refused when it contradicts the settings."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from ingest.log.producer import BATCH_BYTES
from schemas.settings import BadSettings
from schemas.topics import TOPIC_CONFIG

# What a batch weighs beside its records, generously; one record may fill a batch by itself.
LEAST_MAX_MESSAGE_BYTES = BATCH_BYTES + 4096


async def prepare_topic(bootstrap: str, topic: str, partitions: int, replication: int) -> None:
    """Raises `BadSettings` when the topic is not what the settings say, aiokafka's errors when Kafka is not there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    try:
        await admin.start()
        # All topics: asking for one by name makes it, with the broker's defaults, where the broker allows that.
        found = {one["topic"]: len(one["partitions"]) for one in await admin.describe_topics()}
        if topic not in found:
            await _make(admin, topic, partitions, replication)
        elif found[topic] != partitions:
            raise BadSettings(
                f"PENSTOCK_PARTITIONS={partitions}, but topic {topic} has {found[topic]}: set that number, or name "
                "a new PENSTOCK_TOPIC and drain the old one first."
            )
        _check(topic, await _config(admin, topic))
    finally:
        await admin.close()


async def _make(admin: AIOKafkaAdminClient, topic: str, partitions: int, replication: int) -> None:
    if (await admin.describe_cluster())["controller_id"] < 0:
        raise KafkaError("Kafka has no controller yet")
    # acks=all waits for the replicas in sync, of which a broker's default lets there be one: then a 200 would be on one
    # disk. One may be away without stopping the writes.
    in_sync = {"min.insync.replicas": str(max(1, replication - 1))}
    wanted = NewTopic(topic, partitions, replication, topic_configs=TOPIC_CONFIG | in_sync)
    response = await admin.create_topics([wanted])
    _, code, text = response.topic_errors[0][:3]
    error = for_code(code)
    if code and error is not TopicAlreadyExistsError:  # another edge was faster
        raise error(f"topic {topic} could not be made: {text}")


async def _config(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    wanted = ConfigResource(ConfigResourceType.TOPIC, topic, dict.fromkeys(TOPIC_CONFIG))
    [response] = await admin.describe_configs([wanted])
    code, text, _, _, entries = response.resources[0]
    if code:
        raise for_code(code)(f"topic {topic} could not be read: {text}")
    return {entry[0]: entry[1] for entry in entries}


def _check(topic: str, config: dict[str, str]) -> None:
    kind = config["message.timestamp.type"]
    if kind != "LogAppendTime":
        raise BadSettings(f"topic {topic} has message.timestamp.type={kind}: set it to LogAppendTime.")
    limit = int(config["max.message.bytes"])
    if limit < LEAST_MAX_MESSAGE_BYTES:
        wanted = TOPIC_CONFIG["max.message.bytes"]
        raise BadSettings(f"topic {topic} has max.message.bytes={limit}: set it to {wanted}.")
