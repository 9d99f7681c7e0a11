"""The long run, short; and that its verdict would see what it looks for."""

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.kafka import broker
from tests.kafka import NO_LOCAL_BROKER, not_run
from tests.soak.faults import schedule
from tests.soak.memory import Life, Memory
from tests.soak.model import Customer, Event, Found, Known, may_be_kept, violations

ROOT = Path(__file__).parents[2]
ALWAYS = (float("inf"),)


def soak(folder: Path, *options: str) -> subprocess.Popen[str]:
    """A run with its files below this folder."""
    line = [sys.executable, "-m", "tests.soak", *options]
    environ = os.environ | {"TMPDIR": str(folder)}
    return subprocess.Popen(line, env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def held(log: str, folder: Path) -> Mapping[str, Any]:
    """The summary of a short run; its seed is new every time and stands in what a failure prints."""
    summary, seed = folder / "summary.json", random.randrange(1_000_000)
    options = ("--minutes", "0.5", "--seed", str(seed), "--log", log, "--rate", "60", "--summary", str(summary))
    with soak(folder, *options) as process:
        said, _ = process.communicate()
    assert process.returncode == 0, said
    report: dict[str, Any] = json.loads(summary.read_text())
    return report


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.parametrize("log", ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def test_short_run_with_faults_loses_doubles_and_resurrects_nothing(log: str, tmp_path: Path) -> None:
    """Half a minute of load with processes killed and paused, then the audit of each acknowledged request."""
    if log == "kafka" and not broker.installable():
        not_run(NO_LOCAL_BROKER)

    report = held(log, tmp_path)

    assert report["violations"] == {}
    assert sum(report["faults"].values()) >= 3
    assert report["acknowledged"]["event"] > 100


@pytest.mark.slow
def test_interrupted_run_leaves_no_process_behind(tmp_path: Path) -> None:
    """Ctrl-C in the middle: all that it started is gone when it is, so nobody holds the data folder's lock."""
    with soak(tmp_path, "--minutes", "5", "--log", "embedded", "--rate", "20") as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(8)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=90)

    (lock,) = tmp_path.glob("*/data/lock")
    with lock.open() as held_open:
        fcntl.flock(held_open, fcntl.LOCK_EX | fcntl.LOCK_NB)


def known() -> Known:
    """One who is there with an event and a plan, one who was deleted after an event, and an anonymous event."""
    there, gone = Customer(0), Customer(1)
    there.identified((*ALWAYS, 1), {"plan": "zq0l0z", "old": "null"})
    gone.identified((*ALWAYS, 2), {"plan": "zq1l0z"})
    gone.deleted_at((*ALWAYS, 3))
    events = {0: Event(there, 0, once=True), 1: Event(gone, 0, once=True), 2: Event(None, 0, once=True)}
    return Known([there, gone], events)


TRUE = Found({0: 1, 2: 1}, {"zq0c": {"plan": "zq0l0z"}})


def kinds(found: Found, of: Known | None = None) -> set[str]:
    return {kind for kind, wrong in violations(of or known(), found).items() if wrong}


def test_what_is_true_is_no_violation() -> None:
    assert kinds(TRUE) == set()


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (Found({2: 1}, TRUE.customers), "missing"),
        (Found(TRUE.events, {}), "missing"),
        (Found({0: 2, 2: 1}, TRUE.customers), "doubled"),
        (Found({0: 1, 2: 2}, TRUE.customers), "doubled"),
        (Found({0: 1, 1: 1, 2: 1}, TRUE.customers), "resurrected"),
        (Found(TRUE.events, {**TRUE.customers, "zq1c": {}}), "resurrected"),
        (Found({0: 1, 2: 1, 7: 1}, TRUE.customers), "unknown"),
        (Found(TRUE.events, {"zq0c": {"plan": "zq0l0z", "old": "x"}}), "attributes"),
    ],
)
def test_each_kind_of_violation_is_seen(found: Found, kind: str) -> None:
    assert kinds(found) == {kind}


def test_late_write_fills_gaps_and_overrules_nothing() -> None:
    """One with a stamp of long ago; after a deletion it stays dead."""
    customer = Customer(0)
    customer.identified((*ALWAYS, 1), {"a": "new"})
    customer.identified((100.0, 2), {"a": "old", "b": "old"})
    assert customer.shown == {"a": "new", "b": "old"}

    customer.deleted_at((*ALWAYS, 3))
    customer.identified((200.0, 4), {"a": "older"})
    assert (customer.alive, customer.shown) == (False, {})


def test_event_that_was_never_acknowledged_may_be_there_or_not() -> None:
    """And one without an id may be there twice, if its client had to repeat it."""
    unsure = known()
    unsure.events |= {3: Event(None, 0, once=True, acknowledged=False), 4: Event(None, 0, once=False)}

    assert kinds(Found({**TRUE.events, 4: 2}, TRUE.customers), unsure) == set()
    assert kinds(Found({**TRUE.events, 3: 1, 4: 1}, TRUE.customers), unsure) == set()


def test_tokens_of_the_erased_may_not_be_kept() -> None:
    """Those of a life that ended, and the name of who is gone."""
    facts = known()

    assert [may_be_kept(facts, token) for token in ("zq0c", "zq0l0z")] == [True, True]
    assert [may_be_kept(facts, token) for token in ("zq1c", "zq1l0z", "zq0l7z", "zq9c")] == [False] * 4


@pytest.mark.parametrize("log", ["embedded", "kafka"])
def test_schedule_comes_from_the_seed_alone(log: str) -> None:
    """The same seed, the same faults at the same times; another seed, others. Each lane in order, within the run."""
    commands = {"purge", "replay", "migrate"}
    lanes = schedule(1, 1800, log, commands)

    assert lanes == schedule(1, 1800, log, commands) != schedule(2, 1800, log, commands)
    for faults in lanes.values():
        times = [fault.at for fault in faults]
        assert times == sorted(times)
        assert len(times) > 40
        assert times[-1] < 1800


def test_memory_that_grows_is_seen() -> None:
    """By a fifth and 30 MB from the second quarter to the last; what lived for a minute is not judged."""
    mb = 1 << 20
    flat, growing, short = (Life(name) for name in ("flat", "growing", "short"))
    for at in range(0, 1800, 5):
        flat.samples.append((at, 100 * mb + at % 20 * mb))
        growing.samples.append((at, 100 * mb + at * mb // 10))
    short.samples += [(0.0, mb), (60.0, 900 * mb)]
    memory = Memory({1: flat, 2: growing, 3: short})

    assert [life.part for life in memory.long_lives(1800) if life.grows] == ["growing"]
