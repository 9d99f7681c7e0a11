"""`penstock up` with nothing configured: what it acknowledges with fsync while its worker drains it, on all cores.

Needs wrk, which takes a part of a core. For each load: events acknowledged and taken, latency, how far behind the
worker is when the load ends, CPU and memory by process, and the size of the log's files.
Run by `python -m tests.bench.embedded [SECONDS] [ROUNDS]`.
"""

import json
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.bench.measuring import wrk
from tests.bench.measuring.processes import cpu, rss
from tests.bench.measuring.report import about, kept
from tests.running import up

SECONDS, ROUNDS = 10, 3
PARTS = {"edge": "edge", "worker": "worker", "deploy.clickhouse_server": "clickhouse"}
CONNECTIONS = {"v1": 64, "v2 batch": 16}

Figures = dict[tuple[str, str], float]  # by what, and unit


def processes(data: Path) -> dict[str, int]:
    """Of the instance in a data folder, by name."""
    parent = json.loads((data / "instance.json").read_text())["pid"]
    found: dict[str, int] = {}
    for file in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in map(int, file.read_text().split()):
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            found |= {name: pid for word, name in PARTS.items() if word in words}
    return found


def offsets(data: Path) -> tuple[int, int]:
    """The log's last, and the last that the worker has taken."""
    with closing(sqlite3.connect(data / "log.db")) as log, closing(sqlite3.connect(data / "positions.db")) as positions:
        [last] = log.execute("SELECT coalesce(max(offset), 0) FROM records").fetchone()
        # Its table is made with the first look at the log.
        if not positions.execute("SELECT 1 FROM sqlite_schema WHERE name = 'positions'").fetchone():
            return last, 0
        [taken] = positions.execute("SELECT coalesce(max(offset), 0) FROM positions").fetchone()
    return last, taken


def drained(data: Path, within: float = 120) -> float:
    """Seconds until the worker has taken all."""
    began = time.monotonic()
    while (at := offsets(data))[0] != at[1]:
        assert time.monotonic() < began + within, f"the worker is at {at[1]} of {at[0]}"
        time.sleep(0.05)
    return time.monotonic() - began


def measured(way: str, data: Path, port: int, seconds: int) -> Figures:
    pids = processes(data)
    before, used = offsets(data)[0], {part: cpu(pid) for part, pid in pids.items()}
    load = wrk.load(wrk.WAYS[way], port, seconds, CONNECTIONS[way], core=-1)
    last, taken = offsets(data)
    busy = {part: cpu(pid) - used[part] for part, pid in pids.items()}
    files = {file.name: file.stat().st_size for file in data.glob("log.db*")}
    count, rest = last - before, drained(data)
    return {
        (f"{way}, acknowledged", "events/s"): load.events / load.seconds,
        (f"{way}, taken by the worker", "events/s"): count / (seconds + rest),
        (f"{way}, behind when the load ends", "events"): last - taken,
        (f"{way}, p50", "ms"): load.p50,
        (f"{way}, p99", "ms"): load.p99,
        **{(f"{way}, {part}", "µs/event"): spent / count * 1e6 for part, spent in busy.items()},
        **{(f"{way}, {part}", "MB"): rss(pid) for part, pid in pids.items()},
        (f"{way}, log", "bytes/event"): files["log.db"] / last,
        (f"{way}, its journal", "MB"): files.get("log.db-wal", 0) / 1e6,
    }


def main(seconds: int = SECONDS, rounds: int = ROUNDS) -> None:
    if not wrk.installed():
        print("NOT RUN: no wrk (apt-get install wrk)")
        return
    found: dict[tuple[str, str], list[float]] = {}
    where = about(wrk=wrk.version(), load=f"{rounds} rounds of {seconds} s")
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder, up(Path(folder) / "data") as settings:
            data, port = Path(settings["PENSTOCK_DATA"]), int(settings["PENSTOCK_PORT"])
            wrk.load(wrk.WAYS["v1"], port, 1, 8, core=-1)  # what is slow the first time
            drained(data)
            for way in CONNECTIONS:
                for name, value in measured(way, data, port, seconds).items():
                    found.setdefault(name, []).append(value)
    kept("embedded", where, [(what, unit, values) for (what, unit), values in found.items()])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
