"""The audit on a real ClickHouse: it proves what is whole, and names each thing that somebody took away or put in."""

import asyncio
import json
import random
import subprocess
import sys
import time
from typing import Any

import msgspec
import pytest

from ingest.log.kafka import KafkaLog
from schemas.messages import Message
from schemas.settings import Settings
from tests.embedded import Embedded, made
from tests.rarer import rarer
from tests.running import environment
from tests.test_log_generation import grow
from workers.audit.audit import RecentAudit, audit
from workers.audit.report import Report
from workers.gathering import Limits
from workers.log.kafka import KafkaReader
from workers.log.places import log_state
from workers.loop import Pump
from workers.metrics import WorkerMetrics
from workers.sink import Sink


@pytest.fixture
def landed(place: Embedded) -> Embedded:
    """Offsets 1 to 8: two customers with events, one of whom was deleted and came back; an attribute written twice."""
    place.land(
        made(1, subject="id:1"),
        made(2, "identify", "id:1", attributes=(("plan", '"a"'), ("age", "1"))),
        made(3, "identify", "id:1", attributes=(("plan", '"b"'),)),
        made(4, subject="anon:2"),
        made(5, subject="id:3"),
        made(6, "delete", "id:3"),
        made(7, "identify", "id:3", attributes=(("plan", '"c"'),)),
        made(1, subject="id:1", name="again"),
    )
    return place


def audited(place: Embedded, since: int = 0) -> Report:
    return audit(place.settings, place.settings.clickhouse, since, lambda *_: None)


def found(report: Report) -> list[tuple[str, str, int | None]]:
    return sorted((finding.what, finding.where, finding.first) for finding in report.findings)


def test_whole_tables_are_proved(landed: Embedded) -> None:
    """Each offset has one status: what was erased counts as that, a repeat as taken."""
    report = audited(landed)

    assert report.proved, report.findings
    [span] = report.spans
    assert (span.first, span.end, span.taken, span.erased, span.missing) == (1, 9, 7, 1, 0)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            "DELETE FROM packed_events WHERE customer = '1'",
            [("no row", "packed_events", 1), ("no row", "packed_events", 8)],
        ),
        ("DELETE FROM packed_events WHERE customer = '2'", [("no row", "packed_events", 4)]),
        (
            "DELETE FROM stored_attributes WHERE name = 'plan' AND customer = '1'",
            [("no row", "stored_attributes", 2), ("no row", "stored_attributes", 3)],
        ),
        ("DELETE FROM stored_identifies WHERE customer = '3'", [("no row", "stored_identifies", 7)]),
        (
            "DELETE FROM stored_customers WHERE customer = '3'",
            [("no row", "stored_customers", 7)],
        ),
        (
            "DELETE FROM stored_erasures WHERE 1",
            [("no row", "stored_erasures", 6)],
        ),
    ],
)  # fmt: skip
def test_lost_row_is_named(landed: Embedded, damage: str, expected: list[tuple[str, str, int]]) -> None:
    """With the place of the message that it was made of; what a later message covers is no loss."""
    landed.command(damage)

    report = audited(landed)

    assert found(report) == expected
    assert (report.proved, report.unmatched, report.missing) == (False, len(expected), 0)


def test_offsets_that_are_nowhere_are_named_as_ranges(landed: Embedded) -> None:
    """Gone from the journal and no dead letter; their rows have no message then."""
    landed.command("DELETE FROM journal WHERE _offset IN (2, 3, 7)")

    report = audited(landed)

    missing = [finding for finding in report.findings if finding.what == "missing"]
    assert [(finding.partition, finding.first, finding.last) for finding in missing] == [(0, 2, 3), (0, 7, 7)]
    assert report.missing == report.spans[0].missing == 3
    assert ("no message", "stored_identifies", 2) in found(report)


def test_first_offsets_of_the_log_are_demanded_too(landed: Embedded) -> None:
    """Not only what lies between those that are there: the log says where it begins."""
    landed.command("DELETE FROM journal WHERE _offset < 3")

    assert [(f.first, f.last) for f in audited(landed).findings if f.what == "missing"] == [(1, 2)]


