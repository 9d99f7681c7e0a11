"""A batch of records as Kafka wants it, version 2: what aiokafka's builder makes of them, in fewer steps.

https://kafka.apache.org/documentation/#recordbatch
"""

import struct
import time
from collections.abc import Sequence

import google_crc32c

from ingest.errors import TooLarge
from ingest.log.groups import TOO_LARGE, Encoded
from schemas import messages as schema
from schemas.messages import Message, Written
from schemas.topics import LARGEST_RECORD

_BEGIN = struct.Struct(">qiibI")  # first offset; bytes behind that; leader's epoch; version; checksum of what follows
# Attributes; last record's number; first and last time, ms; producer's id and epoch; first sequence number; records.
_REST = struct.Struct(">hiqqqhii")
_NOT_COUNTED = struct.calcsize(">qi")
_NO_EPOCH, _VERSION, _NO_ATTRIBUTES = -1, 2, 0
_NO_HEADERS = b"\0"
_KNOWN = 4096
Framed = tuple[bytes, bytes, int]  # key; the record but for its length and place; the bytes of key and value together


def _varint(number: int) -> bytes:
    """Of a number that is not negative, as records have it."""
    number <<= 1
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


_VARINTS = [_varint(number) for number in range(_KNOWN)]
_SAME_TIME = b"\0\0"  # a record's attributes, none, and its time, the batch's: what counts is the log's own
_PLACES = [_SAME_TIME + number for number in _VARINTS]


def framed(messages: Sequence[Message | Written], begin: bytes) -> list[Framed]:
    """As `encoded`: the records of messages. Raises `TooLarge` if one is more than a log can hold."""
    records = []
    for message in messages:
        if isinstance(message, Written):
            key, rest = message.key, message.rest
        else:
            key, rest = schema.key(message), schema.encode(message)[1:]
        key_size, value_size = len(key), len(begin) + len(rest)
        size = key_size + value_size
        if size < _KNOWN:  # as most are
            parts = (_VARINTS[key_size], key, _VARINTS[value_size], begin, rest, _NO_HEADERS)
        elif size > LARGEST_RECORD:
            raise TooLarge(TOO_LARGE)
        else:
            parts = (_varint(key_size), key, _varint(value_size), begin, rest, _NO_HEADERS)
        records.append((key, b"".join(parts), size))
    return records


def framed_again(records: Sequence[Encoded]) -> list[Framed]:
    """What was encoded before."""
    return [
        (key, b"".join((_varint(len(key)), key, _varint(len(value)), value, _NO_HEADERS)), size)
        for key, value, size in records
    ]


class RecordBatch:
    """Records of one partition, added until it is closed; then, under a producer's numbers, their bytes.

    limit: bytes of a batch, but one record may fill it by itself. Beside `add` it has what aiokafka asks of its own
    `BatchBuilder`, for where the short way ends aiokafka is given this.
    """

    __slots__ = ("_built", "_closed", "_count", "_limit", "_numbers", "_parts", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._count = 0
        self._size = _BEGIN.size + _REST.size
        self._closed = False
        self._numbers = -1, -1, 0
        self._built: Sequence[bytes] = ()

    def add(self, records: Sequence[Framed]) -> int:
        """How many it took: less than all if it is full or closed."""
        if self._closed:
            return 0
        parts: list[bytes] = []
        size, limit, first = self._size, self._limit, self._count
        number = first
        for _, record, _ in records:
            place = _PLACES[number] if number < _KNOWN else _SAME_TIME + _varint(number)
            length = len(place) + len(record)
            before = _VARINTS[length] if length < _KNOWN else _varint(length)
            size += len(before) + length
            if size >= limit and number:
                size -= len(before) + length
                self._closed = True
                break
            parts += before, place, record
            number += 1
        # Many are joined while they are at hand: what lies about until the end is slow to gather.
        self._parts += (b"".join(parts),) if number - first > 1 else parts
        self._size, self._count = size, number
        return number - first

    def close(self) -> None:
        self._closed = True

    def closed(self) -> bool:
        return self._closed

    def size(self) -> int:
        return self._size

    def record_count(self) -> int:
        return self._count

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        # What came from now on would be beyond the count that the next batch's number is made of.
        self._closed = True
        self._numbers = producer_id, producer_epoch, base_sequence

    def _build(self) -> bytes:
        return b"".join(self.parts())

    def parts(self) -> Sequence[bytes]:
        """Its bytes, in pieces."""
        self._closed = True
        if not self._built:
            at, count = int(time.time() * 1000), self._count
            rest = b"".join((_REST.pack(_NO_ATTRIBUTES, count - 1, at, at, *self._numbers, count), *self._parts))
            checksum = google_crc32c.value(rest)
            self._built = _BEGIN.pack(0, self._size - _NOT_COUNTED, _NO_EPOCH, _VERSION, checksum), rest
            self._parts.clear()
        return self._built
