"""Looks for a message on the log itself, where no worker has been yet."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from schemas.settings import Settings
from workers.log import Record
from workers.log.places import LogState
from workers.log.ranges import Ranges, ranges
from workers.trace import MOST, Sighting, Wanted, decoded, sighting

TAIL = 100_000  # records of a partition that are looked through
READ = 10_000


async def on_log(settings: Settings, state: LogState, wanted: Wanted) -> Sequence[Sighting]:
    """What is on the log beyond the committed offsets, which no worker has taken: the next `TAIL` of each partition."""
    found: list[Sighting] = []
    async with ranges(settings, state) as log:
        for partition, end in state.end.items():
            first = max(state.committed.get(partition, 0), state.begin[partition])
            async for record in _records(log, partition, first, min(end, first + TAIL)):
                if (message := _found(record, wanted)) and len(found) < MOST:
                    seen = sighting("waiting", state.generation, partition, record.offset, record.timestamp, message)
                    seen.behind = record.offset - first
                    found.append(seen)
    return found


async def _records(log: Ranges, partition: int, offset: int, end: int) -> AsyncIterator[Record]:
    while offset < end and (records := await log.read(partition, offset, end, READ)):
        for record in records:
            yield record
        offset = records[-1].offset + 1


def _found(record: Record, wanted: Wanted) -> dict[str, Any]:
    """The message of a record, if it is the wanted one."""
    mark, value = wanted.id or wanted.subject, record.value or b""
    if mark.isascii() and mark.encode() not in value:  # else JSON may write it in another way
        return {}
    message = decoded(value)
    return message if wanted.matches(message, record.timestamp) else {}
