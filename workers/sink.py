"""The insert, and what its answer means."""

import time
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from schemas import failpoints
from workers.batch import Block, Placed
from workers.clickhouse import PATIENCE
from workers.connection import Connection
from workers.dead_letters import DeadLetter
from workers.log import Record
from workers.people.resolve import Resolver
from workers.stream import Stream

INSERT_SETTINGS = {
    "async_insert": 0,  # the default is 1 since 26.2: the answer would come before the rows
    "insert_deduplicate": 0,  # a replay is legitimate; the tables fold repeats themselves
    "optimize_on_insert": 0,  # to fold a block by itself costs a quarter of its insert, and merges do it anyway
    "parallel_view_processing": 1,
    "max_insert_threads": 1,  # a block goes one way through the views; by default one is prepared for each core
    "input_format_parallel_parsing": 0,  # one block, so a request that is cut leaves nothing
    "max_insert_block_size": 1_048_449,
    "max_insert_block_size_bytes": 0,
    "min_insert_block_size_rows": 1_048_449,
    "min_insert_block_size_bytes": 0,
    "input_format_skip_unknown_fields": 0,  # a field that no column takes would be lost without a word
    "input_format_json_read_objects_as_strings": 1,
    "input_format_defaults_for_omitted_fields": 1,
    "throw_on_max_partitions_per_insert_block": 0,  # many months in one block stop nobody
    "materialized_views_ignore_errors": 0,
}

DEAD_LETTER_COLUMNS = {
    "_log": "LowCardinality(String)",
    "_partition": "UInt32",
    "_offset": "UInt64",
    "_at": "UInt64",
    "key": "String",
    "value": "String",
    "headers": "Array(Tuple(String, String))",
    "reason": "String",
    "code": "Int32",
    "status": "LowCardinality(String)",
    "changed_at": "DateTime64(3, 'UTC')",
}

_LAST_BEFORE = (
    "(SELECT _at FROM {table} WHERE _log = {{log:String}} AND _partition = {{partition:UInt32}}"
    " AND _offset < {{offset:UInt64}} ORDER BY _offset DESC LIMIT 1)"
)
# A record is in one of the two.
APPEND_TIME_BEFORE = " UNION ALL ".join(_LAST_BEFORE.format(table=name) for name in ("journal", "stored_dead_letters"))
APPEND_TIME_BEFORE = f"SELECT max(_at) FROM ({APPEND_TIME_BEFORE})"  # noqa: S608  nothing of it comes from outside


class Sink:
    """The table `messages`, from which all others are filled, and who is who by it. Blocking: called in a thread, one
    call at a time, beside which the rows of one stream may be on their way."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """patience: s without a word of ClickHouse, after which an insert is given up and repeated."""
        self._connection = Connection(url, patience=patience)
        self._streaming = [Connection(url, patience=patience) for _ in range(2)]
        self._resolver = Resolver(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in (self._connection, *self._streaming):
            connection.__exit__(kind, error, trace)

    def insert(self, block: bytes | Block | Stream) -> None:
        """Return once every row of the block is in every table that takes it.

        Raises `Away`: some tables may have the rows and others not, so the whole block is inserted again.
        Raises `Failed`: the server refuses these rows or this insert.
        """
        body = _in_halves(bytes(block)) if failpoints.armed("worker.inserting") else block
        connection = self._connection
        if isinstance(block, Stream):  # the one before may be in the views yet
            self._streaming.append(connection := self._streaming.pop(0))
        connection.insert_json("messages", body, INSERT_SETTINGS)

    def resolve(self, generation: str, records: Mapping[int, Sequence[Record]]) -> None:
        """Return once the people are who they are after these records, which were inserted. Raises `Away` and `Failed`;
        a repeat changes nothing."""
        self._resolver.resolve(generation, records, time.time())

    def bury(self, generation: str, letters: Sequence[DeadLetter]) -> None:
        """Return once the letters are in `dead_letters`. Raises `Away` and `Failed`; a repeat changes nothing."""
        now = datetime.now(UTC)
        rows = [[generation, *_place(letter.placed), letter.reason, letter.code, "dead", now] for letter in letters]
        self._connection.insert_rows("buried", DEAD_LETTER_COLUMNS, rows)

    def begin(self, generation: str, partition: int, offset: int) -> int:
        """Return once a purge knows that records of a partition come from that offset on: the append time in ms of the
        last one before it; 0 where none is kept. Raises `Away` and `Failed`."""
        self._resolver.begin(generation, partition)
        place = {"log": generation, "partition": partition, "offset": offset}
        return int(self._connection.rows(APPEND_TIME_BEFORE, place)[0][0])


def _in_halves(block: bytes) -> Generator[bytes, None, None]:
    """For a test that kills us between the two: ClickHouse has half of the body then."""
    yield block[: len(block) // 2]
    failpoints.reach("worker.inserting")
    yield block[len(block) // 2 :]


def _place(placed: Placed) -> list[object]:
    """From the partition to the headers, in the order of `DEAD_LETTER_COLUMNS`."""
    record = placed.record
    headers = [(name, value or b"") for name, value in record.headers]
    return [placed.partition, record.offset, placed.at, record.key or b"", record.value or b"", headers]
