"""Whether the topic is what the log's promises need, as the worker finds it."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from schemas.findings import Finding
from schemas.settings import Settings
from schemas.topics import ASKED, TopicFacts, judged
from workers.log import LogAway
from workers.log.kafka_places import ASKING_MS
from workers.log.kafka_refusals import away

PATIENCE = 5.0


async def topic_findings(settings: Settings) -> list[Finding]:
    """What is wrong with the topic, or a risk. Raises `LogAway`, also while there is no such topic yet."""
    try:
        async with asyncio.timeout(PATIENCE):
            facts = await _facts(settings)
    except (KafkaError, OSError, TimeoutError) as error:
        raise away(settings.kafka, error) from error
    return judged(facts, settings.partitions, settings.replication)


async def _facts(settings: Settings) -> TopicFacts:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka, request_timeout_ms=ASKING_MS)
    try:
        await admin.start()
        # Of all topics: to ask for one by name may make it, with the broker's defaults.
        found = {one["topic"]: one["partitions"] for one in await admin.describe_topics()}
        if settings.topic not in found:
            raise LogAway(f"There is no topic {settings.topic} yet: an edge makes it. PENSTOCK_TOPIC names it.")
        partitions = found[settings.topic]
        brokers = (await admin.describe_cluster())["brokers"]
        config = await _config(admin, settings.topic)
        copies = min(len(partition["replicas"]) for partition in partitions)
        return TopicFacts(settings.topic, len(partitions), copies, len(brokers), config)
    finally:
        await admin.close()


async def _config(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    [response] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict.fromkeys(ASKED))])
    code, text, _, _, entries = response.resources[0]
    if code:
        raise for_code(code)(f"topic {topic} could not be read: {text}")
    return {entry[0]: entry[1] for entry in entries}
