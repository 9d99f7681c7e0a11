"""The topic on Kafka: what it must be so that the log keeps its promises."""

import zlib

# LogAppendTime: the order of writes is the log's, not that of the clients' clocks.
# max.message.bytes: above the edge's largest batch, so that a batch is never refused for its size.
TOPIC_CONFIG = {
    "message.timestamp.type": "LogAppendTime",
    "cleanup.policy": "delete",
    "max.message.bytes": "4194304",
}
LARGEST_RECORD = 1_048_576


def partition(key: bytes, partitions: int) -> int:
    """The partition of a key. From a configured count, not from the broker's: a topic that is grown under a running
    edge would move a subject to another partition, where a later delete could overtake it."""
    return zlib.crc32(key) % partitions
