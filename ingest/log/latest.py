"""The latest append time of a topic, where it is beyond what a clock says.

Then that clock is behind, or a broker's was ahead for a while. An edge has to know it before its first write, which
would else count from a moment before what is there: an older write would win over it, or a deletion hide it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.structs import TopicPartition

END = 1 << 42  # ms: no append time is beyond it
PATIENCE = 2.0
_NO_REPLICA, _UNCOMMITTED = -1, 0

Led = Mapping[int, Sequence[int]]  # partitions, by the broker that leads them


async def latest_append(client: AIOKafkaClient, topic: str, clock: int) -> int:
    """In ms since 1970, or as far towards it as Kafka says in time; 0 if none is later than `clock`."""
    led: dict[int, list[int]] = {}
    for partition in client.cluster.partitions_for_topic(topic) or ():
        broker = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        if broker is not None and broker >= 0:
            led.setdefault(broker, []).append(partition)
    low, high = 0, END
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            at = clock
            while low < high:  # by halving: there is a question for it, but aiokafka cannot ask it
                if await _is_one_later(client, topic, led, at):
                    low = at + 1
                elif not low:
                    return 0
                else:
                    high = at
                at = (low + high) // 2
    return low


async def _is_one_later(client: AIOKafkaClient, topic: str, led: Led, at: int) -> bool:
    for broker, partitions in led.items():
        asked = [(topic, [(partition, at + 1) for partition in partitions])]
        response = await client.send(broker, OffsetRequest(_NO_REPLICA, _UNCOMMITTED, asked))
        if any(offset >= 0 for _, found in response.topics for *_, offset in found):
            return True
    return False
