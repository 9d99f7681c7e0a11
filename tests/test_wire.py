"""The contract with its clients, call by call: what is sent, what is answered, what can be read then."""

import pytest

from tests.clickhouse import ClickHouse
from tests.wire import (
    beacons,
    cdp,
    cdp_meaningful,
    cdp_refused,
    v1_customers,
    v1_deliveries,
    v1_devices,
    v1_events,
    v1_people,
    v1_refused,
    v2,
    v2_batches,
)
from tests.wire.row import Row
from tests.wire.told import HEADERS, Told, in_order, tell

TABLE = (
    *v1_customers.TABLE,
    *v1_devices.TABLE,
    *v1_events.TABLE,
    *v1_people.TABLE,
    *v1_deliveries.TABLE,
    *v1_refused.TABLE,
    *v2.TABLE,
    *v2_batches.TABLE,
    *cdp.TABLE,
    *cdp_meaningful.TABLE,
    *cdp_refused.TABLE,
    *beacons.TABLE,
)


@pytest.fixture(scope="module")
def told(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(TABLE, tmp_path_factory.mktemp("wire"), clickhouse.writer_url)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.workspace)
def test_call_is_answered_to_the_byte_and_becomes_its_rows(told: Told, row: Row) -> None:
    """Status, body and headers; and in all views just the rows that it names."""
    assert told.said(row) == [request.says for request in row.sent]
    assert all(headers == HEADERS for headers in told.headers(row))
    assert told.shown(row) == {view: in_order(rows) for view, rows in row.rows.items()}


def test_what_is_nobodys_is_found_in_rejections(told: Told) -> None:
    """Answered 200, as the contract has it, with a key that nobody knows or with none: without the key that was
    tried."""
    found = [(row["endpoint"], row["status"], row["reason"], row["excerpt"]) for row in told.views[""]["rejections"]]

    assert sorted(found) == [
        ("POST /api/v1/metrics", 403, "unknown_workspace", ""),
        ("POST /unsubscribe/{delivery_id}", 403, "unknown_workspace", ""),
        ("POST /v1/track", 401, "unauthorized", ""),
        ("POST /v1/track", 401, "unauthorized", '{"userId":"5","event":"lost","writeKey":"..."}'),
        ("POST /v1/track", 401, "unauthorized", '{"userId":"5","event":"lost"}'),
    ]


def test_nothing_that_was_answered_200_is_a_dead_letter(told: Told) -> None:
    """What the edge takes, ClickHouse takes."""
    assert told.buried == 0
