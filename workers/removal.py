"""How the rows of what was erased are found in a table, and how they leave it: a removal rewrites the parts that hold
such rows, and no others.

Rows are found by the hash of a subject that they name, or by their workspace, and by a version below that of the
erasure: what came after it stays.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from schemas import failpoints
from workers.erasable import STAYING, Cause, Erasable
from workers.room import check_room

# Subjects and versions of one removal: ClickHouse has them in memory, some 100 bytes each.
MOST = 1_000_000
_CLAIMED = """
LEFT ANY JOIN
(
    SELECT arrayJoin([subject_hash, linked_hash]) AS who, min(version) AS first FROM stored_claims GROUP BY who
) AS claimed USING (who)
"""
_FOUND = f"""
SELECT sumIf(rows, NOT stays), sumIf(rows, stays), groupUniqArrayArrayIf(partitions, NOT stays), count()
FROM (SELECT *, subject_hash IN ({STAYING}) AS stays FROM removals WHERE removal = {{removal:String}})
"""  # noqa: S608


@dataclass(frozen=True)
class Removal:
    """Rows of a table.

    name: in `removals`, or of the workspace.
    waiting: rows of others, which have to stay for now.
    below: the version of the workspace's last erasure.
    more: there may be others to remove.
    """

    name: str
    rows: int
    partitions: Sequence[str]
    waiting: int = 0
    below: int = 0
    more: bool = False


def found(client: Client, erasable: Erasable, cause: Cause, open: int) -> Sequence[Removal]:
    """What there is to remove, each by itself. open: see `SUBJECTS`. Raises clickhouse-connect's errors."""
    if cause.column:
        return _of_workspaces(client, erasable, cause)
    return [counted(client, _named(client, erasable, cause, open), erasable)]


def counted(client: Client, name: str, erasable: Erasable) -> Removal:
    """What `removals` has of it now."""
    [[rows, waiting, partitions, count]] = client.query(_FOUND, parameters={"removal": name}).result_rows
    return Removal(name, rows, partitions, waiting, more=not erasable.together and count == MOST)


def remove(client: Client, erasable: Erasable, cause: Cause, removal: Removal) -> None:
    """Return once no part in use holds these rows any more. A repeat finds nothing. Raises `Away` if there is no room
    for it, and clickhouse-connect's errors; ClickHouse may finish then what was begun."""
    failpoints.reach("purge.deleting")
    check_room(client)
    how = f"UPDATE {erasable.blanked}" if erasable.blanked else "DELETE"
    client.command(
        f"ALTER TABLE {erasable.table} {how} WHERE _partition_id IN {{partitions:Array(String)}}"
        f" AND {erasable.holding} AND {erasable.erased(cause)}",
        {"partitions": list(removal.partitions), "removal": removal.name, "below": removal.below},
        settings={"mutations_sync": 1},
    )


def _named(client: Client, erasable: Erasable, cause: Cause, open: int) -> str:
    name = uuid.uuid4().hex
    waits = "any(first) > 0 AND any(first) < any(below)" if erasable.behind else "false"
    client.command(
        f"""
        INSERT INTO removals (removal, subject_hash, version, rows, partitions, waits)
        SELECT {{removal:String}}, who, last, count(), groupUniqArray(partition), {waits} AS stays
        {_holding(erasable, cause)}
        {_CLAIMED if erasable.behind else ""}
        WHERE last < below
        GROUP BY who, last
        {"" if erasable.together else f"ORDER BY stays LIMIT {MOST}"}
        """,
        {"removal": name, "open": open},
    )
    return name


def _of_workspaces(client: Client, erasable: Erasable, cause: Cause) -> Sequence[Removal]:
    rows = client.query(
        f"""
        SELECT who, count(), groupUniqArray(partition), any(below)
        {_holding(erasable, cause)}
        WHERE last < below
        GROUP BY who
        """
    ).result_rows
    return [Removal(who, count, partitions, below=below) for who, count, partitions, below in rows]


def _holding(erasable: Erasable, cause: Cause) -> str:
    return f"""
        FROM
        (
            SELECT {erasable.named(cause)} AS who, {erasable.last} AS last, _partition_id AS partition
            FROM {erasable.table}
            WHERE {erasable.holding}
        ) AS holding
        INNER JOIN (SELECT who, max(version) AS below FROM {cause.source} GROUP BY who) AS gone USING (who)
    """  # noqa: S608
