"""`penstock up` with nothing configured: what it acknowledges with fsync while its worker drains it, on all cores.

Needs wrk, which takes a part of a core. For each load: requests and events a second, latency, how far behind the worker
is when the load ends, how long it needs for the rest, CPU and memory by process, and the log's size.
Run by `python -m tests.bench.embedded [SECONDS] [ROUNDS]`.
"""

import json
import os
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.bench._figures import cpu_of, memory_of
from tests.bench._load import BATCH, BATCHES, SINGLE, available, wrk
from tests.running import up

SECONDS, ROUNDS = 10, 3
PARTS = {"edge": "edge", "worker": "worker", "deploy.clickhouse_server": "clickhouse"}
LOADS = {"single events": (SINGLE, 1, 64), f"batches of {BATCH}": (BATCHES, BATCH, 8)}


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
        [taken] = positions.execute("SELECT coalesce(max(offset), 0) FROM positions").fetchone()
    return last, taken


def drained(data: Path, within: float = 120) -> float:
    """Seconds until the worker has taken all."""
    began = time.monotonic()
    while (at := offsets(data))[0] != at[1]:
        assert time.monotonic() < began + within, f"the worker is at {at[1]} of {at[0]}"
        time.sleep(0.05)
    return time.monotonic() - began


def measured(name: str, data: Path, port: int, seconds: int) -> None:
    script, events, connections = LOADS[name]
    pids = processes(data)
    before, used = offsets(data)[0], {part: cpu_of(pid) for part, pid in pids.items()}
    load = wrk(port, script, connections=connections, seconds=seconds)
    last, taken = offsets(data)
    busy = {part: cpu_of(pid) - used[part] for part, pid in pids.items()}
    files = {file.name: file.stat().st_size for file in data.glob("log.db*")}
    count = last - before
    rest = drained(data)
    print(f"{name:16} {load.rate * events:9,.0f} events/s acknowledged, p50 {load.p50:.1f} ms, p99 {load.p99:.1f} ms")
    print(f"  {last - taken:,} events behind when the load ends, taken {rest:.1f} s later: ", end="")
    print(f"{count / (seconds + rest):,.0f} events/s taken")
    for part, pid in pids.items():
        print(f"  {part:10} {busy[part] / count * 1e6:6.2f} µs of CPU an event, {memory_of(pid):4.0f} MB")
    print(f"  log {files['log.db'] / last:,.0f} bytes an event; its journal {files.get('log.db-wal', 0) / 1e6:,.1f} MB")


def main(seconds: int = SECONDS, rounds: int = ROUNDS) -> None:
    if not available():
        print("NOT RUN: no wrk (apt-get install wrk)")
        return
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder, up(Path(folder) / "data") as settings:
            data, port = Path(settings["PENSTOCK_DATA"]), int(settings["PENSTOCK_PORT"])
            wrk(port, SINGLE, connections=8, seconds=1)  # what is slow the first time
            drained(data)
            print(f"round {number + 1} of {rounds}, {seconds} s each, {os.cpu_count()} cores")
            for name in LOADS:
                measured(name, data, port, seconds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
