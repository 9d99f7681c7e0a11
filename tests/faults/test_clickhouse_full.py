"""A ClickHouse that is there and cannot take rows: full, read-only, out of memory. The real engine says so."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from ingest.log.sqlite import SqliteLog
from tests.clickhouse import ClickHouse
from tests.embedded import own_database
from tests.landing import Load, eventually, lands
from tests.running import penstock, stop
from workers.clickhouse import Away, connect, translated

# What makes a server refuse, as the settings of a table; each is mended by taking it back.
FULL = {
    "a full disk": ("min_free_disk_bytes_to_perform_insert = 1000000000000000", 243),
    "too many parts": ("parts_to_throw_insert = 1", 252),
}
# The same of the worker's user, as settings of its insert.
BOUND = {
    "a user that may only read": ({"readonly": 1}, 164),
    "too little memory": ({"max_memory_usage": 1, "max_untracked_memory": 1}, 241),
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def apart(clickhouse: ClickHouse) -> Iterator[str]:
    """The writer's address of a database that no other test writes to."""
    with own_database(clickhouse.writer_url) as url:
        yield url


@pytest.fixture
def looking(apart: str) -> Iterator[Client]:
    client = connect(apart)
    yield client
    client.close()


@pytest.mark.parametrize("what", FULL)
async def test_worker_waits_while_clickhouse_is_full(what: str, apart: str, looking: Client, tmp_path: Path) -> None:
    """For as long as it lasts, without an end of the process and without a dead letter; then it goes on by itself."""
    setting, code = FULL[what]
    load, said = Load(), tmp_path / "said"
    looking.command(f"ALTER TABLE stored_identifies MODIFY SETTING {setting}")
    settings = {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_CLICKHOUSE": apart}
    with said.open("wb") as output:
        worker = penstock("worker", settings=settings, output=output)
    try:
        async with SqliteLog(tmp_path / "log.db", append_timeout=10) as log:
            for _ in range(3):
                await load.put(log, load.messages(100))
                await asyncio.sleep(0.6)
            await eventually(lambda: said.read_text().count(f"Code: {code}.") > 4, True)
            assert worker.poll() is None
            looking.command(f"ALTER TABLE stored_identifies RESET SETTING {setting.split()[0]}")
            await lands(load, looking)
    finally:
        code = await asyncio.to_thread(stop, worker)

    assert code == 0
    assert load.shown(looking, "dead") == 0


@pytest.mark.parametrize("what", BOUND)
def test_bound_user_is_no_verdict_on_the_rows(what: str, looking: Client) -> None:
    """The same insert may succeed later: it is tried again, and nothing is buried."""
    settings, code = BOUND[what]
    with pytest.raises(ClickHouseError) as error:
        looking.raw_insert("messages", insert_block=b'{"id":"x"}\n' * 9, fmt="JSONEachRow", settings=settings)

    said = translated(error.value)

    assert isinstance(said, Away)
    assert f"Code: {code}." in str(said)
