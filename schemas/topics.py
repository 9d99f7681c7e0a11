"""The topic on Kafka: what it must be so that the log keeps its promises."""

import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from uuid import UUID

from schemas.findings import Finding

# LogAppendTime: the order of writes is the log's, not that of the clients' clocks.
# max.message.bytes: above the edge's largest batch, so that a batch is never refused for its size.
TOPIC_CONFIG = {
    "message.timestamp.type": "LogAppendTime",
    "cleanup.policy": "delete",
    "max.message.bytes": "4194304",
}
LARGEST_RECORD = 1_048_576
Record = TypeVar("Record", bound=tuple[Any, ...])
# ms for which the embedded log keeps a record that was read; a topic has its own retention.ms.
EMBEDDED_RETENTION = 7 * 86_400_000


def partition(key: bytes, partitions: int) -> int:
    """The partition of a key. From a configured count, not from the broker's: a topic that is grown under a running
    edge would move a subject to another partition, where a later delete could overtake it."""
    return zlib.crc32(key) % partitions


def parted(records: Iterable[Record], partitions: int) -> list[list[Record]]:
    """Many, whose key is their first, by partition, each in its order."""
    found: list[list[Record]] = [[] for _ in range(partitions)]
    for record in records:
        found[zlib.crc32(record[0]) % partitions].append(record)
    return found


def address(host: str, port: int) -> str:
    """Of a broker, as aiokafka takes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def generation(topic: str, id: UUID, partitions: int) -> str:
    """The name of a topic as a log: one that is made anew under the same name is another, and one that was grown too.
    The id is written as Kafka's own tools do."""
    return f"{topic}@{urlsafe_b64encode(id.bytes).rstrip(b'=').decode()}/{partitions}"


# What decides whether the log keeps its promises; asked of Kafka by edge and worker at their start.
ASKED = (
    *TOPIC_CONFIG,
    "retention.ms",
    "retention.bytes",
    "min.insync.replicas",
    "unclean.leader.election.enable",
)
# What a batch weighs beside its records, generously; one record may fill a batch by itself.
LEAST_MAX_MESSAGE_BYTES = LARGEST_RECORD + 4096
LEAST_RETENTION = 7 * 86_400_000  # ms; the journal keeps as much, and a worker may be away for as long


@dataclass(frozen=True)
class TopicFacts:
    """As Kafka describes it. replication: of the partition that has the fewest copies. brokers: of the cluster."""

    name: str
    partitions: int
    replication: int
    brokers: int
    config: Mapping[str, str]


def judged(facts: TopicFacts, partitions: int, replication: int) -> list[Finding]:
    """What contradicts the settings or a promise, and what is a risk. Empty if all is well."""
    found = [*_shape(facts, partitions, replication), *_records(facts), *_retention(facts), *_copies(facts)]
    return [Finding(level, f"topic {facts.name}", text, mend) for level, text, mend in found]


Said = list[tuple[Literal["warning", "wrong"], str, str]]


def _shape(facts: TopicFacts, partitions: int, replication: int) -> Said:
    said: Said = []
    if facts.partitions != partitions:
        text = f"PENSTOCK_PARTITIONS={partitions}, but it has {facts.partitions}"
        said.append(("wrong", text, "set that number, or name a new PENSTOCK_TOPIC and drain the old one first"))
    if facts.replication < replication:
        text = f"PENSTOCK_REPLICATION={replication}, but of some partition there are {facts.replication} copies"
        said.append(("wrong", text, "add the copies with kafka-reassign-partitions, or set that number"))
    return said


def _records(facts: TopicFacts) -> Said:
    said: Said = []
    for name, why in (
        ("message.timestamp.type", "the order of writes would be that of the clients' clocks"),
        ("cleanup.policy", "compaction would delete messages that share a key"),
    ):
        if (value := facts.config[name]) != TOPIC_CONFIG[name]:
            said.append(("wrong", f"it has {name}={value}, {why}", f"set it to {TOPIC_CONFIG[name]}"))
    limit = int(facts.config["max.message.bytes"])
    if limit < LEAST_MAX_MESSAGE_BYTES:
        text = f"it has max.message.bytes={limit}, and would refuse a large batch"
        said.append(("wrong", text, f"set it to {TOPIC_CONFIG['max.message.bytes']}"))
    return said


def _retention(facts: TopicFacts) -> Said:
    said: Said = []
    kept, size = int(facts.config["retention.ms"]), int(facts.config["retention.bytes"])
    if kept < 0:
        text = "it has retention.ms=-1: it keeps everything, so no erasure is ever final"
        said.append(("warning", text, f"set it to {LEAST_RETENTION} or more"))
    elif kept < LEAST_RETENTION:
        text = f"it has retention.ms={kept}: what the workers have not taken by then is lost"
        said.append(("warning", text, f"set it to {LEAST_RETENTION}, seven days, or more"))
    if size >= 0:
        text = f"it has retention.bytes={size}: beyond that, what the workers have not taken is lost"
        said.append(("warning", text, "set it to -1"))
    return said


def _copies(facts: TopicFacts) -> Said:
    copies, in_sync = facts.replication, int(facts.config["min.insync.replicas"])
    if in_sync > copies:
        text = f"it has min.insync.replicas={in_sync} and {copies} copies: no write would ever be confirmed"
        return [("wrong", text, f"set it to {max(1, copies - 1)}")]
    if copies == 1:
        text = "there is one copy of it: a 200 is on one disk"
        return (
            [("warning", text, "set PENSTOCK_REPLICATION=3 and name a new PENSTOCK_TOPIC")] if facts.brokers > 2 else []
        )
    if facts.config["unclean.leader.election.enable"] == "true":
        text = "it has unclean.leader.election.enable=true: a copy that lacks acknowledged messages may take over"
        return [("wrong", text, "set it to false")]
    if in_sync == 1:
        text = "it has min.insync.replicas=1: a 200 may be on one disk"
        return [("warning", text, "set it to 2" if copies > 2 else "give it a third copy, then set it to 2")]
    if in_sync == copies:
        text = f"it has min.insync.replicas={in_sync} and as many copies: without one broker no write is taken"
        return [("warning", text, f"set it to {copies - 1}")]
    return []
