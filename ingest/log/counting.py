"""From when on a message counts, at the latest.

What an edge could not hand to Kafka in time may reach it all the same, and late: behind what the client wrote, or
deleted, through another edge since. So every message for Kafka says in `spooled_at` when its request will have been
answered at the latest; nobody is refused, or answered from a spool, before that moment; what is newer than the answer
wins.
"""

import msgspec


def counting_from(at: float) -> bytes:
    """The beginning of a message that says so, in place of its first brace: one for all that are written at once. at: s
    since 1970."""
    return b'{"spooled_at":%b,' % msgspec.json.encode(at)


def not_before(newest: int, clock: float) -> float:
    """The time in s since 1970, but never before an append that Kafka confirmed: of two writes through one edge the
    later must not lose to a clock that is behind the broker's. newest: its append time, ms since 1970."""
    confirmed = (newest + 0.5) / 1000
    return max(confirmed, clock)
