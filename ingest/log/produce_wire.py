"""Kafka's Produce request of version 7 and its response, as bytes: what aiokafka's schemas make of them, in less time.

https://kafka.apache.org/protocol#The_Messages_Produce
"""

import struct
from collections.abc import Sequence

API_KEY, VERSION = 0, 7
ALL_IN_SYNC = -1
_NO_TRANSACTION = -1
_HEADER = struct.Struct(">ihhih")
_BODY = struct.Struct(">hhiih")
_RECORDS = struct.Struct(">ii")
_COUNT = struct.Struct(">i")
_ONE_TOPIC = struct.Struct(">ih")
_RESULT = struct.Struct(">ihqqq")
# What became of one partition's batch: partition; error, Kafka's code, 0 if it was taken; offset; timestamp, ms or -1;
# the log's first offset.
Result = tuple[int, int, int, int, int]
# A partition, and of its batch the size and all bytes, in pieces.
Batch = tuple[int, int, Sequence[bytes]]


def request(
    correlation_id: int, client_id: bytes, timeout: int, topic: bytes, batches: Sequence[Batch]
) -> Sequence[bytes]:
    """In pieces: for all in-sync replicas, without a transaction. timeout: ms."""
    parts = [
        client_id,
        _BODY.pack(_NO_TRANSACTION, ALL_IN_SYNC, timeout, 1, len(topic)),
        topic,
        _COUNT.pack(len(batches)),
    ]
    size = _HEADER.size - _COUNT.size + sum(map(len, parts))
    for partition, records, pieces in batches:
        parts.append(_RECORDS.pack(partition, records))
        parts += pieces
        size += _RECORDS.size + records
    return _HEADER.pack(size, API_KEY, VERSION, correlation_id, len(client_id)), *parts


def results(body: bytes, topic: bytes) -> list[Result] | None:
    """Of a response without its header, sorted by partition; None if it is not about this one topic alone."""
    begin = _ONE_TOPIC.size + len(topic)
    if body[:begin] != _ONE_TOPIC.pack(1, len(topic)) + topic:
        return None
    (count,) = _COUNT.unpack_from(body, begin)
    begin += _COUNT.size
    end = begin + count * _RESULT.size
    if len(body) < end:
        return None
    return sorted(_RESULT.iter_unpack(body[begin:end]))
