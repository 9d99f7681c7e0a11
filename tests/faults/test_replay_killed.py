"""`penstock replay` killed, interrupted and cut off from ClickHouse: it is resumed, and ends in the same tables."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from tests.clickhouse import ClickHouse
from tests.embedded import own_database
from tests.ports import free_port
from tests.proxy import Fault, Proxy, http_error
from tests.replaying import Quiet, count, history, landed, placed, replayed, shown
from tests.running import penstock
from workers.clickhouse import Away, connect
from workers.connection import Connection
from workers.replay.patience import Interrupted, Patience

RECORDS = 400
OPTIONS = ("replay", "--rate", "100")  # four chunks, a second each


def run(settings: dict[str, str], out: Path, *options: str) -> tuple[int, str]:
    """The exit code of `penstock replay`, and what it said."""
    with out.open("wb") as output:
        code = penstock(*OPTIONS, *options, settings=settings, output=output).wait(60)
    return code, out.read_text()


@pytest.fixture(scope="module")
def whole(url: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """A database with a history in it, and what its views say: a replay that ends leaves it so for the next test."""
    with own_database(url) as own, closing(connect(own)) as client:
        landed(own, placed(history(RECORDS, 21)))
        yield own, shown(client)


@pytest.fixture
def before(whole: tuple[str, dict[str, bytes]]) -> dict[str, bytes]:
    """What its views said."""
    return whole[1]


@pytest.fixture
def there(whole: tuple[str, dict[str, bytes]]) -> Iterator[Client]:
    """To look at it. Its tables are lost, the journal apart, and nothing was ever replayed."""
    with closing(connect(whole[0])) as client:
        for table in ("events", "attributes", "customers", "identifies", "erasures"):
            client.command(f"TRUNCATE TABLE stored_{table}")
        client.command("TRUNCATE TABLE replays")
        yield client


@pytest.fixture
def settings(whole: tuple[str, dict[str, bytes]], there: Client, tmp_path: Path) -> dict[str, str]:
    return {"PENSTOCK_CLICKHOUSE": whole[0], "PENSTOCK_DATA": str(tmp_path)}


def position(there: Client) -> tuple[str, int]:
    [row] = there.query("SELECT status, records FROM replays FINAL").result_rows
    return row[0], row[1]


@pytest.mark.slow
@pytest.mark.parametrize(("point", "kept"), [("replay.started", 0), ("replay.inserted", 0), ("replay.inserted:3", 200)])
def test_killed_replay_is_resumed_and_ends_in_the_same_tables(
    settings: dict[str, str], there: Client, before: dict[str, bytes], tmp_path: Path, point: str, kept: int
) -> None:
    """SIGKILL before the first insert, and after inserts whose position was not kept: that chunk is repeated."""
    killed, _ = run(settings | {"PENSTOCK_FAILPOINT": point}, tmp_path / "killed")
    assert killed == -signal.SIGKILL
    assert position(there) == ("started", kept)
    code, said = run(settings, tmp_path / "resumed", "--resume")

    assert (code, position(there)) == (0, ("finished", RECORDS))
    assert f"Replayed {RECORDS - kept} records from the journal" in said
    assert shown(there) == before
    assert count(there, "journal") == RECORDS


@pytest.mark.slow
def test_interrupted_replay_says_how_to_go_on(
    settings: dict[str, str], there: Client, before: dict[str, bytes], tmp_path: Path
) -> None:
    """Ctrl-C between two chunks: exit code 130, and the command that resumes it."""
    out = tmp_path / "out"
    with out.open("wb") as output:
        process = penstock(*OPTIONS, settings=settings, output=output)
        until = time.monotonic() + 30
        while not count(there, "replays") or not position(there)[1]:
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert "penstock replay --rate 100 --resume" in out.read_text()
    assert position(there)[0] == "started"

    code, _ = run(settings, out, "--resume")
    assert (code, shown(there)) == (0, before)
    code, said = run(settings, out, "--resume")
    assert (code, "nothing to resume" in said) == (1, True)


async def test_clickhouse_that_stays_away_is_given_up(url: str) -> None:
    """After a while, with a word at its beginning."""
    nowhere = url.replace(url.split("@")[1].split("/")[0], f"127.0.0.1:{free_port()}")
    quiet = Quiet()
    patience = Patience(quiet, asyncio.Event(), 1.0)

    with Connection(nowhere) as connection, pytest.raises(Away):
        await patience.over(lambda: asyncio.to_thread(connection.rows, "SELECT 1"))

    assert len(quiet.said) == 1
    assert quiet.said[0].startswith("ClickHouse is away, trying again for 1 s:")


async def test_clickhouse_that_comes_back_is_used_again(url: str, clickhouse: ClickHouse) -> None:
    """The call is repeated until it succeeds."""
    port = free_port()
    patience = Patience(Quiet(), asyncio.Event(), 30.0)

    with Connection(url.replace(f":{clickhouse.port}/", f":{port}/")) as connection:
        asking = asyncio.create_task(patience.over(lambda: asyncio.to_thread(connection.rows, "SELECT 42")))
        await asyncio.sleep(1)
        assert not asking.done()
        async with Proxy(clickhouse.port, port=port):
            assert await asking == [(42,)]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CUT_REQUEST, Fault.LOST_ANSWER, Fault.CUT_ANSWER, Fault.SAID])
async def test_inserts_that_go_wrong_are_repeated(
    settings: dict[str, str], there: Client, before: dict[str, bytes], clickhouse: ClickHouse, fault: Fault
) -> None:
    """Whether their rows are there or not: nothing is lost, and no view changes."""
    away = http_error("503 Service Unavailable")
    async with Proxy(clickhouse.port, [None, fault, fault, None, fault], said=[away]) as proxy:
        address = settings["PENSTOCK_CLICKHOUSE"].replace(f":{clickhouse.port}/", f":{proxy.port}/")
        summary = await replayed(address, rows=100)

    assert proxy.done == [fault] * 3
    assert summary.rows == RECORDS
    assert shown(there) == before


async def test_interruption_ends_the_waiting(url: str) -> None:
    """Nobody waits a minute for Ctrl-C."""
    stop = asyncio.Event()
    nowhere = url.replace(url.split("@")[1].split("/")[0], f"127.0.0.1:{free_port()}")
    with Connection(nowhere) as connection:
        waiting = asyncio.create_task(
            Patience(Quiet(), stop).over(lambda: asyncio.to_thread(connection.rows, "SELECT 1"))
        )
        await asyncio.sleep(0.5)
        stop.set()
        async with asyncio.timeout(10):
            with pytest.raises(Interrupted):
                await waiting
