"""The audit at the end of a run: what ClickHouse has against what the clients know."""

import time
from collections.abc import Sequence

from clickhouse_connect.driver.client import Client

from tests.soak.model import TOKEN_SQL, Found, Known, may_be_kept, violations

CAUGHT_UP_WITHIN = 180.0
SHOWN = 5  # of each kind of violation


def found(client: Client) -> Found:
    """What the views say."""
    events = client.query("SELECT JSONExtractInt(data, 'n') AS number, count() FROM events GROUP BY number").result_rows
    customers = client.query("SELECT customer, attributes FROM customers").result_rows
    assert len(customers) == len(dict(map(tuple, customers))), "a customer twice"
    return Found(dict(map(tuple, events)), dict(map(tuple, customers)))


def wait_for(client: Client, fences: Sequence[int]) -> bool:
    """Return once these events, the last of each partition, are in ClickHouse: what was before them is too. False if
    they do not come in time."""
    until = time.monotonic() + CAUGHT_UP_WITHIN
    question = (
        "SELECT uniqExact(JSONExtractInt(data, 'n')) FROM events WHERE JSONExtractInt(data, 'n') IN {n:Array(Int64)}"
    )
    while client.query(question, parameters={"n": list(fences)}).result_rows[0][0] < len(fences):
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
    return True


def wrongs(client: Client, known: Known) -> dict[str, list[str]]:
    """Violations by kind, in the views."""
    return violations(known, found(client))


def leftovers(client: Client, known: Known) -> list[str]:
    """After a purge: tokens of who was erased that are in any column of any table, merged away or not."""
    columns = client.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND type LIKE '%String%'"
        " AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')"
    ).result_rows
    kept = []
    for table, column in columns:
        tokens = client.query(
            f"SELECT DISTINCT arrayJoin(extractAll(toString(`{column}`), '{TOKEN_SQL}')) FROM `{table}`"
            " SETTINGS apply_deleted_mask = 0"
        ).result_rows
        kept += [f"{token} in {table}.{column}" for (token,) in tokens if not may_be_kept(known, token)]
    return kept
