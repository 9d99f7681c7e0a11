"""What it costs to know who is who: batches through the worker's sink, beside people who are known already; and to read
of one of them.

The baseline is the same batch without it; the ratio says what resolving costs. Of reading it is a row found by its key.
Rounds are interleaved.
Run by `python -m tests.bench.people [PEOPLE]`, by default with a million, each of an id and an email.
"""

import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from clickhouse_connect.driver.client import Client

from deploy.clickhouse import free_port, running
from schemas.messages import Message, encode, key
from tests.bench.measuring.messages import CONTEXT, DATA
from tests.bench.measuring.processes import cpu
from tests.tables import FakeRecord
from workers.batch import Clocks, splice
from workers.clickhouse import connect
from workers.migrate import migrate
from workers.sink import Sink

PEOPLE = 1_000_000
BATCH = 30_000
ROUNDS = 5
READS = 30
FOUND_BY_KEY = (
    "SELECT * FROM stored_customers FINAL WHERE workspace = 'bench' AND customer = {id:String} AND customer_kind = 'id'"
)
READ = {
    "a row by its key": FOUND_BY_KEY,
    "customer(…) by id": "SELECT * FROM customer(workspace = 'bench', identifier = {id:String})",
    "customer(…) by email": "SELECT * FROM customer(workspace = 'bench', identifier = {email:String})",
    "customer_events(…) by email": "SELECT * FROM customer_events(workspace = 'bench', identifier = {email:String})",
}
# Whole, as a start in the field finds them: said once, long ago.
SAID = """
INSERT INTO messages (
    _log, _partition, _offset, _at, id, workspace, kind, subject, links, timestamp, received_at, attributes, context
)
SELECT 'old', number % 8, number, {at:UInt64}, toString(generateUUIDv4()), 'bench', 'identify',
    'id:' || toString(number),
    ['email:' || toString(number) || '@example.com'], {at:UInt64} / 1000, {at:UInt64} / 1000,
    [('email', '"' || toString(number) || '@example.com"')], '{}'
FROM numbers({first:UInt64}, {count:UInt64})
"""
KNOWN = """
INSERT INTO stored_people
SELECT end.1, workspace, end.2, end.3, subject_hash, 0, version, [],
    toUInt128('340282366920938463463374607431768211455'), false, end.4, end.3 = 'id', 'never', version, 1
FROM stored_claims
ARRAY JOIN
    [
        (subject_hash, customer, toString(customer_kind), [linked_hash]),
        (linked_hash, linked, toString(linked_kind), CAST([], 'Array(UInt128)'))
    ] AS end
WHERE cityHash64(subject_hash) % {parts:UInt32} = {part:UInt32}
"""


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), port=free_port(0)) as server:
        url = server.address.writer_url
        migrate(url)
        client = connect(url, 600)
        populate(client, people)
        print(f"{people:,} people, batches of {BATCH:,}, {ROUNDS} rounds; rates are the median's")
        with Sink(url) as sink:
            bench = Bench(sink, server.process.pid)
            numbers = iter(range(people, people + 100 * BATCH))
            for name, make in {
                "events": lambda: message(rng.randrange(people), "event"),
                "identifies of known people": lambda: message(rng.randrange(people), "identify"),
                "new links": lambda: message(next(numbers), "identify"),
            }.items():
                bench.run(name, make)
        read(client, people, rng)
        client.close()


def populate(client: Client, people: int) -> None:
    at = int(time.time() * 1000) - 86_400_000
    for first in range(0, people, 500_000):
        count = min(500_000, people - first)
        client.command(SAID, parameters={"first": first, "count": count, "at": at})
    know(client, people)


def know(client: Client, people: int) -> None:
    """As if they had been resolved, each for itself."""
    parts = max(people // 500_000, 1)
    for part in range(parts):
        client.command(KNOWN, parameters={"parts": parts, "part": part})


def read(client: Client, people: int, rng: random.Random) -> None:
    times: dict[str, list[float]] = {name: [] for name in READ}
    for _ in range(READS):
        number = rng.randrange(people)
        for name, question in READ.items():
            began = time.perf_counter()
            client.query(question, parameters={"id": str(number), "email": f"{number}@example.com"})
            times[name].append(time.perf_counter() - began)
    [baseline, *_] = map(statistics.median, times.values())
    for name, took in times.items():
        least, median, most = (each(took) * 1e3 for each in (min, statistics.median, max))
        print(f"{name:28} {least:.1f} {median:.1f} {most:.1f} ms   ratio {median / baseline / 1e3:.1f}")


def message(number: int, kind: str) -> Message:
    now = time.time()
    email = f"{number}@example.com"
    return Message(
        id=str(uuid.uuid4()),
        workspace="bench",
        kind="identify" if kind == "identify" else "event",
        subject=f"id:{number}",
        name="" if kind == "identify" else "purchase",
        timestamp=now,
        received_at=now,
        links=(f"email:{email}",) if kind == "identify" else (),
        attributes=(("email", f'"{email}"'), ("plan", '"premium"')) if kind == "identify" else (),
        data=DATA,
        context=CONTEXT,
    )


class Bench:
    def __init__(self, sink: Sink, pid: int) -> None:
        self._sink = sink
        self._pid = pid
        self._offset = 0

    def run(self, name: str, make: Callable[[], Message]) -> None:
        inserts, resolves, used = [], [], []
        for _ in range(ROUNDS):
            records = self._records([make() for _ in range(BATCH)])
            block = b"".join(splice("bench", {0: records}, Clocks(lambda partition, offset: 0)).rows)
            began = time.perf_counter()
            self._sink.insert(block)
            inserted, before = time.perf_counter(), time.process_time() + cpu(self._pid)
            self._sink.resolve("bench", {0: records})
            inserts.append(inserted - began)
            resolves.append(time.perf_counter() - inserted)
            used.append(time.process_time() + cpu(self._pid) - before)
        insert, resolve = statistics.median(inserts), statistics.median(resolves)
        print(
            f"{name:28} {BATCH / (insert + resolve):9,.0f}/s   resolving alone {BATCH / resolve:10,.0f}/s"
            f" ({min(resolves) * 1e3:.0f} {resolve * 1e3:.0f} {max(resolves) * 1e3:.0f} ms,"
            f" {statistics.median(used) / BATCH * 1e6:.1f} µs of CPU each)   ratio {(insert + resolve) / insert:.2f}"
        )

    def _records(self, messages: Sequence[Message]) -> list[FakeRecord]:
        at = int(time.time() * 1000)
        self._offset += len(messages)
        first = self._offset - len(messages)
        return [FakeRecord(first + i, at, key(each), encode(each)) for i, each in enumerate(messages)]


if __name__ == "__main__":
    main()
