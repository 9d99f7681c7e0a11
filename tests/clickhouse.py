"""A real ClickHouse for the tests: the embedded server, in a folder of its own and on a port of its own."""

from collections.abc import Iterator

import pytest

from deploy.clickhouse import Address as ClickHouse
from deploy.clickhouse import free_port, running

__all__ = ["ClickHouse", "clickhouse"]


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """Where it answers: `writer_url`, `reader_url`. One server for the whole test run."""
    with running(tmp_path_factory.mktemp("clickhouse"), port=free_port(0)) as server:
        yield server.address
