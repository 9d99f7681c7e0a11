"""Where a log begins and ends, and how far the worker is: for whoever looks at it from outside."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.settings import Settings


@dataclass(frozen=True)
class LogState:
    """Offsets by partition.

    begin: the oldest that is kept, or will be given next where none is. end: the next to be given.
    committed: the next that the worker reads; without an entry it has taken nothing of this generation.
    retention_ms: for which the log keeps a record at least; None for ever.
    segment_ms: for which it may keep one longer than that: a topic's segment is deleted as a whole.
    """

    generation: str
    begin: Mapping[int, int]
    end: Mapping[int, int]
    committed: Mapping[int, int]
    retention_ms: int | None
    segment_ms: int = 0

    @property
    def longest_ms(self) -> int | None:
        """When the last copy of a record is gone; None: never."""
        return None if self.retention_ms is None else self.retention_ms + self.segment_ms

    @property
    def lag(self) -> dict[int, int]:
        """Records that the worker has not taken, by partition."""
        return {
            partition: max(0, end - max(self.committed.get(partition, 0), self.begin[partition]))
            for partition, end in self.end.items()
        }


async def log_state(settings: Settings) -> LogState:
    """Raises `LogAway`, and `BadSettings` if the topic contradicts the settings."""
    if settings.kafka:
        from workers.log import kafka_places

        return await kafka_places.state(settings)
    from workers.log import sqlite_places

    return sqlite_places.state(settings)


async def offsets_at(settings: Settings, at: int) -> Mapping[int, int]:
    """The first offset of each partition whose append time is `at` or later, in ms since 1970; the end if none is.
    Raises as `log_state` does."""
    if settings.kafka:
        from workers.log import kafka_places

        return await kafka_places.offsets_at(settings, at)
    from workers.log import sqlite_places

    return sqlite_places.offsets_at(settings, at)
