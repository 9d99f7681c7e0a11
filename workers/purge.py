"""Purge: what was erased is removed from disk, in every table, as often as it turns up there.

The views hide a deleted customer at once; this is for the bytes. A sweep looks for everything that was ever erased, not
just for what is new: a replay or a restored backup may have brought rows back. Killed anywhere it is finished by the
next one, and the proof is written last.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas import failpoints
from workers.clickhouse import connect, translated
from workers.connection import Connection
from workers.erasable import ALL_SUBJECTS, ERASABLE, STAYING, WORKSPACES, Cause, Erasable
from workers.erasures import SETTLED
from workers.people.anew import resolve_erased, resolve_workspace
from workers.people.reading import bound_to
from workers.removal import Removal, counted, found, remove
from workers.unresolved import ERASING, NAMED_SINCE, RESOLVED, UNRESOLVED

MUTATION_SECONDS = 3600.0  # a removal that rewrites a large table takes its time
PASSES = 3  # over a table while rows come back into it, or wait for messages that are about to be resolved
PAUSE = 1.0  # s, for these
# For how long the end of a suppression may be on its way. What it would free has to be there when it comes.
UNSETTLED = timedelta(days=1)
# What a deletion did to other identifiers of its person, as it was found: it can be found no more once the rows that it
# follows from are gone.
SETTLE = """
INSERT INTO stored_erasures (subject_hash, version, kind, workspace, id, requested_at, hidden_at)
SELECT subject_hash, version, kind, workspace, id, requested_at, hidden_at
FROM stored_derived_erasures FINAL
WHERE kind != 'none' AND (subject_hash, version) NOT IN (SELECT subject_hash, version FROM stored_erasures)
"""
# Their claims go, and what tells since when each is known: nobody can find out any more who else they were not.
MARK = f"""
INSERT INTO stored_erasures
SELECT * REPLACE (true AS purged)
FROM stored_erasures AS known FINAL
WHERE NOT known.purged AND kind != 'unsuppress' AND (workspace, id, version) IN (
    SELECT taken.workspace, taken.id, taken.version
    FROM stored_erasures AS taken
    INNER JOIN
    (
        SELECT subject_hash, min(version) AS first
        FROM removals
        WHERE removal = {{removal:String}} AND subject_hash NOT IN ({STAYING})
        GROUP BY subject_hash
    ) AS going ON taken.subject_hash = going.subject_hash
    WHERE taken.version > going.first
)
"""  # noqa: S608
# Deletions that wait until it is known whom they delete, though this sweep would be the proof of them.
WAITING = f"SELECT countIf(kind IN ('delete', 'suppress')) FROM {UNRESOLVED} WHERE _at < {{before:UInt64}}"  # noqa: S608
# The last erasure of those of whom a removal takes something.
LAST = f"""
SELECT max(version)
FROM {ALL_SUBJECTS.source} AS erased
WHERE who IN (SELECT subject_hash FROM removals WHERE removal = {{removal:String}}) AND who NOT IN ({STAYING})
"""  # noqa: S608
WAITS = {"removal": "String", "subject_hash": "UInt128", "waits": "Bool"}

log = structlog.get_logger()

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Sweep:
    """What one sweep did. removed: rows by table; survivors: rows that came back while it went on, deletions of which
    it was not known yet whom they delete, and rows that had to wait for messages that were not resolved."""

    started_at: datetime
    ended_at: datetime
    erasures: int
    workspaces: int
    removed: Mapping[str, int]
    survivors: int


def purge(url: str, progress: Progress | None = None) -> Sweep:
    """Remove what was erased, count what is left, and record it. progress: told of each table, and of rows removed.

    Harmless beside workers, replays and another purge: no row that decides who is who goes before all claims of that
    identifier, and these go at once, with those of all whom they have to do with. Raises `Away` and `Failed`: what was
    removed stays removed, and there is no proof.
    """
    client = connect(url, MUTATION_SECONDS)
    try:
        return _sweep(client, url, progress or _silent)
    except ClickHouseError as error:
        raise translated(error) from None
    finally:
        client.close()


def purge_when_due(url: str, seconds: float) -> None:
    """The same, unless a sweep began less than half of `seconds` ago: several workers need but one. It is logged."""
    client = connect(url)
    try:
        recent = client.query(
            "SELECT count() FROM purges WHERE started_at > now64(3) - toIntervalMillisecond({ms:UInt64})",
            parameters={"ms": int(seconds * 500)},
        ).result_rows[0][0]
    except ClickHouseError as error:
        raise translated(error) from None
    finally:
        client.close()
    if recent:
        return
    sweep = purge(url)
    if sweep.removed or sweep.survivors:
        took = (sweep.ended_at - sweep.started_at).total_seconds()
        log.info("purged", removed=dict(sweep.removed), survivors=sweep.survivors, seconds=round(took, 3))


def erase_workspace(url: str, workspace: str) -> None:
    """Return once nothing shows of what a workspace sent up to now, also if it is still on its way here; a purge
    removes it. Raises `Away` and `Failed`.

    The log's clock may be ahead of ClickHouse's: what the journal has is below the version as well.
    """
    client = connect(url)
    try:
        client.command(
            "INSERT INTO erased_workspaces"
            " SELECT {workspace:String}, bitShiftLeft(toUInt128(latest + 1), 86) - 1, now64(3)"
            " FROM (SELECT greatest(max(_at), toUInt64(toUnixTimestamp64Milli(now64(3)))) AS latest"
            " FROM journal WHERE workspace = {workspace:String})",
            parameters={"workspace": workspace},
        )
    except ClickHouseError as error:
        raise translated(error) from None
    finally:
        client.close()
    failpoints.reach("workspace.hidden")
    resolve_workspace(url, workspace)


def _sweep(client: Client, url: str, progress: Progress) -> Sweep:
    started_at = _now(client)
    open = int((started_at - UNSETTLED).timestamp() * 1000) << 86  # the version of then
    sweeping = _Sweeping(client, url, open, progress)
    erasures = client.query(
        "SELECT count() FROM (SELECT 1 FROM stored_erasures WHERE kind != 'unsuppress' GROUP BY subject_hash, version)"
    )
    workspaces = client.query("SELECT uniqExact(workspace, version) FROM erased_workspaces")
    removed: dict[str, int] = {}
    before = int((started_at - SETTLED).timestamp() * 1000)
    survivors = int(client.query(WAITING, parameters={"before": before}).result_rows[0][0])
    # Each way of looking goes through whole tables.
    idle = () if workspaces.result_rows[0][0] else (WORKSPACES,)
    for erasable in (each.without(idle) for each in ERASABLE):
        progress(erasable.table, 0)
        rows, left = sweeping.emptied(erasable)
        survivors += left
        if rows:
            removed[erasable.table] = removed.get(erasable.table, 0) + rows
    failpoints.reach("purge.proved")
    sweep = Sweep(
        started_at,
        _now(client),
        erasures.result_rows[0][0],
        workspaces.result_rows[0][0],
        removed=removed,
        survivors=survivors,
    )
    _record(client, sweep)
    return sweep


@dataclass(frozen=True)
class _Sweeping:
    """open: what of a suppressed one is no older stays, see `UNSETTLED`."""

    client: Client
    url: str
    open: int
    progress: Progress

    def emptied(self, erasable: Erasable) -> tuple[int, int]:
        """Rows removed, and rows that are there after it. The pass that finds nothing is the proof of it."""
        removed = 0
        for number in range(PASSES):
            rows, waiting = self._pass(erasable)
            if not rows and (not waiting or erasable.behind or number == PASSES - 1):
                return removed, waiting
            removed += rows
            if waiting and not erasable.behind:
                time.sleep(PAUSE)
        left = [found(self.client, erasable, cause, self.open) for cause in erasable.causes]
        return removed, sum(removal.rows + removal.waiting for cause in left for removal in cause)

    def _pass(self, erasable: Erasable) -> tuple[int, int]:
        """Rows removed, and rows that have to stay for now. What has come since they were found is the next pass's."""
        removed = waiting = 0
        for cause in erasable.causes:
            more = True
            while more:
                removals = self._found(erasable, cause)
                left = [self._removed(erasable, cause, removal) for removal in removals]
                more = any(left)
                removed += sum(removal.rows for removal in removals)
            waiting += sum(removal.waiting for removal in removals)
        return removed, waiting

    def _removed(self, erasable: Erasable, cause: Cause, removal: Removal) -> bool:
        """Return once it is, and whether there may be more."""
        if not removal.rows:
            return False
        # After they were found: by then it is known of all of them what else they were called.
        self.client.command(SETTLE)
        if cause is WORKSPACES:
            # Whoever erased it may not have come so far, and of what is gone nobody can part them any more.
            resolve_erased(self.url)
        elif erasable.together or erasable.behind:
            self.client.command(MARK, {"removal": removal.name})
        remove(self.client, erasable, cause, removal)
        self.progress(erasable.table, removal.rows)
        return removal.more

    def _found(self, erasable: Erasable, cause: Cause) -> Sequence[Removal]:
        if not erasable.together:
            return found(self.client, erasable, cause, self.open)
        resolved = self.client.query(RESOLVED).result_rows[0]
        removals = found(self.client, erasable, cause, self.open)
        for removal in removals:
            if removal.rows:
                self._leave(removal.name, *resolved)
        return [counted(self.client, removal.name, erasable) for removal in removals]

    def _leave(self, removal: str, logs: Sequence[str], partitions: Sequence[int], lasts: Sequence[int]) -> None:
        """Those who have to do with whom a message names that was not resolved yet: of what was said of them all
        nothing is removed before the rest. They wait for a deletion, and for what is older than another one's."""
        given = {"logs": list(logs), "partitions": list(partitions), "lasts": list(lasts)}
        named: dict[int, int] = dict(self.client.query(NAMED_SINCE, given).result_rows)  # type: ignore[arg-type]
        erasing = {hash for hash, bound in named.items() if bound == ERASING}
        self._stay(removal, erasing)
        asked = {"removal": removal, "open": self.open}
        [[last]] = self.client.query(LAST, asked).result_rows
        self._stay(removal, {hash for hash, bound in named.items() if bound < last} - erasing)

    def _stay(self, removal: str, hashes: Set[int]) -> None:
        with Connection(self.url) as connection:
            rows = [[removal, hash, True] for hash in bound_to(connection, hashes)]
            if rows:
                connection.insert_rows("removals", WAITS, rows)


def _record(client: Client, sweep: Sweep) -> None:
    row = {
        "started_at": sweep.started_at,
        "id": uuid.uuid4().hex,
        "ended_at": sweep.ended_at,
        "erasures": sweep.erasures,
        "workspaces": sweep.workspaces,
        "removed": dict(sweep.removed),
        "survivors": sweep.survivors,
    }
    client.insert("purges", [list(row.values())], column_names=list(row), settings={"async_insert": 0})


def _silent(_table: str, _rows: int) -> None:
    """Nobody looks."""


def _now(client: Client) -> datetime:
    """By ClickHouse's clock, which also says when a deletion took effect."""
    now: int = client.query("SELECT toUnixTimestamp64Milli(now64(3))").result_rows[0][0]
    return datetime.fromtimestamp(now / 1000, UTC)
