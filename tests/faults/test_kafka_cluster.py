"""Three real brokers, of which one at a time dies: others lead its partitions, and nothing is lost or doubled."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka import broker as local
from ingest.log.kafka import KafkaLog
from tests.cluster import Member, cluster
from tests.faults.test_kafka_broker import load
from tests.kafka import NO_LOCAL_BROKER, not_run
from tests.reading import numbers_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

BROKERS, PARTITIONS = 3, 6
APPEND_TIMEOUT, REQUEST_TIMEOUT = 15.0, 3.0  # longer than it takes until another one leads


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[list[Member]]:
    if not local.installable():
        not_run(NO_LOCAL_BROKER)
    with cluster(tmp_path, BROKERS) as members:
        yield members


async def test_each_broker_dies_once_and_nobody_notices(brokers: list[Member], topic: str) -> None:
    """Killed under load, and back before the next one goes: every write is acknowledged, and is there once."""
    address = ",".join(member.address for member in brokers)
    log = KafkaLog(
        bootstrap=address,
        topic=topic,
        partitions=PARTITIONS,
        replication=BROKERS,
        append_timeout=APPEND_TIMEOUT,
        request_timeout=REQUEST_TIMEOUT,
    )
    async with log, load(log) as clients:
        for member in brokers:
            await asyncio.to_thread(member.kill)
            await clients.until_acknowledged_again()
            await asyncio.to_thread(member.start)
            await clients.until_acknowledged_again()

    on_log = await numbers_of(address, topic, PARTITIONS, len(clients.acknowledged))
    assert clients.refused == 0
    assert sorted(number for part in on_log for number in part) == sorted(clients.acknowledged)
