"""Every taken message is in its tables, and every row of a table has its message: compared by slices of append time.

A row's version holds its message's append time and offset, so both sides of a slice are bounded. What is being inserted
just now is at or beyond the committed offsets, and is left out on both sides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workers.asking import Asking
from workers.audit.report import Finding
from workers.log.places import LogState

LISTED = 100  # of one question

_AT = "toUInt64(bitAnd(bitShiftRight({version}, 44), 4398046511103))"
_OFFSET = "toUInt64(bitAnd({version}, 17592186044415))"
_AT_SLICE = f"{_AT.format(version='version')} BETWEEN {{from:UInt64}} AND {{to:UInt64}}"
_SLICE = "_at >= {from:UInt64} AND _at < {to:UInt64}"
_COMMITTED = "_offset < arrayElement({committed:Array(UInt64)}, _partition + 1)"
# Messages that must be in the tables: not dead, and nothing erased them since.
_TAKEN = f"""(
    SELECT
        message._log AS _log,
        message._partition AS _partition,
        message._offset AS _offset,
        message.id AS id,
        message.kind AS kind,
        message.subject AS subject,
        message.names AS names,
        message.month AS month,
        message.subject_hash AS subject_hash,
        message.version AS version
    FROM
    (
        SELECT _log, _partition, _offset, id, kind, workspace, subject, attributes.1 AS names,
            toYYYYMM(toDateTime(
                if(filed_at >= 1262304000 AND filed_at < 2208988800, toUInt32(filed_at), 0), 'UTC'
            )) AS month,  -- as in `stored_events`
            subject_hash, version
        FROM journal
        WHERE {_SLICE} AND kind != 'erased' AND (_log != {{log:String}} OR {_COMMITTED})
        AND (_log, _partition, _offset) NOT IN (
            SELECT _log, _partition, _offset FROM stored_dead_letters FINAL WHERE {_SLICE} AND status = 'dead'
        )
    ) AS message
    LEFT ANTI JOIN stored_erasures AS erasure
        ON message.subject_hash = erasure.subject_hash AND message.version < erasure.version
    LEFT ANTI JOIN erased_workspaces AS gone
        ON message.workspace = gone.workspace AND message.version < gone.version
)"""  # noqa: S608  nothing of it comes from outside
_SENT = f"(SELECT subject_hash, version FROM journal WHERE {_SLICE})"  # noqa: S608


def _lacking(table: str, kinds: str, key: str, rows: str) -> str:
    """Messages of some kinds of which `rows`, by `key` and its highest version, has nothing as high as theirs."""
    on = " AND ".join(f"message.{column} = stored.{column}" for column in key.split(", "))
    return f"""
SELECT '{table}', _log, _partition, _offset, message.version
FROM (SELECT * FROM {_TAKEN} WHERE {kinds}) AS message
LEFT ANTI JOIN ({rows}) AS stored ON {on} AND message.version <= stored.version
LIMIT {LISTED}
"""  # noqa: S608


_EVENT = "kind IN ('event', 'page', 'screen')"
_CUSTOMER = "kind != 'delete' AND NOT match(subject, '^(anon|invite):')"
_NAMED = f"""(SELECT _log, _partition, _offset, subject_hash, version, arrayJoin(names) AS name
FROM {_TAKEN} WHERE kind = 'identify')"""  # noqa: S608

MESSAGES_WITHOUT_ROWS: Mapping[str, str] = {
    "stored_events": _lacking(
        "stored_events",
        _EVENT,
        "subject_hash, month, id",
        f"""SELECT subject_hash, toYYYYMM(filed_at) AS month, id, max(version) AS version FROM stored_events
WHERE toYYYYMM(filed_at) IN (SELECT month FROM {_TAKEN} WHERE {_EVENT})
AND (subject_hash, id) IN (SELECT subject_hash, id FROM {_TAKEN} WHERE {_EVENT})
GROUP BY subject_hash, month, id""",  # noqa: S608
    ),
    "stored_identifies": _lacking(
        "stored_identifies",
        "kind = 'identify'",
        "subject_hash, version",
        f"SELECT subject_hash, version FROM stored_identifies WHERE {_AT_SLICE}",  # noqa: S608
    ),
    "stored_erasures": _lacking(
        "stored_erasures",
        "kind = 'delete'",
        "subject_hash, version",
        "SELECT subject_hash, version FROM stored_erasures",
    ),
    "stored_customers": f"""
SELECT 'stored_customers', _log, _partition, _offset, message.version
FROM (SELECT * FROM {_TAKEN} WHERE {_CUSTOMER}) AS message
LEFT ANTI JOIN
(
    SELECT subject_hash, min(first_version) AS first_version, max(last_version) AS last_version
    FROM stored_customers
    WHERE subject_hash IN (SELECT subject_hash FROM {_TAKEN} WHERE {_CUSTOMER})
    GROUP BY subject_hash
) AS stored
    ON message.subject_hash = stored.subject_hash
    AND message.version >= stored.first_version AND message.version <= stored.last_version
LIMIT {LISTED}
""",  # noqa: S608
    "stored_attributes": f"""
SELECT 'stored_attributes', _log, _partition, _offset, message.version
FROM {_NAMED} AS message
LEFT ANTI JOIN
(
    SELECT subject_hash, name, max(version) AS version
    FROM stored_attributes
    WHERE (subject_hash, name) IN (SELECT subject_hash, name FROM {_NAMED})
    GROUP BY subject_hash, name
) AS stored
    ON message.subject_hash = stored.subject_hash AND message.name = stored.name AND message.version <= stored.version
LIMIT {LISTED}
""",  # noqa: S608
}


def _orphans(table: str, version: str = "version", settled: str = "") -> str:
    """Rows appended within the slice whose message is not in the journal."""
    place = _OFFSET.format(version=version)
    at = _AT.format(version=version)
    partition = "CRC32(workspace || '\\0' || customer_kind || ':' || customer) % length({committed:Array(UInt64)})"
    settled = settled or f"arrayElement({{committed:Array(UInt64)}}, {partition} + 1)"
    return f"""
SELECT '{table}', '', 0, {place}, {version}
FROM {table}
WHERE {at} >= {{from:UInt64}} AND {at} < {{to:UInt64}}
AND ({at} < {{began:UInt64}} OR {place} < {settled})
AND (subject_hash, {version}) NOT IN {_SENT}
LIMIT 1 BY subject_hash, {version}
LIMIT {LISTED}
"""  # noqa: S608


ROWS_WITHOUT_MESSAGES = (
    _orphans("stored_events"),
    _orphans("stored_attributes"),
    _orphans("stored_identifies"),
    _orphans("stored_customers", "first_version"),
    _orphans("stored_customers", "last_version"),
    # Nobody's name is in it, so its partition is not known.
    _orphans("stored_erasures", settled="arrayMin({committed:Array(UInt64)})"),
)
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
    for question in MESSAGES_WITHOUT_ROWS.values():
        for table, log, partition, offset, _ in asking.rows(question, **within):
            yield Finding("no row", table, partition, offset, offset, log)
    [(began,)] = asking.rows(BEGAN, log=state.generation)
    for question in ROWS_WITHOUT_MESSAGES:
        for table, _, _, offset, version in asking.rows(question, began=began, **within):
            yield Finding("no message", table, None, offset, offset, f"version {version}")
