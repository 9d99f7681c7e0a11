"""Every offset up to the committed one is in `journal` or in `dead_letters`."""

from collections.abc import Callable, Iterator, Mapping

from workers.asking import Asking
from workers.audit.report import Finding, Span
from workers.log.places import LogState

CHUNK = 1_000_000  # offsets at once: what one answer keeps in memory
RANGES = 1_000  # named of one chunk

# Of whom who was erased: the highest version that is gone.
_ERASED = "SELECT subject_hash, below AS version FROM erased_subjects"
_GONE = "SELECT workspace, max(version) AS version FROM erased_workspaces GROUP BY workspace"
_HERE = (
    "_log = {log:String} AND _partition = {partition:UInt32} AND _offset >= {first:UInt64} AND _offset < {end:UInt64}"
)

SPANS = """
SELECT _log, _partition, min(_offset), max(_offset) + 1
FROM
(
    SELECT _log, _partition, _offset FROM journal WHERE _at >= {since:UInt64}
    UNION ALL
    SELECT _log, _partition, _offset FROM stored_dead_letters WHERE _at >= {since:UInt64}
)
GROUP BY _log, _partition
ORDER BY _log, _partition
"""
# What stands in `dead_letters` is what there is to say of a record: a mended one is in the journal too.
STATUSES = f"""
SELECT
    countIf(letter = '' AND NOT erased),
    countIf(letter = 'dead'),
    countIf(letter = 'mended'),
    countIf(letter = 'erased' OR (letter = '' AND erased)),
    count()
FROM
(
    SELECT _offset, max(letter) AS letter, max(erased) AS erased
    FROM
    (
        SELECT
            kept._offset AS _offset,
            '' AS letter,
            kept.kind = 'erased' OR kept.version < erasure.version OR kept.version < gone.version AS erased
        FROM (SELECT _offset, kind, workspace, subject_hash, version FROM journal WHERE {_HERE}) AS kept
        LEFT ANY JOIN ({_ERASED}) AS erasure ON kept.subject_hash = erasure.subject_hash
        LEFT ANY JOIN ({_GONE}) AS gone ON kept.workspace = gone.workspace
        UNION ALL
        SELECT _offset, toString(status), 0 FROM stored_dead_letters FINAL WHERE {_HERE}
    )
    GROUP BY _offset
)
"""  # noqa: S608  nothing of it comes from outside
MISSING = f"""
SELECT min(offset) AS first, max(offset)
FROM
(
    SELECT number AS offset, number - row_number() OVER (ORDER BY number) AS run
    FROM numbers({{first:UInt64}}, {{end:UInt64}} - {{first:UInt64}})
    WHERE number NOT IN (
        SELECT _offset FROM journal WHERE {_HERE}
        UNION ALL
        SELECT _offset FROM stored_dead_letters WHERE {_HERE}
    )
)
GROUP BY run
ORDER BY first
LIMIT {RANGES}
"""  # noqa: S608


def spans(asking: Asking, state: LogState, since: int, oldest: Mapping[int, int]) -> list[Span]:
    """What is to be looked at. Of the generation in `state` up to the committed offsets, from what was appended at
    `since` or later: `oldest` says which offsets those are on the log. Of older generations what is left of them."""
    found = {(log, partition): (first, end) for log, partition, first, end in asking.rows(SPANS, since=since)}
    ours = []
    for partition, committed in sorted(state.committed.items()):
        first, _ = found.get((state.generation, partition), (committed, committed))
        first = min(first, oldest.get(partition, committed), committed)
        ours.append(Span(state.generation, partition, first, committed))
    older = [Span(*place, *span) for place, span in found.items() if place[0] != state.generation]
    return [*older, *ours]


def check(asking: Asking, span: Span, step: Callable[[int], None]) -> Iterator[Finding]:
    """Fill in what the offsets of a span are; return the ranges that are nowhere. step: is told how many are done."""
    for first in range(span.first, span.end, CHUNK):
        end = min(first + CHUNK, span.end)
        here = {"log": span.log, "partition": span.partition, "first": first, "end": end}
        [(taken, dead, mended, erased, known)] = asking.rows(STATUSES, **here)
        span.taken += taken
        span.dead += dead
        span.mended += mended
        span.erased += erased
        span.missing += end - first - known
        if known < end - first:
            for lowest, highest in asking.rows(MISSING, **here):
                yield Finding("missing", span.log, span.partition, lowest, highest)
        step(end - first)
