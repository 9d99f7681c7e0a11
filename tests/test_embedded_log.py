"""What only the embedded log has: a file that must be ours, a retention, a clock that may step back."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ingest.errors import Unavailable
from ingest.log.sqlite import SqliteLog
from schemas.settings import BadSettings
from tests.clickhouse import ClickHouse
from tests.faults.test_sqlite_log import message, stored
from tests.reading import numbers
from tests.running import penstock
from workers.log import LogBroken, sqlite_files
from workers.log.sqlite import SqliteReader

DAY = 86_400.0


def times(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as log:
        return [at for (at,) in log.execute("SELECT at FROM records ORDER BY offset")]


def take_away(path: Path, *, replaced: bool) -> None:
    """With all that belongs to it, under the feet of whoever has it open."""
    for file in path.parent.glob(f"{path.name}*"):
        file.rename(file.with_name(f"old-{file.name}"))
    if replaced:
        path.touch()


def reader(folder: Path) -> SqliteReader:
    return SqliteReader(folder / "log.db", folder / "positions.db")


async def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """Neither another program's database nor any other file is written to; the message names the setting."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE theirs (a)")
    (tmp_path / "text.db").write_text("not a database, but longer than the head of one" * 10)

    for name in ("other.db", "text.db"):
        with pytest.raises(BadSettings, match="PENSTOCK_DATA"):
            async with SqliteLog(tmp_path / name):
                pass


@pytest.mark.parametrize("replaced", [False, True])
async def test_nothing_is_taken_into_a_file_that_nobody_finds(tmp_path: Path, replaced: bool) -> None:
    """A log that was removed under a running edge is made anew; what it did not confirm is the client's to repeat."""
    path = tmp_path / "log.db"
    async with SqliteLog(path) as log:
        await log.append([message(0)])
        take_away(path, replaced=replaced)
        with pytest.raises(Unavailable):
            await log.append([message(1)])
        await log.append([message(2)])

        assert await stored(tmp_path) == [2]


async def test_append_time_does_not_follow_a_clock_that_steps_back(tmp_path: Path) -> None:
    """Not within a process, and not over a restart."""
    clock: Iterator[float] = iter([10.0, 5.0, 6.0, 12.0])
    for _ in range(2):
        async with SqliteLog(tmp_path / "log.db", clock=lambda: next(clock)) as log:
            await log.append([message(0)])
            await log.append([message(1)])

    assert times(tmp_path / "log.db") == [10_000, 10_000, 10_000, 12_000]


async def test_records_older_than_the_retention_go_once_they_are_taken(tmp_path: Path) -> None:
    """They go as new ones come; what no worker has taken stays, however old; an offset never means another record."""
    now = 0.0
    async with (
        SqliteLog(tmp_path / "log.db", retention=DAY, clock=lambda: now) as log,
        SqliteReader(tmp_path / "log.db", tmp_path / "positions.db") as reader,
    ):
        await log.append([message(number) for number in range(4)])
        await reader.commit(await reader.poll(3, 1))
        now = 2 * DAY
        await log.append([message(4)])
        await log.append([message(5)])
        await log.append([message(6)])
        polled = await reader.poll(10, 1)

    assert numbers(polled.records[0]) == [3, 4, 5, 6]
    assert [record.offset for record in polled.records[0]] == [4, 5, 6, 7]
    assert times(tmp_path / "log.db") == [0, *[int(2 * DAY * 1000)] * 3]


async def test_new_log_in_the_old_ones_place_is_read_from_its_beginning(tmp_path: Path) -> None:
    """Positions belong to a generation: those of the old file say nothing about the new one."""
    generations = []
    for _ in range(2):
        async with SqliteLog(tmp_path / "log.db") as log:
            await log.append([message(0), message(1)])
        async with SqliteReader(tmp_path / "log.db", tmp_path / "positions.db") as reader:
            polled = await reader.poll(10, 1)
            await reader.commit(polled)
            generations.append(reader.generation)
            assert numbers(polled.records[0]) == [0, 1]
        (tmp_path / "log.db").unlink()

    assert generations[0] != generations[1]


