"""Questions to ClickHouse within bounds."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from workers.connection import Connection

# What does not fit into memory is grouped on disk.
BOUNDS = {"max_bytes_before_external_group_by": 268_435_456, "max_bytes_before_external_sort": 268_435_456}


class Asking:
    """Used as `with`. seconds: that one answer may take; threads: of the server for it, 0 for as many as it likes.
    Raises `Away` and `Failed`."""

    def __init__(self, url: str, *, seconds: float = 600.0, threads: int = 0) -> None:
        self._connection = Connection(url, patience=seconds)
        self._settings = BOUNDS | {"max_execution_time": seconds} | ({"max_threads": threads} if threads else {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.__exit__(kind, error, trace)

    def rows(self, sql: str, **parameters: object) -> Sequence[Sequence[Any]]:
        return self._connection.rows(sql, parameters, self._settings)
