"""A replay's way into ClickHouse: the tables, by the same insert as the worker's."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from workers.batch import Block
from workers.connection import Connection
from workers.people.resolve import Resolver
from workers.replay import Letter
from workers.sink import DEAD_LETTER_COLUMNS, INSERT_SETTINGS

# The columns of `messages` that a record brings, as `journal` keeps them.
COLUMNS = (
    "_log, _partition, _offset, _at, id, client_id, workspace, kind, subject, name, timestamp, sent_timestamp,"
    " filed_at, received_at, spooled_at, target, links, relationships, attributes, data, fingerprint, context"
)
# Purge leaves the place of a row and nothing to make it of again. A journal may have a row twice until it is merged.
JOURNAL = "journal FINAL WHERE kind != 'erased' AND "
JOURNAL_SETTINGS = {"do_not_merge_across_partitions_select_final": 1}
COPY_SETTINGS = JOURNAL_SETTINGS | {
    name: INSERT_SETTINGS[name]
    for name in (
        "async_insert",
        "insert_deduplicate",
        "throw_on_max_partitions_per_insert_block",
        "materialized_views_ignore_errors",
    )
}


class Tables:
    """The target of a replay that is meant."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._resolver = Resolver(connection)

    def insert(self, block: Block) -> None:
        self._connection.insert_json("messages", block, INSERT_SETTINGS)

    def copy(self, condition: str, parameters: Mapping[str, object]) -> None:
        copying = f"INSERT INTO messages ({COLUMNS}) SELECT {COLUMNS} FROM {JOURNAL}{condition}"  # noqa: S608
        self._connection.command(copying, parameters, COPY_SETTINGS)
        self._resolver.again_in_journal(condition, parameters)

    def resolve(self, keys: Iterable[bytes]) -> None:
        self._resolver.again(keys)

    def settle(self, letters: Sequence[Letter]) -> None:
        if letters:
            self._connection.insert_rows("buried", DEAD_LETTER_COLUMNS, [_row(one) for one in letters])


def _row(one: Letter) -> list[object]:
    """In the order of `DEAD_LETTER_COLUMNS`."""
    letter, placed = one.letter, one.letter.placed
    record = placed.record
    headers = [(name, value or b"") for name, value in record.headers]
    kept = [record.offset, placed.at, record.key or b"", record.value or b"", headers]
    return [one.log, placed.partition, *kept, letter.reason, letter.code, one.status, _after(one.changed_at)]


def _after(changed_at: int) -> datetime:
    """Now, but later than the change before, whichever clock that was by: the later one wins."""
    last = datetime.fromtimestamp(changed_at / 1000, UTC) + timedelta(milliseconds=1)
    return max(datetime.now(UTC), last)