def test_dead_mended_and_erased_are_no_gaps(place: Embedded) -> None:
    """What no row can be made of is in dead_letters; a replay of it counts as mended, purge leaves places."""
    place.land(made(1), made(2, "dance"), made(3, "dance"), made(4, subject="id:9"), made(5, "delete", "id:9"))
    place.command("ALTER TABLE stored_dead_letters UPDATE status = 'mended' WHERE _offset = 3")
    place.client.command(
        "INSERT INTO messages"
        " (_log, _partition, _offset, _at, id, workspace, kind, subject, received_at, timestamp, name)"
        " SELECT _log, _partition, _offset, _at, '3', 'site', 'event', 'id:1', _at / 1000, _at / 1000, 'e'"
        " FROM stored_dead_letters WHERE _offset = 3"
    )
    place.command(
        "ALTER TABLE journal UPDATE kind = 'erased', id = '', subject = '', name = '', data = '', context = ''"
        " WHERE subject = 'id:9'"
    )
    for table in ("packed_events", "stored_customers", "erasures"):
        place.command(f"DELETE FROM {table} WHERE customer = '9'")

    report = audited(place)

    assert report.proved, report.findings
    [span] = report.spans
    assert (span.taken, span.dead, span.mended, span.erased) == (1, 1, 1, 2)


def test_erased_workspace_demands_no_rows(landed: Embedded) -> None:
    """Its messages count as erased, whether purge has been there or not."""
    version = int(time.time() * 1000 + 60_000) << 86
    landed.command(f"INSERT INTO erased_workspaces VALUES ('site', {version}, now64())")
    landed.command("TRUNCATE TABLE packed_events")

    report = audited(landed)

    assert report.proved, report.findings
    assert report.spans[0].erased == 8


def test_what_is_not_committed_is_not_demanded(landed: Embedded) -> None:
    """Nor is a part of it that is there already: an insert may be under way, or be repeated."""
    landed.append(made(20), made(21, subject="id:4"))
    landed.client.command(
        "INSERT INTO journal SELECT * REPLACE (9 AS _offset, generateUUIDv4() AS id, version + 100 AS version)"
        " FROM journal WHERE _offset = 1"
    )
    landed.client.command(
        "INSERT INTO packed_events SELECT * REPLACE (place + 10 AS place, '21' AS id)"
        " FROM packed_events FINAL WHERE customer = '2'"
    )

    report = audited(landed)

    assert report.proved, report.findings
    assert report.spans[0].end == 9


def test_older_log_is_audited_for_itself(landed: Embedded) -> None:
    """A new log begins again: both are looked at, each to its own end, and nothing of one is missing in the other."""
    for file in landed.settings.data.glob("log.db*"):
        file.unlink()
    landed.land(made(30), made(31, subject="id:5"))

    whole = audited(landed)
    landed.command("DELETE FROM journal WHERE _offset = 4")
    damaged = audited(landed)

    assert whole.proved, whole.findings
    assert [(span.first, span.end) for span in whole.spans] == [(1, 9), (1, 3)]
    assert [(f.what, f.where, f.first) for f in damaged.findings if f.what == "missing"] == [
        ("missing", whole.spans[0].log, 4)
    ]


def test_doubled_row_of_a_view_is_named(landed: Embedded) -> None:
    """Should a view ever show something twice, the audit says which."""
    landed.client.command(
        "CREATE OR REPLACE VIEW customers AS SELECT 'site' AS workspace, '1' AS cio_id FROM numbers(2)"
    )

    report = audited(landed)

    assert [(f.what, f.where) for f in report.findings] == [("double", "customers")]


def test_since_narrows_what_is_looked_at(landed: Embedded) -> None:
    """What was appended before is not looked at."""
    landed.command("DELETE FROM journal WHERE _offset = 4")

    assert audited(landed, int(time.time() * 1000) + 60_000).proved
    assert not audited(landed, int(time.time() * 1000) - 60_000).proved


async def test_audit_beside_a_running_pump_finds_nothing(place: Embedded) -> None:
    """Again and again while rows come and customers are deleted: what is under way is never a finding."""
    await asyncio.to_thread(place.append, made(0))
    stop = asyncio.Event()
    pump = asyncio.create_task(place.pump(stop))
    reports = []
    for round in range(4):
        adding = asyncio.to_thread(place.append, *some(100 * round + 1, 100))
        report, _ = await asyncio.gather(asyncio.to_thread(audited, place), adding)
        reports.append(report)
    stop.set()
    await pump

    assert [report.findings for report in reports] == [[]] * 4
    assert reports[-1].spans[0].end > 1


def some(first: int, count: int) -> list[Message]:
    """Of all kinds, the rarer ones among them by chance."""
    kinds, rng, messages = ("event", "identify", "event", "delete"), random.Random(first), []
    for number in range(first, first + count):
        if number % 3:
            messages.append(made(number, kinds[number % 4], f"id:{number % 7}", attributes=(("n", str(number)),)))
        else:
            kind, subject, said = rarer(rng)
            messages.append(made(number, kind, subject, **said))
    return messages


