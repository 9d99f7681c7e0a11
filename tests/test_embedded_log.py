"""What only the embedded log has: a file that must be ours, a retention, a clock that may step back."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ingest.log.sqlite import SqliteLog
from schemas.settings import BadSettings
from tests.faults.test_sqlite_log import message, stored
from tests.reading import numbers
from workers.log.sqlite import SqliteReader

DAY = 86_400.0


def times(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as log:
        return [at for (at,) in log.execute("SELECT at FROM records ORDER BY offset")]


async def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """Neither another program's database nor any other file is written to; the message names the setting."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE theirs (a)")
    (tmp_path / "text.db").write_text("not a database, but longer than the head of one" * 10)

    for name in ("other.db", "text.db"):
        with pytest.raises(BadSettings, match="PENSTOCK_DATA"):
            async with SqliteLog(tmp_path / name):
                pass


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
