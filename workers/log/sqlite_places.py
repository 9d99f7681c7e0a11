"""Where the embedded log begins and ends, and how far the worker is."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from schemas.settings import Settings
from schemas.topics import EMBEDDED_RETENTION
from workers.log import LogAway
from workers.log.places import LogState

# The next one to be given, also after the newest was deleted.
END = "SELECT 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'records'), 0)"


def state(settings: Settings) -> LogState:
    """Raises `LogAway`."""
    with opened(settings.data / "log.db") as log:
        [generation] = log.execute("SELECT id FROM generation").fetchone()
        [end] = log.execute(END).fetchone()
        [begin] = log.execute("SELECT coalesce(min(offset), ?) FROM records", (end,)).fetchone()
    committed = _committed(settings.data / "positions.db", generation)
    return LogState(generation, {0: begin}, {0: end}, committed, EMBEDDED_RETENTION)


def offsets_at(settings: Settings, at: int) -> dict[int, int]:
    """Raises `LogAway`. Append times rise with the offsets, so this halves its way."""
    with opened(settings.data / "log.db") as log:
        [end] = log.execute(END).fetchone()
        low = log.execute("SELECT coalesce(min(offset), ?) FROM records", (end,)).fetchone()[0]
        high = end
        while low < high:
            middle = (low + high) // 2
            offset, found = log.execute(
                "SELECT offset, at FROM records WHERE offset >= ? ORDER BY offset LIMIT 1", (middle,)
            ).fetchone() or (end, at)
            low, high = (low, middle) if found >= at else (offset + 1, high)
    return {0: low}


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The log for reading. Raises `LogAway` while it is not there, or cannot be read."""
    try:
        if not path.exists():
            raise LogAway(f"There is no log at {path} yet: an edge makes it. Another folder is named by PENSTOCK_DATA.")
        with closing(sqlite3.connect(path, timeout=5.0, isolation_level=None)) as connection:
            connection.execute("PRAGMA query_only = 1")
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise LogAway(f"The log {path} cannot be read: {error}") from error


def _committed(path: Path, generation: str) -> dict[int, int]:
    if not path.exists():
        return {}
    with opened(path) as positions:
        if not positions.execute("SELECT 1 FROM sqlite_schema WHERE name = 'positions'").fetchone():
            return {}
        found = positions.execute("SELECT offset FROM positions WHERE generation = ?", (generation,)).fetchone()
    return {0: found[0] + 1} if found else {}
