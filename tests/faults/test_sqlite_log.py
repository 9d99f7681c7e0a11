"""The embedded log, killed and starved: what it acknowledged is there once, and it works again when it can."""

import asyncio
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import monotonic

import pytest

from ingest.errors import Unavailable
from ingest.log import Log
from ingest.log.sqlite import SqliteLog
from schemas.messages import Context, Message
from tests.reading import numbers
from workers.log.sqlite import SqliteReader

ROOT = Path(__file__).parents[2]
KILLS = 10
APPEND_TIMEOUT = 1.0

# A process that appends from many tasks and prints the number of every message once it is acknowledged.
WRITER = """
import asyncio, itertools, sys
from pathlib import Path
from ingest.log.sqlite import SqliteLog
from tests.faults.test_sqlite_log import message

async def client(log, numbers):
    for number in numbers:
        await log.append([message(number)])
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()

async def main():
    numbers = itertools.count(int(sys.argv[2]))
    async with SqliteLog(Path(sys.argv[1])) as log:
        await asyncio.gather(*(client(log, numbers) for _ in range(50)))

asyncio.run(main())
"""


def message(number: int, name: str = "") -> Message:
    return Message(
        id=str(number),
        workspace="site",
        kind="event",
        subject="id:42",
        name=name,
        received_at=1.0,
        timestamp=1.0,
        context=Context(endpoint="track"),
    )


async def stored(folder: Path) -> list[int]:
    found: list[int] = []
    async with SqliteReader(folder / "log.db", folder / "positions.db") as reader:
        while records := (await reader.poll(10_000, 0)).records:
            found.extend(numbers(records[0]))
    return found


def killed_writer(path: Path, first: int, acknowledgements: int) -> list[int]:
    """What a process acknowledged until it was killed, at some moment in the middle of its work."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    with writer, closing(writer.stdout) as output:
        acknowledged = [int(next(output)) for _ in range(acknowledgements)]
        writer.kill()
        acknowledged.extend(int(line) for line in output if line.endswith("\n"))
    return acknowledged


async def taken(log: Log, one: Message) -> None:
    """Return once it is acknowledged, as for a client that repeats it."""
    async with asyncio.timeout(60):
        while True:
            with suppress(Unavailable):
                return await log.append([one])


async def append_until_refused(log: SqliteLog, acknowledged: list[int]) -> None:
    for number in range(1_000):
        await log.append([message(number, "x" * 10_000)])
        acknowledged.append(number)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """As on a full disk, no file of this process can grow above `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
async def test_acknowledged_messages_survive_kills_once_each(tmp_path: Path) -> None:
    """Ten writers are killed with SIGKILL, one after the other, on one file."""
    acknowledged: list[int] = []
    for kill in range(KILLS):
        acknowledged += killed_writer(tmp_path / "log.db", kill * 1_000_000, 200 + 137 * kill)

    on_log = await stored(tmp_path)
    assert len(on_log) == len(set(on_log))
    assert set(acknowledged) <= set(on_log)
    with closing(sqlite3.connect(tmp_path / "log.db")) as log:
        assert log.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_full_disk_is_unavailable_until_there_is_room(tmp_path: Path) -> None:
    """Nothing is acknowledged that is not stored, and no restart is needed."""
    acknowledged: list[int] = []
    async with SqliteLog(tmp_path / "log.db") as log:
        with file_size_limit(2_000_000), pytest.raises(Unavailable):
            await append_until_refused(log, acknowledged)
        assert not log.reachable()
        await log.append([message(1_000, "x" * 10_000)])

    assert len(acknowledged) > 50
    assert {*acknowledged, 1_000} <= set(await stored(tmp_path))


async def test_locked_log_is_unavailable_until_it_is_free(tmp_path: Path) -> None:
    """Somebody with a shell in the file costs 503s in time, and nothing after that."""
    async with SqliteLog(tmp_path / "log.db", append_timeout=APPEND_TIMEOUT) as log:
        with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as somebody:
            somebody.execute("BEGIN IMMEDIATE")
            start = monotonic()
            with pytest.raises(Unavailable):
                await log.append([message(0)])
            assert monotonic() - start < APPEND_TIMEOUT + 10
        await taken(log, message(1))

    assert 1 in await stored(tmp_path)
