"""How long the embedded log keeps what was read: else it would grow for ever."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

ASK_AGAIN = 10_000  # ms


class Retention:
    """Deletes what is older than `keep` ms, but nothing that the worker has not taken, however old it is."""

    def __init__(self, positions: Path, keep: int) -> None:
        self._positions = positions
        self._keep = keep
        self._taken = 0
        self._ask_at = 0

    def expire(self, log: sqlite3.Connection, now: int, limit: int) -> None:
        """Delete at most `limit` records within the transaction that is open. now: ms since 1970."""
        horizon = now - self._keep
        oldest = log.execute("SELECT at FROM records ORDER BY offset LIMIT 1").fetchone()
        if oldest is None or oldest[0] >= horizon:
            return
        if now >= self._ask_at:
            self._ask_at = now + ASK_AGAIN
            with suppress(sqlite3.Error):  # a file of the worker's, who says what is wrong with it
                self._taken = taken(self._positions, log)
        log.execute(
            "DELETE FROM records WHERE offset IN"
            " (SELECT offset FROM (SELECT offset, at FROM records ORDER BY offset LIMIT ?)"
            " WHERE at < ? AND offset <= ?)",
            (limit, horizon, self._taken),
        )


def taken(positions: Path, log: sqlite3.Connection) -> int:
    """The last offset of this log that the worker has taken; 0 while there was none."""
    if not positions.exists():
        return 0
    generation = log.execute("SELECT id FROM generation").fetchone()
    with closing(sqlite3.connect(positions)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'positions'").fetchone():
            return 0
        found = connection.execute("SELECT offset FROM positions WHERE generation = ?", generation).fetchone()
    return int(found[0]) if found else 0
