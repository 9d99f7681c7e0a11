"""From when on a message counts, at the latest.

What an edge could not hand to Kafka in time may reach it all the same, and late: behind what the client wrote, or
deleted, through another edge since. So every message for Kafka says in `spooled_at` when its request will have been
answered at the latest; nobody is refused, or answered from a spool, before that moment; what is newer than the answer
wins.
"""

from collections.abc import Sequence

import msgspec

from schemas.messages import Message


def counting_from(messages: Sequence[Message], at: float) -> list[Message]:
    """at: s since 1970."""
    return [msgspec.structs.replace(message, spooled_at=at) for message in messages]


def not_before(newest: int, clock: float) -> float:
    """The time in s since 1970, but never before an append that Kafka confirmed: of two writes through one edge the
    later must not lose to a clock that is behind the broker's. newest: its append time, ms since 1970."""
    return max(clock, (newest + 0.5) / 1000)
