"""One client of ClickHouse, made when it is first needed, its errors as ours."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self, cast

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.external import ExternalData

from workers.clickhouse import PATIENCE, connect, translated


class Given(NamedTuple):
    """A table that travels with a question. structure: as `hash UInt128, name String`. data: its rows in that format of
    ClickHouse's."""

    structure: str
    data: bytes
    format: str


class Connection:
    """Used as `with`. Blocking, one call at a time; each raises `Away` and `Failed`, `Refused` among them.

    session: a name under which the server keeps temporary tables; empty for none.
    patience: s without a word of ClickHouse, after which a call is given up.
    """

    def __init__(self, url: str, session: str = "", patience: float = PATIENCE) -> None:
        self._url = url
        self._session = session
        self._patience = patience
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
        given: "Given | None" = None,
    ) -> Sequence[Sequence[Any]]:
        """formats: how values of a type are read, `{"String": "bytes"}`. given: the rows of a table `given` that is
        there for this question: a parameter may not be longer than 128 KiB."""
        with self._translating() as client:
            answer = client.query(
                sql,
                parameters=dict(parameters or {}),
                settings=dict(settings or {}),
                query_formats=dict(formats or {}),
                external_data=_external(given) if given else None,
            )
        return answer.result_rows

    def command(
        self, sql: str, parameters: Mapping[str, object] | None = None, settings: Mapping[str, object] | None = None
    ) -> None:
        with self._translating() as client:
            client.command(sql, parameters=dict(parameters or {}), settings=dict(settings or {}))

    def insert_json(self, table: str, block: bytes | Iterable[bytes], settings: Mapping[str, object]) -> None:
        """block: JSONEachRow."""
        with self._translating() as client:
            # Their type names fewer than they take: urllib3 sends whatever can be iterated over.
            client.raw_insert(table, insert_block=cast(bytes, block), fmt="JSONEachRow", settings=dict(settings))

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
                self._client = connect(self._url, self._patience)
                if self._session:
                    self._client.set_client_setting("session_id", self._session)
            yield self._client
        except ClickHouseError as error:
            raise translated(error) from None


def _external(given: Given) -> ExternalData:
    return ExternalData(file_name="given", data=given.data, fmt=given.format, structure=given.structure)
