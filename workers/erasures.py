"""What was erased, when, and until when a copy may lie somewhere: what a person is told who has to answer for it."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from workers.clickhouse import connect, translated

JOURNAL_KEEPS = timedelta(days=7)  # the TTL of `journal`

# What an insert may take: until then the rows of one block are in some tables and not yet in others, so a sweep that
# begins earlier proves nothing of a deletion in it.
SETTLED = timedelta(minutes=1)

# The append time is the second of the three parts of a version, see `messages`; for a workspace, the first.
# The hash is of the record's key. log_queries: the name of who was erased is not to stand in ClickHouse's own log.
OF_SUBJECTS = """
SELECT
    any(workspace) AS site,
    lower(hex(subject_hash)) AS hash,
    any(kind) AS how,
    any(id) AS message,
    toUnixTimestamp64Milli(min(requested_at)) AS requested,
    toUnixTimestamp64Milli(min(hidden_at)) AS hidden,
    toUInt64(bitAnd(bitShiftRight(version, 44), 4398046511103)) AS appended
FROM
(
    SELECT subject_hash, version, kind, workspace, id, requested_at, hidden_at FROM stored_erasures
    UNION ALL
    SELECT subject_hash, version, kind, workspace, id, requested_at, hidden_at
    FROM stored_derived_erasures FINAL
    WHERE kind != 'none'
)
WHERE kind != 'unsuppress' AND ({workspace:String} = '' OR workspace = {workspace:String})
AND ({subject:String} = '' OR subject_hash = assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
    (SELECT (k0, k1) FROM erasure_key), workspace || '\\0' || {subject:String}
))))
GROUP BY subject_hash, version
"""
OF_WORKSPACES = """
SELECT
    workspace AS site,
    '' AS hash,
    'workspace' AS how,
    '' AS message,
    toUnixTimestamp64Milli(min(requested_at)) AS requested,
    requested AS hidden,
    toUInt64(bitShiftRight(version, 86)) AS appended
FROM erased_workspaces
WHERE {subject:String} = '' AND ({workspace:String} = '' OR workspace = {workspace:String})
GROUP BY workspace, version
"""
NEWEST = f"""
SELECT site, hash, how, message, requested, hidden, appended FROM ({OF_SUBJECTS} UNION ALL {OF_WORKSPACES})
ORDER BY hidden DESC, hash
LIMIT {{limit:UInt64}}
SETTINGS log_queries = 0
"""  # noqa: S608  nothing of it comes from outside
PROOFS = """
SELECT toUnixTimestamp64Milli(started_at), toUnixTimestamp64Milli(ended_at)
FROM purges
WHERE survivors = 0
ORDER BY started_at
"""


@dataclass(frozen=True)
class Erasure:
    """One deletion, or one suppression: a deletion that lasts until somebody ends it. Of a person with several
    identifiers each has one.

    kind: `delete`, `suppress`, or `workspace` where a whole one was erased.
    hash: of the subject, in hex; empty for a workspace.
    message_id: of the message that asked for it; empty as well.
    hidden_at: since then no view shows anything of what was before it.
    erased_at: end of the first sweep that began a minute after that or later and left nothing on disk; None before it.
    on_log_until, in_journal_until: when the last copy leaves them; None: the log keeps it for ever.
    final: a sweep that began after both left nothing: no replay can bring anything back.
    """

    workspace: str
    kind: str
    hash: str
    message_id: str
    requested_at: datetime
    hidden_at: datetime
    erased_at: datetime | None
    on_log_until: datetime | None
    in_journal_until: datetime
    final: bool


def erasures(
    url: str, retention: int | None, *, workspace: str = "", subject: str = "", limit: int = 1_000_000
) -> list[Erasure]:
    """The newest first. retention: ms for which the log may keep a record, None for ever. subject: as in a message,
    `id:42`. Raises `Away` and `Failed`."""
    client = connect(url)
    try:
        return _listed(client, retention, {"workspace": workspace, "subject": subject, "limit": limit})
    except ClickHouseError as error:
        raise translated(error) from None
    finally:
        client.close()


def _listed(client: Client, retention: int | None, parameters: Mapping[str, object]) -> list[Erasure]:
    proofs = client.query(PROOFS).result_rows
    rows = client.query(NEWEST, parameters=dict(parameters)).result_rows
    return [_erasure(row, proofs, retention) for row in rows]


def _erasure(row: Sequence[Any], proofs: Sequence[Sequence[int]], retention: int | None) -> Erasure:
    workspace, hash, kind, message_id, requested, hidden, appended = row
    in_journal = _time(appended) + JOURNAL_KEEPS
    on_log = None if retention is None else _time(appended + retention)
    final = on_log is not None and _proof(proofs, max(on_log, in_journal)) is not None
    return Erasure(
        workspace=workspace,
        kind=kind,
        hash=hash,
        message_id=message_id,
        requested_at=_time(requested),
        hidden_at=_time(hidden),
        erased_at=_proof(proofs, _time(hidden) + SETTLED),
        on_log_until=on_log,
        in_journal_until=in_journal,
        final=final,
    )


def _proof(proofs: Sequence[Sequence[int]], after: datetime) -> datetime | None:
    """The end of the first sweep that began after a time and left nothing."""
    position = bisect_right(proofs, after, key=lambda proof: _time(proof[0]))
    return _time(proofs[position][1]) if position < len(proofs) else None


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
