"""Health: alive is one thing, ready another."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ingest.disk import LEAST_FREE, Disk
from tests.calling import Called, edge
from tests.fakes import FakeClock


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def health(called: Called, path: str) -> tuple[int, object]:
    answer = called.send("GET", path, authorization="")
    return answer.status, answer.json


def not_ready(reason: str) -> tuple[int, object]:
    return 503, {"status": "not ready", "reason": reason}


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> list[object]:
    """A file system with so much room; what was asked for grows the list."""
    asked: list[object] = []

    def statvfs(path: object) -> object:
        asked.append(path)
        return SimpleNamespace(f_bavail=size // 4096, f_frsize=4096)

    monkeypatch.setattr(os, "statvfs", statvfs)
    return asked


def test_an_edge_that_can_do_its_work_is_live_and_ready(called: Called) -> None:
    """Nobody needs a key to ask."""
    assert health(called, "/live") == (200, {"status": "live"})
    assert health(called, "/ready") == (200, {"status": "ready"})


def test_what_stops_it_stops_ready_and_not_live(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst is told first; whoever restarts what is not live must not restart it for a disk."""
    free(monkeypatch, 0)
    assert health(called, "/ready") == not_ready("the disk is full")
    called.log.away = True
    assert health(called, "/ready") == not_ready("the log cannot be reached")
    called.app.state.edge.draining = True
    assert health(called, "/ready") == not_ready("shutting down")
    assert health(called, "/live") == (200, {"status": "live"})


def test_a_disk_that_fills_up_is_seen_within_a_second_and_asked_no_oftener(
    called: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may ask for `/ready`, and as often as they like."""
    asked = free(monkeypatch, LEAST_FREE)
    assert [health(called, "/ready")[0] for _ in range(10)] == [200] * 10
    assert len(asked) == 1

    asked = free(monkeypatch, LEAST_FREE - 4096)
    called.clock.now += 1
    assert [health(called, "/ready")[0] for _ in range(10)] == [503] * 10
    assert len(asked) == 1


def test_with_kafka_the_disk_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written to it."""
    free(monkeypatch, 0)

    assert health(edge(tmp_path, kafka="broker:9092"), "/ready")[0] == 200


def test_a_folder_that_is_not_there_is_for_the_log_to_tell_of(tmp_path: Path) -> None:
    """It makes it, or does not start."""
    assert not Disk(tmp_path / "none", FakeClock()).full()
    assert Disk(tmp_path, FakeClock(), least_free=1 << 62).full()
