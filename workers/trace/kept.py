"""Looks for a message in the tables, and says what became of it there."""

from collections.abc import Iterator

from workers.asking import Asking
from workers.log.places import LogState
from workers.trace import MOST, Sighting, Wanted, decoded, sighting
from workers.trace.fate import Taken, fate
from workers.trace.whose import person, refusals

PEOPLE = ("id:", "email:", "phone:", "cio:", "anon:")
_OF_SUBJECT = "subject = {subject:String} AND _at >= {since:UInt64} AND _at <= {until:UInt64}"
_IN_WORKSPACE = "({workspace:String} = '' OR workspace = {workspace:String})"
_IN_JOURNAL = f"""
SELECT _log, _partition, _offset, _at, id, client_id, workspace, kind, subject, name, JSONExtractString(context, 'endpoint'),
    toUInt64(received_at * 1000), toUInt64(spooled_at * 1000), target, subject_hash, other_hashes, version
FROM journal FINAL
WHERE if({{id:String}} != '', id = {{id:String}} OR client_id = {{id:String}}, {_OF_SUBJECT}) AND {_IN_WORKSPACE}
ORDER BY _at, _partition, _offset
LIMIT {MOST}
"""  # noqa: S608, E501  nothing of it comes from outside
_DEAD = f"""
SELECT _log, _partition, _offset, _at, toString(status), code, reason, value
FROM stored_dead_letters FINAL
WHERE if(
    {{id:String}} != '',
    position(value, {{id:String}}) > 0,
    endsWith(key, '\\0' || {{subject:String}}) AND _at >= {{since:UInt64}} AND _at <= {{until:UInt64}}
)
AND ({{workspace:String}} = '' OR startsWith(key, {{workspace:String}} || '\\0'))
ORDER BY _at
LIMIT {MOST}
"""  # noqa: S608
# What outlives its record and has an id.
_OLDER = f"""
SELECT id, client_id, workspace, kind, subject, name, endpoint, received
FROM
(
    SELECT id, client_id, workspace, kind, customer_kind || ':' || customer AS subject, name,
        JSONExtractString(context, 'endpoint') AS endpoint, toUnixTimestamp64Milli(received_at) AS received
    FROM events
    WHERE id = {{id:String}} OR client_id = {{id:String}}
    UNION ALL
    SELECT id, '', workspace, 'form', customer_kind || ':' || customer, '', JSONExtractString(context, 'endpoint'),
        toUnixTimestamp64Milli(received_at)
    FROM form_submissions
    WHERE id = {{id:String}}
    UNION ALL
    SELECT id, '', workspace, 'metric', 'delivery:' || delivery_id, metric, '', toUnixTimestamp64Milli(received_at)
    FROM deliveries
    WHERE id = {{id:String}}
)
WHERE {_IN_WORKSPACE}
LIMIT {MOST}
"""  # noqa: S608
# By the hash of the record's key, of which the workspace is a part.
_ERASED_OF = f"""
SELECT count()
FROM journal FINAL
WHERE kind = 'erased' AND _at >= {{since:UInt64}} AND _at <= {{until:UInt64}} AND {_IN_WORKSPACE}
AND subject_hash = assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
    (SELECT (k0, k1) FROM erasure_key), workspace || '\\0' || {{subject:String}}
)))
"""  # noqa: S608


def _parameters(wanted: Wanted) -> dict[str, object]:
    return {
        "id": wanted.id,
        "subject": wanted.subject,
        "since": wanted.since,
        "until": wanted.until,
        "workspace": wanted.workspace,
    }


def in_tables(asking: Asking, wanted: Wanted, state: LogState | None) -> Iterator[Sighting]:
    journal = list(_in_journal(asking, wanted, state))
    dead = list(_in_dead_letters(asking, wanted))
    dead_places = {(seen.log, seen.partition, seen.offset) for seen in dead}
    yield from (seen for seen in journal if (seen.log, seen.partition, seen.offset) not in dead_places)
    yield from dead
    if wanted.id and not journal:
        for row in asking.rows(_OLDER, **_parameters(wanted)):
            id, client_id, workspace, kind, subject, name, endpoint, received = row
            yield Sighting("old", "", 0, 0, 0, id, client_id, workspace, kind, subject, name, endpoint, received)


def _in_journal(asking: Asking, wanted: Wanted, state: LogState | None) -> Iterator[Sighting]:
    for *told, target, hash, others, version in asking.rows(_IN_JOURNAL, **_parameters(wanted)):
        seen = Sighting("inserted", *told)
        if state and state.generation == seen.log and seen.offset >= state.committed.get(seen.partition, 0):
            seen.fate = "inserting"
            seen.behind = seen.offset - state.committed.get(seen.partition, state.begin[seen.partition])
        else:
            seen.fate, seen.detail = fate(asking, Taken(seen, target, hash, others, version))
            if seen.fate in ("inserted", "replaced") and seen.subject.startswith(PEOPLE):
                seen.person = person(asking, seen.workspace, hash, version)
                seen.refusals = refusals(asking, hash, others, version)
        yield seen


def _in_dead_letters(asking: Asking, wanted: Wanted) -> Iterator[Sighting]:
    for log, partition, offset, at, status, code, reason, value in asking.rows(_DEAD, **_parameters(wanted)):
        seen = sighting(str(status), log, partition, offset, at, decoded(value))
        seen.detail = f"code {code}: {reason}" if code else str(reason)
        yield seen


def erased_of(asking: Asking, wanted: Wanted) -> int:
    """Records of that subject of which nothing is left but their place."""
    [(count,)] = asking.rows(_ERASED_OF, **_parameters(wanted))
    return int(count)
