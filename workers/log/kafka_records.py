"""Records as aiokafka unpacks them, without a second object made of each in Python: that takes longer than all else
that is done to read one. The first has what we need: offset, timestamp, key, value and headers.

There is no setting for it, so this reaches into one consumer. `aiokafka` is pinned to the patch;
`tests/test_workers_kafka_records.py` says what broke when the pin moves.
"""

from collections import OrderedDict
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchResult

from workers.log import Record


def leave_as_unpacked(consumer: AIOKafkaConsumer) -> None:
    """What this consumer finds from now on. It must have been started."""
    consumer._fetcher._records = _Fetched(consumer._fetcher._records)


class _Fetched(OrderedDict[TopicPartition, Any]):
    """What was fetched and not handed out yet, by partition: a result, or an error."""

    def __setitem__(self, place: TopicPartition, found: Any) -> None:
        if isinstance(found, FetchResult):
            found._partition_records._consumer_record = _as_it_is
        super().__setitem__(place, found)


def _as_it_is(_place: TopicPartition, record: Record) -> Record:
    return record
