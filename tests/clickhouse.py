"""A real ClickHouse for the tests: the embedded server, in a folder of its own and on a port of its own."""

from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from deploy.clickhouse import Address as ClickHouse
from deploy.clickhouse import running
from tests.ports import free_port
from workers.clickhouse import connect
from workers.migrate import migrate
from workers.sink import Sink

__all__ = ["ClickHouse", "clickhouse", "client", "sink", "url"]


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """Where it answers: `writer_url`, `reader_url`. One server for the whole test run."""
    with running(tmp_path_factory.mktemp("clickhouse"), port=free_port()) as server:
        yield server.address


@pytest.fixture(scope="session")
def url(clickhouse: ClickHouse) -> str:
    """The writer's, with every table and view made."""
    migrate(clickhouse.writer_url)
    return clickhouse.writer_url


@pytest.fixture
def sink(url: str) -> Iterator[Sink]:
    """Where the worker's rows go."""
    with Sink(url) as sink:
        yield sink


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """To look at the rows."""
    client = connect(url)
    yield client
    client.close()
