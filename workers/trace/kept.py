"""Looks for a message in the tables, and says what became of it there."""

from collections.abc import Iterator

from workers.asking import Asking
from workers.log.places import LogState
from workers.trace import MOST, Sighting, Wanted, decoded, sighting

_OF_SUBJECT = "subject = {subject:String} AND _at >= {since:UInt64} AND _at <= {until:UInt64}"
_IN_WORKSPACE = "({workspace:String} = '' OR workspace = {workspace:String})"
_IN_JOURNAL = f"""
SELECT _log, _partition, _offset, _at, id, client_id, workspace, kind, subject, name, JSONExtractString(context, 'endpoint'),
    toUInt64(received_at * 1000), toUInt64(spooled_at * 1000), subject_hash, version
FROM journal FINAL
WHERE if({{id:String}} != '', id = {{id:String}} OR client_id = {{id:String}}, {_OF_SUBJECT}) AND {_IN_WORKSPACE}
ORDER BY _at, _partition, _offset
LIMIT {MOST}
"""  # noqa: S608, E501  nothing of it comes from outside
_FATE = """
SELECT
    (SELECT max(version) FROM stored_events WHERE subject_hash = {hash:UInt128} AND id = {id:String}),
    (
        SELECT (min(version), argMin(id, version), argMin(requested_at, version))
        FROM stored_erasures WHERE subject_hash = {hash:UInt128} AND version > {version:UInt128}
    ),
    (SELECT min(version) FROM erased_workspaces WHERE workspace = {workspace:String} AND version > {version:UInt128}),
    (SELECT count() FROM stored_identifies WHERE subject_hash = {hash:UInt128} AND version = {version:UInt128}),
    (SELECT count() FROM stored_erasures WHERE subject_hash = {hash:UInt128} AND version = {version:UInt128})
"""
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
_EVENTS = f"""
SELECT id, client_id, workspace, kind, customer_kind || ':' || customer, name, JSONExtractString(context, 'endpoint'),
    toUnixTimestamp64Milli(received_at)
FROM events
WHERE (id = {{id:String}} OR client_id = {{id:String}}) AND {_IN_WORKSPACE}
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
        for row in asking.rows(_EVENTS, **_parameters(wanted)):
            id, client_id, workspace, kind, subject, name, endpoint, received = row
            yield Sighting("old", "", 0, 0, 0, id, client_id, workspace, kind, subject, name, endpoint, received)


def _in_journal(asking: Asking, wanted: Wanted, state: LogState | None) -> Iterator[Sighting]:
    for *told, hash, version in asking.rows(_IN_JOURNAL, **_parameters(wanted)):
        seen = Sighting("inserted", *told)
        if state and state.generation == seen.log and seen.offset >= state.committed.get(seen.partition, 0):
            seen.fate = "inserting"
            seen.behind = seen.offset - state.committed.get(seen.partition, state.begin[seen.partition])
        else:
            seen.fate, seen.detail = _fate(asking, seen, hash, version)
        yield seen


def _fate(asking: Asking, seen: Sighting, hash: int, version: int) -> tuple[str, str]:
    [(event, erasure, workspace, identify, deletion)] = asking.rows(
        _FATE, hash=hash, version=version, id=seen.id, workspace=seen.workspace
    )
    if workspace:
        return "erased", f"workspace {seen.workspace} was erased as a whole"
    if seen.kind == "delete":
        return ("inserted", "") if deletion else ("lacking", "stored_erasures")
    if erasure and erasure[0]:
        return "erased", f"by the deletion {erasure[1]}, requested at {erasure[2]:%Y-%m-%d %H:%M:%S} UTC"
    if seen.kind == "identify":
        return ("inserted", "") if identify else ("lacking", "stored_identifies")
    if not event or event < version:
        return "lacking", "stored_events"
    return ("inserted", "") if event == version else ("replaced", f"offset {event & (1 << 44) - 1}")


def _in_dead_letters(asking: Asking, wanted: Wanted) -> Iterator[Sighting]:
    for log, partition, offset, at, status, code, reason, value in asking.rows(_DEAD, **_parameters(wanted)):
        seen = sighting(str(status), log, partition, offset, at, decoded(value))
        seen.detail = f"code {code}: {reason}" if code else str(reason)
        yield seen


def erased_of(asking: Asking, wanted: Wanted) -> int:
    """Records of that subject of which nothing is left but their place."""
    [(count,)] = asking.rows(_ERASED_OF, **_parameters(wanted))
    return int(count)