def test_recent_audit_is_told_to_the_metrics(landed: Embedded) -> None:
    """As gauges: zero when all is there, and how many are not."""
    recent = RecentAudit(landed.settings, landed.metrics)

    def shown(name: str) -> float | None:
        return landed.metrics.registry.get_sample_value(f"penstock_worker_audit_{name}")

    recent.look()
    before = [shown("missing"), shown("unmatched")]
    landed.command("DELETE FROM journal WHERE _offset = 4")
    recent.look()

    assert before == [0, 0]
    assert [shown("missing"), shown("unmatched")] == [1, 1]
    assert (shown("checked_at") or 0) > time.time() - 60


def penstock(place: Embedded, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {"PENSTOCK_DATA": str(place.settings.data), "PENSTOCK_CLICKHOUSE": place.settings.clickhouse}
    command = [sys.executable, "-m", "deploy.cli", *arguments]
    return subprocess.run(command, env=environment(**settings), capture_output=True, text=True, timeout=100)


def test_command_says_what_is_proved_and_what_is_not(landed: Embedded) -> None:
    """Exit code 0 with a sentence; 1 with what was found and what mends it; as JSON too."""
    whole = penstock(landed, "audit")
    landed.command("DELETE FROM journal WHERE _offset IN (3, 4)")
    damaged = penstock(landed, "audit", "--since", "1h")
    told = penstock(landed, "audit", "--json")

    assert (whole.returncode, damaged.returncode, told.returncode) == (0, 1, 1)
    assert "Proved: each of the 8 records" in whole.stdout
    assert "offsets 3 to 4" in damaged.stdout
    assert "penstock replay --from log" in damaged.stdout
    answer = json.loads(told.stdout)
    assert (answer["proved"], answer["missing"]) == (False, 2)
    assert answer["spans"][0]["log"] == asyncio.run(log_state(landed.settings)).generation


def test_command_without_a_log_is_one_line(place: Embedded) -> None:
    """Nothing to prove yet: it says where it looked."""
    done = penstock(place, "audit")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "PENSTOCK_DATA" in done.stderr


async def pump_kafka(settings: Settings, count: int) -> None:
    """Take that many records of the topic."""
    metrics, stop = WorkerMetrics(), asyncio.Event()
    reader = KafkaReader(bootstrap=settings.kafka, topic=settings.topic, partitions=settings.partitions)
    with Sink(settings.clickhouse) as sink:
        async with reader, asyncio.timeout(60):
            pump = asyncio.create_task(Pump(reader, sink, Limits(interval=0.02), None, metrics).run(stop))
            while not pump.done():  # what it ends with is told below
                if (metrics.registry.get_sample_value("penstock_worker_rows_total") or 0) >= count:
                    break
                await asyncio.sleep(0.02)
            stop.set()
            await pump


async def append_kafka(settings: Settings, *messages: Message) -> None:
    options: dict[str, Any] = {"replication": 1, "append_timeout": 10.0}
    async with KafkaLog(
        bootstrap=settings.kafka, topic=settings.topic, partitions=settings.partitions, **options
    ) as log:
        await log.append(messages)


@pytest.mark.kafka
async def test_topic_is_audited_by_partition_and_after_it_was_grown(kafka: str, topic: str, place: Embedded) -> None:
    """What waits in one partition is not demanded; the grown topic is another log, read again, and nothing doubles."""
    settings = msgspec.structs.replace(place.settings, kafka=kafka, topic=topic, partitions=3)
    await append_kafka(settings, *some(0, 200))
    await pump_kafka(settings, 200)
    await append_kafka(settings, made(500, subject="id:1"), made(501, subject="id:2"))
    first = await asyncio.to_thread(audit, settings, settings.clickhouse, 0, lambda *_: None)
    await grow(settings, 4)
    grown = msgspec.structs.replace(settings, partitions=4)
    await pump_kafka(grown, 202)
    second = await asyncio.to_thread(audit, grown, settings.clickhouse, 0, lambda *_: None)

    assert (first.findings, second.findings) == ([], [])
    assert sum(span.end for span in first.spans) == 200
    assert len({span.log for span in second.spans}) == 2
    assert sum(span.end for span in second.spans) == 402


@pytest.mark.kafka
async def test_orphan_is_told_from_what_waits_in_its_partition(kafka: str, topic: str, place: Embedded) -> None:
    """A row at an offset that its own partition has taken must have a message, however far the others are."""
    settings = msgspec.structs.replace(place.settings, kafka=kafka, topic=topic, partitions=3)
    await append_kafka(settings, *(made(number, subject="id:1") for number in range(10)))
    await pump_kafka(settings, 10)
    place.command("DELETE FROM journal WHERE _offset = 4")

    report = await asyncio.to_thread(audit, settings, settings.clickhouse, 0, lambda *_: None)

    assert [(f.what, f.where, f.first) for f in report.findings] == [
        ("missing", report.spans[0].log, 4),
        ("no message", "packed_events", 4),
    ]
