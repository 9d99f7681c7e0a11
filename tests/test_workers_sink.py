"""What the sink asks of and tells the real engine."""

import re
import time
import uuid

import pytest

from tests.clickhouse import ClickHouse
from tests.tables import FakeRecord
from workers.batch import Clocks, Placed, splice
from workers.clickhouse import BARRED, Barred
from workers.connection import Connection
from workers.dead_letters import DeadLetter
from workers.migrate import migrate, statements
from workers.sink import Sink

VALUE = b'{"id":"x","workspace":"w","kind":"event","subject":"id:1","timestamp":1,"received_at":1,"context":{}}'


def test_start_in_the_middle_finds_the_append_time_before(clickhouse: ClickHouse) -> None:
    """So a record gets the same append time whoever inserts it, and after whichever restart."""
    migrate(clickhouse.writer_url)
    now, generation = int(time.time() * 1000), uuid.uuid4().hex
    stepping = [FakeRecord(offset, now + step, None, VALUE) for offset, step in enumerate([0, 500, 100, 200])]
    with Sink(clickhouse.writer_url) as sink:

        def before(partition: int, offset: int) -> int:
            return sink.begin(generation, partition, offset)

        assert before(2, 0) == 0
        whole = splice(generation, {2: stepping}, Clocks(before))
        sink.insert(b"".join(whole.rows))

        middle = splice(generation, {2: stepping[2:]}, Clocks(before))

        dead = [DeadLetter(Placed(2, now + 900, FakeRecord(4, now + 900, None, b"foreign")), 0, "foreign")]
        sink.bury(generation, dead)

        assert middle.rows == whole.rows[2:]
        assert before(2, 5) == now + 900


@pytest.mark.parametrize(
    ("wrong", "more", "sql", "code"),
    [
        ("x", "", "SELECT 1", 516),
        ("", "_nowhere", "SELECT count() FROM events", 81),
        ("", "", "SELECT count() FROM nothing", 60),
        ("", "", "CREATE USER somebody", 497),
    ],
)
def test_a_server_that_does_not_let_us_says_what_somebody_has_to_mend(
    wrong: str, more: str, sql: str, code: int, clickhouse: ClickHouse
) -> None:
    """No verdict on rows, and no password in the text."""
    url = clickhouse.writer_url.replace("@", f"{wrong}@") + more
    with Connection(url) as connection, pytest.raises(Barred, match=f"Code: {code}.*{re.escape(BARRED[code])}") as said:
        connection.command(sql)
    assert clickhouse.passwords.writer not in str(said.value)


def test_migrating_twice_does_nothing(clickhouse: ClickHouse) -> None:
    """Every file is remembered."""
    migrate(clickhouse.writer_url)

    assert migrate(clickhouse.writer_url) == []


def test_files_are_one_statement_each_named_after_what_they_make() -> None:
    """`030_stored_events.sql` makes stored_events, and says before it what one row is or what it fills."""
    for name, statement in statements().items():
        made = name.partition("_")[2].removesuffix(".sql")
        assert statement.startswith("-- "), name
        if "\nCREATE" in statement:
            assert f" {made}" in statement.split("CREATE", 1)[1].splitlines()[0], name
