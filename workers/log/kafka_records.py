"""Records as aiokafka unpacks them, without a second object made of each in Python: that takes longer than all else
that is done to read one. The first has what we need: offset, timestamp, key, value and headers. And no more at a time
than memory is meant for: of a topic that compresses, what was fetched may be a thousand times as large.

There is no setting for it, so this reaches into one consumer. `aiokafka` is pinned to the patch;
`tests/test_workers_kafka_records.py` says what broke when the pin moves.
"""

from collections import OrderedDict
from functools import partial
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchResult

from workers.log import Record
from workers.log.kafka_refusals import UNREADABLE

# Bytes of values that one partition gives at a time, and how many records are unpacked between two looks at them.
MOST, SOME = 2 * 1024 * 1024, 16


def leave_as_unpacked(consumer: AIOKafkaConsumer) -> None:
    """What this consumer finds from now on. It must have been started."""
    consumer._fetcher._records = _Fetched(consumer._fetcher._records)


class _Fetched(OrderedDict[TopicPartition, Any]):
    """What was fetched and not handed out yet, by partition: a result, or an error."""

    def __setitem__(self, place: TopicPartition, found: Any) -> None:
        if isinstance(found, FetchResult):
            found._partition_records._consumer_record = _as_it_is
            found.getall = partial(_taken, found)
        super().__setitem__(place, found)


def _as_it_is(_place: TopicPartition, record: Record) -> Record:
    return record


def _taken(found: FetchResult, limit: int) -> list[Record]:
    """As aiokafka's own, but for `MOST`, and for a record that cannot be read: first comes what is before it. Of some
    records the last one tells how large they are."""
    taken: list[Record] = []
    if not found.check_assignment(found._topic_partition) or not found.has_more():
        return taken
    size, records = 0, found._partition_records._records_iterator
    while size < MOST and (asked := min(SOME, limit - len(taken))):
        wanted = len(taken) + asked
        try:
            taken.extend(islice(records, asked))
        except UNREADABLE:
            if not taken:
                raise
        if len(taken) < wanted:
            found._update_position()
            found._partition_records = None  # what is left of it is fetched again
            return taken
        size += asked * len(taken[-1].value or b"")
    found._update_position()
    return taken
