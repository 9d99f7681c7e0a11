"""The worker's hot path, a batch: spliced and inserted into the embedded ClickHouse.

The baseline is the same block into a table of the same columns that keeps nothing and feeds no view; the ratio says
what the tables and views cost. Rounds are interleaved. Run by `python -m tests.bench.worker`.
"""

import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from deploy.clickhouse import free_port, running
from schemas.messages import Context, Message, encode
from tests.tables import FakeRecord
from workers.batch import Clocks, splice
from workers.clickhouse import connect
from workers.migrate import migrate
from workers.sink import INSERT_SETTINGS, Sink

MESSAGES = 200_000
ROUNDS = 5
CONTEXT = Context(endpoint="POST /api/v1/customers/{id}/events", ip="127.0.0.1", user_agent="bench")
DATA = msgspec.Raw(b'{"price":23.45,"currency":"EUR","items":["a","b"]}')


@dataclass
class Round:
    """Seconds a message: on the clock, and of CPU here and in ClickHouse."""

    wall: float
    python: float
    clickhouse: float


def message(number: int, rng: random.Random) -> bytes:
    """One in ten an identify with three attributes, the others events of about 250 bytes; 100,000 customers."""
    identify = number % 10 == 0
    return encode(
        Message(
            id=str(uuid.UUID(int=rng.getrandbits(128))),
            workspace="bench",
            kind="identify" if identify else "event",
            subject=f"id:{rng.randrange(100_000)}",
            name="" if identify else "purchase",
            timestamp=1_790_000_000 + number / 1000,
            received_at=1_790_000_000 + number / 1000,
            attributes=(("email", '"a@b.c"'), ("plan", '"premium"'), ("age", "42")) if identify else (),
            data=msgspec.Raw(b"{}") if identify else DATA,
            context=CONTEXT,
        )
    )


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def measured(work: Callable[[], object], pid: int) -> Round:
    wall, python, clickhouse = time.perf_counter(), time.process_time(), cpu_of(pid)
    work()
    return Round(
        (time.perf_counter() - wall) / MESSAGES,
        (time.process_time() - python) / MESSAGES,
        (cpu_of(pid) - clickhouse) / MESSAGES,
    )


def show(name: str, rounds: list[Round]) -> None:
    def spread(values: list[float]) -> str:
        return f"{min(values) * 1e6:6.2f} {statistics.median(values) * 1e6:6.2f} {max(values) * 1e6:6.2f}"

    rate = 1 / statistics.median(one.wall for one in rounds)
    print(f"{name:28} {rate:9,.0f}/s   python {spread([one.python for one in rounds])}", end="   ")
    print(f"clickhouse {spread([one.clickhouse for one in rounds])}")


def main() -> None:
    rng = random.Random(1)
    values = [message(number, rng) for number in range(MESSAGES)]
    print(f"{MESSAGES:,} messages of {sum(map(len, values)) / MESSAGES:.0f} bytes a batch, {ROUNDS} rounds;", end=" ")
    print("µs of CPU a message: min median max")
    rows: dict[str, list[Round]] = {"baseline: a Null table": [], "every table and view": []}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), port=free_port(0)) as server:
        url = server.address.writer_url
        migrate(url)
        client = connect(url)
        client.command("CREATE TABLE nothing AS messages ENGINE = Null")
        with Sink(url) as sink:
            for turn in range(ROUNDS):
                records = [
                    FakeRecord(turn * MESSAGES + i, 1_790_000_000_000 + i // 100, None, value)
                    for i, value in enumerate(values)
                ]

                def spliced(records: list[FakeRecord] = records) -> bytes:
                    return b"".join(splice("bench", {0: records}, Clocks(lambda partition, offset: 0)).rows)

                rows["baseline: a Null table"].append(
                    measured(
                        lambda: client.raw_insert(
                            "nothing", insert_block=spliced(), fmt="JSONEachRow", settings=INSERT_SETTINGS
                        ),
                        server.process.pid,
                    )
                )
                rows["every table and view"].append(measured(lambda: sink.insert(spliced()), server.process.pid))
        client.close()
    for name, rounds in rows.items():
        show(name, rounds)
    baseline, full = rows.values()
    ratio = statistics.median(one.wall for one in full) / statistics.median(one.wall for one in baseline)
    print(f"ratio of the medians on the clock: {ratio:.2f}")


if __name__ == "__main__":
    main()
