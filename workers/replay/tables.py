"""A replay's way into ClickHouse: the tables, by the same insert as the worker's."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from workers.clickhouse import connect, translated
from workers.replay import Letter
from workers.sink import DEAD_LETTER_COLUMNS, INSERT_SETTINGS

# The columns of `messages` that a record brings, as `journal` keeps them.
COLUMNS = (
    "_log, _partition, _offset, _at, id, client_id, workspace, kind, subject, name, timestamp, sent_timestamp,"
    " filed_at, received_at, spooled_at, attributes, data, context"
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


class Connection:
    """One client, made when it is first needed. Blocking, one call at a time; raises `Away` and `Failed`.

    session: a name under which the server keeps temporary tables; empty for none.
    """

    def __init__(self, url: str, session: str = "") -> None:
        self._url = url
        self._session = session
        self._client: Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client:
            self._client.close()

    def rows(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
        formats: Mapping[str, str] | None = None,
    ) -> Sequence[Sequence[Any]]:
        """formats: how values of a type are read, `{"String": "bytes"}`."""
        with self._translating() as client:
            answer = client.query(
                sql,
                parameters=dict(parameters or {}),
                settings=dict(settings or {}),
                query_formats=dict(formats or {}),
            )
        return answer.result_rows

    def command(
        self, sql: str, parameters: Mapping[str, object] | None = None, settings: Mapping[str, object] | None = None
    ) -> None:
        with self._translating() as client:
            client.command(sql, parameters=dict(parameters or {}), settings=dict(settings or {}))

    def insert_json(self, table: str, block: bytes) -> None:
        with self._translating() as client:
            client.raw_insert(table, insert_block=block, fmt="JSONEachRow", settings=INSERT_SETTINGS)

    def insert_rows(self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]]) -> None:
        """columns: types by name."""
        with self._translating() as client:
            client.insert(
                table,
                rows,
                column_names=list(columns),
                column_type_names=list(columns.values()),
                settings={"async_insert": 0},
            )

    @contextmanager
    def _translating(self) -> Iterator[Client]:
        try:
            if self._client is None:
                self._client = connect(self._url)
                if self._session:
                    self._client.set_client_setting("session_id", self._session)
            yield self._client
        except ClickHouseError as error:
            raise translated(error) from None


class Tables:
    """The target of a replay that is meant."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert(self, block: bytes) -> None:
        self._connection.insert_json("messages", block)

    def copy(self, condition: str, parameters: Mapping[str, object]) -> None:
        copying = f"INSERT INTO messages ({COLUMNS}) SELECT {COLUMNS} FROM {JOURNAL}{condition}"  # noqa: S608
        self._connection.command(copying, parameters, COPY_SETTINGS)

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