async def test_settled_log_is_one_file_that_can_be_copied(tmp_path: Path) -> None:
    """Once edge and worker have left, nothing of it is in a journal beside it."""
    async with SqliteLog(tmp_path / "log.db") as log:
        await log.append([message(0)])

    assert os.listdir(tmp_path) == ["log.db"]  # noqa: PTH208 (a Path's own way counts as blocking)
    assert await stored(tmp_path) == [0]


async def test_damaged_positions_cost_no_append(tmp_path: Path) -> None:
    """They are the worker's. Nothing is deleted that it may not have taken."""
    now = 0.0
    async with SqliteLog(tmp_path / "log.db", retention=DAY, clock=lambda: now) as log:
        await log.append([message(0)])
        damage_of_the_worker(tmp_path)
        now = 2 * DAY
        await log.append([message(1)])
        await log.append([message(2)])

    assert times(tmp_path / "log.db") == [0, 172_800_000, 172_800_000]


def damage_of_the_worker(folder: Path) -> None:
    (folder / "positions.db").write_bytes(b"garbage" * 1000)


def damaged(path: Path, first: int) -> None:
    """Other bytes from there on."""
    content = path.read_bytes()
    path.write_bytes(content[:first] + bytes(byte ^ 0x5A for byte in content[first:]))


@pytest.mark.parametrize(
    ("name", "mend"), [("log.db", "Put a copy of it back"), ("positions.db", "Remove it: what the log still holds")]
)
async def test_damaged_file_is_told_with_its_mend(tmp_path: Path, name: str, mend: str) -> None:
    """From its first byte on, or from its second page: never `sqlite3`'s words alone."""
    async with SqliteLog(tmp_path / "log.db") as log:
        await log.append([message(number) for number in range(100)])
    async with reader(tmp_path) as reading:
        await reading.commit(await reading.poll(10, 1))
    for first in (4096, 0):
        damaged(tmp_path / name, first)
        with pytest.raises(LogBroken, match=f"{name} is damaged: .* {mend}"):
            async with reader(tmp_path) as reading:
                await reading.poll(1000, 1)


async def test_log_that_nobody_may_look_at_is_told(tmp_path: Path) -> None:
    """As in a folder of another user: once, and not as a stack trace."""
    (tmp_path / "data").touch()

    with pytest.raises(LogBroken, match=r"data/log\.db cannot be looked at: Not a directory"):
        async with reader(tmp_path / "data") as reading:
            await reading.poll(1, 1)


async def test_position_that_cannot_be_kept_is_covered_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk, or under somebody else's lock, the worker goes on; it begins again where it could commit last."""
    monkeypatch.setattr(sqlite_files, "BUSY_TIMEOUT", 0.01)
    async with SqliteLog(tmp_path / "log.db") as log, reader(tmp_path) as reading:
        await log.append([message(number) for number in range(3)])
        await reading.commit(await reading.poll(1, 1))
        with closing(sqlite3.connect(tmp_path / "positions.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            await reading.commit(await reading.poll(1, 1))
        await reading.rewind()
        assert numbers((await reading.poll(1, 1)).records[0]) == [1]
        await reading.commit(await reading.poll(1, 1))
    async with reader(tmp_path) as reading:
        assert not (await reading.poll(1, 0)).records


def test_worker_that_cannot_read_its_log_says_so_in_a_line(tmp_path: Path, clickhouse: ClickHouse) -> None:
    """Exit code 1, and no stack trace."""
    (tmp_path / "log.db").write_bytes(b"garbage" * 1000)
    settings = {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_CLICKHOUSE": clickhouse.writer_url}
    with (tmp_path / "said.txt").open("wb") as output:
        worker = penstock("worker", settings=settings, output=output)

    assert worker.wait(60) == 1
    [last] = [line for line in (tmp_path / "said.txt").read_text().splitlines() if '"migrated"' not in line]
    assert "log.db is damaged" in json.loads(last)["error"]
