"""Whether the disks of ours in ClickHouse have room for what it keeps beside its rows, and for a table once more.

An insert or a merge finds out by itself. But of a small file, as a table's definition or the text of a mutation, it
writes on a full disk half or nothing, says that it did, and does not start any more. And what copies a table would fill
the disk again with each try, which an edge's log may be on, too.
"""

from clickhouse_connect.driver.client import Client

from workers.clickhouse import Away

LEAST = 16 * 1024 * 1024  # bytes
COPY = 1.1  # of the bytes of a table: merges take some more while it is copied
# Where definitions are, and where our tables may be; what others have on other disks is no matter of ours.
_OURS = """
SELECT name, free_space
FROM system.disks
WHERE name = 'default' OR name IN (
    SELECT arrayJoin(disks)
    FROM system.storage_policies
    WHERE policy_name IN (SELECT storage_policy FROM system.tables WHERE database = currentDatabase())
)
"""


def check_room(client: Client) -> None:
    """Raises `Away` if one of them is full, and clickhouse-connect's errors."""
    for name, free in client.query(_OURS).result_rows:
        if free < LEAST:
            raise Away(f"ClickHouse's disk {name} is full, make room: {free >> 20} MiB are free that it may use")


def check_copy(client: Client, table: str) -> int:
    """How many rows it has. Raises `Away` if there is no room for them once more, and clickhouse-connect's errors."""
    asked = (
        "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts"
        " WHERE active AND database = currentDatabase() AND table = {table:String}"
    )
    rows, size = client.query(asked, {"table": table}).result_rows[0]
    free = sum(free for _, free in client.query(_OURS).result_rows)
    if free < size * COPY:
        needed = int(size * COPY) >> 20
        raise Away(f"{table} has to be copied once, make room: that takes {needed} MiB, of which {free >> 20} are free")
    return int(rows)
