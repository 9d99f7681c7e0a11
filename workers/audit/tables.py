"""Every taken message is in its tables, and every row of a table has its message: compared by slices of append time.

A row's version holds its message's append time and offset, so both sides of a slice are bounded. What is being inserted
just now is at or beyond the committed offsets, and is left out on both sides.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from workers.asking import Asking
from workers.audit.expected import KINDS, MESSAGES_WITHOUT_ROWS
from workers.audit.orphans import ROWS_WITHOUT_MESSAGES
from workers.audit.report import Finding
from workers.log.places import LogState

BEGAN = "SELECT min(_at) FROM journal WHERE _log = {log:String}"
# How many were appended in each ten seconds.
TENTHS = """
SELECT intDiv(_at, 10000) * 10000 AS tenth, count()
FROM journal
WHERE _at >= {since:UInt64}
GROUP BY tenth
ORDER BY tenth
"""
SLICE_ROWS = 1_000_000
FOR_EVER = 1 << 42


@dataclass(frozen=True)
class Slice:
    """Of append times in ms: `start` is in it, `end` is not. rows: of the journal."""

    start: int
    end: int
    rows: int


def slices(asking: Asking, since: int) -> list[Slice]:
    """From `since` for ever, cut so that none has many more rows than `SLICE_ROWS`."""
    found: list[Slice] = []
    start, rows = since, 0
    for at, count in asking.rows(TENTHS, since=since):
        if rows and rows + count > SLICE_ROWS:
            found.append(Slice(start, at, rows))
            start, rows = at, 0
        rows += count
    return [*found, Slice(start, FOR_EVER, rows)]


def check(asking: Asking, state: LogState, slice: Slice) -> Iterator[Finding]:
    """What does not match in one slice, at most `LISTED` of each kind."""
    committed = [state.committed.get(partition, 0) for partition in sorted(state.end)]
    within = {"from": slice.start, "to": slice.end, "log": state.generation, "committed": committed}
    [(kinds,)] = asking.rows(KINDS, **within)
    for question in MESSAGES_WITHOUT_ROWS.values():
        if question.kinds.intersection(kinds):
            for table, log, partition, offset in asking.rows(question.sql, **within):
                yield Finding("no row", table, partition, offset, offset, log)
    [(began,)] = asking.rows(BEGAN, log=state.generation)
    for table, offset, version in asking.rows(ROWS_WITHOUT_MESSAGES, began=began, **within):
        yield Finding("no message", table, None, offset, offset, f"version {version}")
