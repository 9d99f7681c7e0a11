"""Counts the assignments of a member of a group, see `kafka.py`."""

from collections.abc import Collection

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition

from schemas import failpoints

log = structlog.get_logger()


class Epochs(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The epoch rises when an assignment ends, and not again when the next one begins: between that and its callback
    there is an await, and records handed out in it would be taken for old ones.

    assigned: the partitions of this epoch, once it has begun. placed: they were put to where they were committed.
    """

    def __init__(self) -> None:
        self.current = 0
        self.assigned: tuple[int, ...] | None = None
        self.placed = False

    @property
    def to_place(self) -> bool:
        return self.assigned is not None and not self.placed

    def again(self) -> None:
        """The same assignment, from where it was committed."""
        self.current += 1
        self.placed = False

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if revoked:
            failpoints.reach("worker.revoked")
        self.current += 1
        self.assigned, self.placed = None, False

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self.assigned, self.placed = tuple(sorted(place.partition for place in assigned)), False
        log.info("partitions_assigned", partitions=self.assigned)
