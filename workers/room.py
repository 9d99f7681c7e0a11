"""Whether the disks of ours in ClickHouse have room for what it keeps beside its rows.

An insert or a merge finds out by itself. But of a small file, as a table's definition or the text of a mutation, it
writes on a full disk half or nothing, says that it did, and does not start any more.
"""

from clickhouse_connect.driver.client import Client

from workers.clickhouse import Away

LEAST = 16 * 1024 * 1024  # bytes
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
