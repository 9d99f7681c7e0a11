"""The tables that hold what somebody sent, and how the rows of who was erased leave each of them.

Rows are found by the hash of their subject, or by their workspace, and by a version below that of the erasure: what
came after it stays. A removal rewrites the parts that hold such rows, and no others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from schemas import failpoints


@dataclass(frozen=True)
class Erasable:
    """A table.

    version: its column to compare.
    blanked: what an erased row is overwritten with, where its place must stay; else the row is deleted.
    holding: whether a row has anything to erase.
    itself: 1 for the row of a deletion, which says whom it deleted and goes with what is below it.
    """

    table: str
    version: str = "version"
    blanked: str = ""
    holding: str = "1"
    itself: str = "0"


# Where a replay reads comes first, the names of who was erased last.
ERASABLE = (
    Erasable(
        "journal",
        blanked="kind = 'erased', id = '', client_id = '', subject = '', name = '', sent_timestamp = '',"
        " attributes = [], data = '', context = ''",
        holding="kind != 'erased'",
        itself="(kind = 'delete')",
    ),
    Erasable(
        "stored_dead_letters",
        blanked="status = 'erased', key = '', value = '', headers = [], reason = ''",
        holding="status != 'erased'",
    ),
    Erasable("stored_events"),
    Erasable("stored_attributes"),
    Erasable("stored_identifies"),
    Erasable("stored_customers", version="last_version"),
    Erasable("erasures", itself="1"),
)


@dataclass(frozen=True)
class Cause:
    """What was erased: subjects, or workspaces. most: in one removal; ClickHouse bounds the size of a parameter."""

    table: str
    column: str
    text: str
    most: int


CAUSES = (
    Cause("stored_erasures", "subject_hash", "hex(subject_hash)", 1_000),
    Cause("erased_workspaces", "workspace", "toString(workspace)", 100),
)


@dataclass(frozen=True)
class Batch:
    """Erased subjects or workspaces of which a table holds rows; `below`: the version of the last erasure of each."""

    names: Sequence[str]
    below: Sequence[int]
    rows: int
    partitions: Sequence[str]


def found(client: Client, erasable: Erasable, cause: Cause, after: str = "") -> Batch:
    """The first of them in the order of their names; empty if there are none. Raises clickhouse-connect's errors."""
    rows = client.query(
        f"""
        SELECT who, any(below), count(), groupUniqArray(_partition_id)
        FROM {erasable.table}
        INNER JOIN (
            SELECT {cause.column}, any({cause.text}) AS who, max(version) AS below
            FROM {cause.table}
            WHERE {cause.text} > {{after:String}}
            GROUP BY {cause.column}
        ) AS erased USING ({cause.column})
        WHERE {erasable.holding} AND {erasable.version} < below + {erasable.itself}
        GROUP BY who
        ORDER BY who
        LIMIT {cause.most}
        """,  # noqa: S608  names of ours
        parameters={"after": after},
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
    # Who is not in the batch gets the last one of `below`, the zero.
    position = f"transform({cause.text}, {{names:Array(String)}}, range(1, {{none:UInt32}}), {{none:UInt32}})"
    below = f"{{below:Array(UInt128)}}[{position}]"
    client.command(
        f"""
        ALTER TABLE {erasable.table} {how}
        WHERE _partition_id IN {{partitions:Array(String)}} AND {erasable.holding}
        AND {below} > 0 AND {erasable.version} < {below} + {erasable.itself}
        """,  # names of ours
        parameters={
            "below": [*batch.below, 0],
            "names": list(batch.names),
            "none": len(batch.names) + 1,
            "partitions": list(batch.partitions),
        },
        settings={"mutations_sync": 1},
    )
