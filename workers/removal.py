"""How the rows of what was erased are found in a table, and how they leave it: a removal rewrites the parts that hold
such rows, and no others.

Rows are found by the hash of a subject that they name, or by their workspace, and by a version below that of the
erasure: what came after it stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from schemas import failpoints
from workers.erasable import Cause, Erasable


@dataclass(frozen=True)
class Batch:
    """Erased subjects or workspaces that a table names; `below`: the version of the last erasure of each."""

    names: Sequence[str]
    below: Sequence[int]
    rows: int
    partitions: Sequence[str]


def found(client: Client, erasable: Erasable, cause: Cause, open: int, after: str = "") -> Batch:
    """The first of them in the order of their names; empty if there are none. open: see `SUBJECTS`. Raises
    clickhouse-connect's errors."""
    rows = client.query(
        f"""
        SELECT name, any(below), count(), groupUniqArray(partition)
        FROM
        (
            SELECT {erasable.named(cause)} AS who, {erasable.version} AS last, {erasable.itself} AS itself,
                _partition_id AS partition
            FROM {erasable.table}
            WHERE {erasable.holding}
        ) AS holding
        INNER JOIN
        (
            SELECT who, any({cause.text.format("who")}) AS name, max(version) AS below
            FROM {cause.source}
            WHERE {cause.text.format("who")} > {{after:String}}
            GROUP BY who
        ) AS gone USING (who)
        WHERE last < below + itself
        GROUP BY name
        ORDER BY name
        LIMIT {cause.most}
        """,  # noqa: S608  names of ours
        parameters={"after": after, "open": open},
    ).result_rows
    partitions = sorted({partition for row in rows for partition in row[3]})
    return Batch([row[0] for row in rows], [row[1] for row in rows], sum(row[2] for row in rows), partitions)


def remove(client: Client, erasable: Erasable, cause: Cause, batch: Batch) -> None:
    """Return once no part in use holds these rows any more. A repeat finds nothing. Raises clickhouse-connect's errors;
    ClickHouse may finish then what was begun.

    The versions stand in the statement: what it does never depends on when ClickHouse gets round to it.
    """
    failpoints.reach("purge.deleting")
    how = f"UPDATE {erasable.blanked}" if erasable.blanked else "DELETE"
    client.command(
        f"""
        ALTER TABLE {erasable.table} {how}
        WHERE _partition_id IN {{partitions:Array(String)}} AND {erasable.holding} AND {erasable.erased(cause)}
        """,  # names of ours
        parameters={
            "below": [*batch.below, 0],
            "names": list(batch.names),
            "none": len(batch.names) + 1,
            "partitions": list(batch.partitions),
        },
        settings={"mutations_sync": 1},
    )
