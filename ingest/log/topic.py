"""The topic: made when it is missing, refused when it contradicts the settings."""

import asyncio

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from schemas.findings import refuse
from schemas.topics import ASKED, TOPIC_CONFIG, TopicFacts, address, judged

# For how long, in s, a broker may not know what the controller has just made.
UNKNOWN = 3.0
ASKING_MS = 3_000
PAUSE = 0.05

log = structlog.get_logger()


async def prepare_topic(bootstrap: str, topic: str, partitions: int, replication: int) -> list[str]:
    """The addresses of the brokers that are there: one of `bootstrap` may say nothing, for as long as one lets it.

    Raises `BadSettings` when the topic is not what the settings say, aiokafka's errors when Kafka is not there.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=ASKING_MS)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        if not await _copies(admin, topic):
            await _make(admin, cluster["controller_id"], topic, partitions, replication)
        copies, config = await _known(admin, topic)
        there = cluster["brokers"]
        facts = TopicFacts(topic, len(copies), min(copies), len(there), config)
    finally:
        await admin.close()
    findings = judged(facts, partitions, replication)
    refuse(findings)
    for finding in findings:
        log.warning("topic_at_risk", topic=topic, reason=finding.text, remedy=finding.mend)
    return [address(broker["host"], broker["port"]) for broker in there]


async def _make(admin: AIOKafkaAdminClient, controller: int, topic: str, partitions: int, replication: int) -> None:
    if controller < 0:
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


async def _known(admin: AIOKafkaAdminClient, topic: str) -> tuple[list[int], dict[str, str]]:
    """Its copies and its settings, as they are: another edge, with other settings, may have made it just now."""
    clock = asyncio.get_running_loop().time
    until = clock() + UNKNOWN
    while True:
        try:
            if copies := await _copies(admin, topic):
                return copies, await _config(admin, topic)
            raise UnknownTopicOrPartitionError(f"topic {topic} is not known to its broker yet")
        except UnknownTopicOrPartitionError:
            if clock() >= until:
                raise
        await asyncio.sleep(PAUSE)


async def _copies(admin: AIOKafkaAdminClient, topic: str) -> list[int]:
    """Of each partition; none of a topic that is not there."""
    # All topics: asking for one by name makes it, with the broker's defaults, where the broker allows that.
    for one in await admin.describe_topics():
        if one["topic"] == topic:
            return [len(part["replicas"]) for part in one["partitions"]]
    return []


async def _config(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    wanted = ConfigResource(ConfigResourceType.TOPIC, topic, dict.fromkeys(ASKED))
    [response] = await admin.describe_configs([wanted])
    code, text, _, _, entries = response.resources[0]
    if code:
        raise for_code(code)(f"topic {topic} could not be read: {text}")
    return {entry[0]: entry[1] for entry in entries}
