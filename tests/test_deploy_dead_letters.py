"""`penstock dead-letters` on a real ClickHouse."""

import io
import time

from deploy.dead_letters import show
from tests.clickhouse import ClickHouse
from tests.tables import FakeRecord
from workers.batch import Clocks, splice
from workers.dead_letters import Allowance, land
from workers.migrate import migrate
from workers.sink import Sink


def test_dead_letters_are_counted_and_listed(clickhouse: ClickHouse) -> None:
    """By reason and newest first; bytes that could command a terminal are shown as dots."""
    migrate(clickhouse.writer_url)
    foreign = FakeRecord(0, int(time.time() * 1000), None, b"\x1b[2Jred\x00\xff")
    with Sink(clickhouse.writer_url) as sink:
        dead = land(splice("shown", {9: [foreign]}, Clocks(lambda *place: 0)), sink.insert, Allowance())
        sink.bury("shown", dead)
    out = io.BytesIO()

    show(clickhouse.reader_url, out, limit=10)

    text = out.getvalue().decode()
    assert "the value is not one JSON object" in text
    assert ".[2Jred." in text
    assert "\x1b" not in text
