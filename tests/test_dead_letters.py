"""Dead letters on the real engine: which answers are verdicts on rows, and what is kept of them."""

import time
import uuid

import pytest
from clickhouse_connect.driver.client import Client

from tests.tables import FakeRecord
from workers.batch import Block, Clocks, splice
from workers.clickhouse import REJECTIONS, Failed, Refused, Short, connect
from workers.dead_letters import EMPTY, FEW, FOREIGN, Allowance, DeadLetter, land
from workers.sink import Sink

AT = int(time.time() * 1000)  # the journal drops what is a week old
GOOD = (
    b'{"id":"%d","workspace":"w","kind":"event","subject":"id:1","name":"e","timestamp":1790000000,'
    b'"received_at":1790000000,"context":{}}'
)


def but(field: bytes, value: bytes) -> bytes:
    """A good message with one member replaced or added."""
    members = [member for member in (GOOD % 1)[1:-1].split(b",") if not member.startswith(b'"%b":' % field)]
    return b"{" + b",".join([*members, b'"%b":%b' % (field, value)]) + b"}"


VERDICTS = {
    "a tuple of one": (but(b"attributes", b'[["a"]]'), 27),
    "no time": (but(b"spooled_at", b'"nan"'), 70),
    "no number": (but(b"timestamp", b'"soon"'), 72),
    "an unknown field": (but(b"colour", b'"red"'), 117),
    "a field twice": (b'{"name":"twice",' + (GOOD % 1)[1:], 117),
    "no array": (but(b"attributes", b'"a"'), 130),
    "an unknown kind": (but(b"kind", b'"dance"'), 469),
    "no workspace": (but(b"workspace", b'""'), 469),
    "a time beyond what a column holds": (but(b"timestamp", b"1e300"), 469),
    "data that is no object": (but(b"data", b"[1]"), 469),
}


def landed(sink: Sink, generation: str, values: list[bytes | None]) -> list[DeadLetter]:
    records = [FakeRecord(offset, AT, b"key", value, (("h", b"\xff"),)) for offset, value in enumerate(values)]
    dead = land(splice(generation, {3: records}, Clocks(lambda *place: 0)), sink.insert, Allowance())
    sink.bury(generation, dead)
    return dead


@pytest.mark.parametrize("what", VERDICTS)
def test_refused_row_is_alone_in_dead_letters(sink: Sink, client: Client, what: str) -> None:
    """Its neighbours land; it is kept as it stood on the log, with ClickHouse's code and words."""
    value, code = VERDICTS[what]
    generation = uuid.uuid4().hex

    landed(sink, generation, [GOOD % 0, value, GOOD % 2])

    parameters = {"log": generation}
    kept = client.query(
        "SELECT partition, offset, code, status, hex(key), hex(value), headers.1, reason"
        " FROM dead_letters WHERE log = {log:String}",
        parameters=parameters,
    ).result_rows
    assert [tuple(row[:7]) for row in kept] == [(3, 1, code, "dead", b"key".hex().upper(), value.hex().upper(), ["h"])]
    assert f"Code: {code}." in kept[0][7]
    assert "http" not in kept[0][7]
    journal = client.query("SELECT _offset FROM journal WHERE _log = {log:String}", parameters=parameters)
    assert sorted(row[0] for row in journal.result_rows) == [0, 2]


def test_every_verdict_is_provoked(sink: Sink) -> None:
    """A code is a verdict on rows only if a row was seen to cause it; broken text is found before that."""
    broken = set()
    for value in (b'{"id":"x', but(b"name", b'"\\ud800"')):
        with pytest.raises(Refused) as refused:
            sink.insert(value)
        broken.add(refused.value.code)

    assert broken == {25, 26}
    assert broken | {code for _, code in VERDICTS.values()} == REJECTIONS


def test_records_of_somebody_else_are_kept_as_they_are(sink: Sink, client: Client) -> None:
    """Foreign bytes, a value that would be two rows, an empty one: each with its reason, none in a block."""
    generation = uuid.uuid4().hex
    foreign = [b"\x00\xff\x80", GOOD % 1 + b"," + GOOD % 1, None]

    dead = landed(sink, generation, [GOOD % 0, *foreign])

    assert [(letter.code, letter.reason) for letter in dead] == [(0, FOREIGN), (0, FOREIGN), (0, EMPTY)]
    kept = client.query(
        "SELECT hex(value) FROM dead_letters WHERE log = {log:String} ORDER BY offset", parameters={"log": generation}
    ).result_rows
    assert [bytes.fromhex(row[0]) for row in kept] == [value or b"" for value in foreign]


def test_repeated_burial_is_one_row(sink: Sink, client: Client) -> None:
    """A worker that was killed before its commit buries the same records again."""
    generation = uuid.uuid4().hex

    for _ in range(3):
        landed(sink, generation, [b"foreign"])

    count = client.query("SELECT count() FROM dead_letters WHERE log = {log:String}", parameters={"log": generation})
    assert count.result_rows[0][0] == 1


def test_missing_table_says_nothing_about_the_rows(url: str) -> None:
    """It is no verdict: the worker stops, and buries nothing."""
    client = connect(url)
    client.command("CREATE DATABASE IF NOT EXISTS penstock_empty")
    client.close()
    with Sink(url.replace("/penstock", "/penstock_empty")) as sink, pytest.raises(Failed) as failed:
        sink.insert(GOOD % 1)

    assert not isinstance(failed.value, Refused)


@pytest.mark.parametrize("size", [len(GOOD), FEW // 2, 2 * FEW])
@pytest.mark.parametrize("most", [5 * FEW, FEW // 4])
def test_block_that_takes_more_memory_than_there_is_comes_in_halves(size: int, most: int) -> None:
    """However large its rows are; no row is guilty of that. A server that cannot take little either is waited for."""
    padded = but(b"name", b'"%b"' % (b"e" * (size - len(GOOD))))
    count, offsets = 20 * FEW // len(padded), list[int]()

    def insert(block: Block) -> None:
        rows = bytes(block)
        if len(rows) > 2 * most:  # of rows, which have a place each
            raise Short("Code: 241")
        offsets.extend(int(row.split(b'"_offset":')[1].split(b",")[0]) for row in rows.splitlines())

    records = [FakeRecord(offset, AT, b"key", padded) for offset in range(count)]
    spliced = splice("log", {3: records}, Clocks(lambda *place: 0))
    if most < FEW // 2:
        with pytest.raises(Short):
            land(spliced, insert, Allowance())
        assert offsets == []
    else:
        assert land(spliced, insert, Allowance()) == []
        assert offsets == list(range(count))
