"""Asks Kafka for the id of a topic, which a topic of the same name that is made later does not have.

aiokafka's own metadata requests end at version 5; ids came with version 10 (Kafka 2.8). Its protocol layer does the
rest: what is said here is what stands in that request and its answer.
"""

from io import BytesIO
from typing import NamedTuple
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from schemas.topics import address

NO_ID = UUID(int=0)


class Topic(NamedTuple):
    """As Kafka knows it now."""

    id: UUID
    partitions: int


async def describe(client: AIOKafkaClient, topic: str) -> Topic:
    """Raises aiokafka's errors, `UnknownTopicOrPartitionError` where there is no such topic. It makes none."""
    response = await client.send(client.get_random_node(), _Metadata(topic))
    [(code, _, id, _, partitions, *_)] = response.topics
    if code:
        raise for_code(code)(topic)
    if id == NO_ID:  # a broker of that age in a cluster that is still being upgraded
        raise IncompatibleBrokerVersion("Kafka gives topics no ids: it needs version 2.8 or later")
    if not partitions:
        raise UnknownTopicOrPartitionError(topic)
    return Topic(id, len(partitions))


def brokers(client: AIOKafkaClient) -> list[str]:
    """The addresses of those that are there, for whoever connects next: of those that the settings name one may say
    nothing, for as long as one lets it."""
    return [address(each.host, each.port) for each in client.cluster.brokers()]


class _Uuid(AbstractType):  # type: ignore[misc]  # aiokafka has no types
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


_TAGS = ("tags", TaggedFields)
_NODES = CompactArray(Int32)


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = 3, 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("id", Int32), ("host", CompactString()), ("port", Int32), ("rack", CompactString()), _TAGS),
        ),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString()),
                ("id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", _NODES),
                        ("in_sync", _NODES),
                        ("offline", _NODES),
                        _TAGS,
                    ),
                ),
                ("operations", Int32),
                _TAGS,
            ),
        ),
        ("operations", Int32),
        _TAGS,
    )


class _MetadataRequest(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION = 3, 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("id", _Uuid), ("name", CompactString()), _TAGS)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_operations", Boolean),
        ("include_topic_operations", Boolean),
        _TAGS,
    )


class _Metadata(Request[_MetadataRequest]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[_MetadataRequest]) -> _MetadataRequest:
        return request_struct_class([(NO_ID, self._topic, {})], False, False, False, {})
