"""`penstock check` and every start: what contradicts a promise is named with its mend, what is a risk is told."""

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.findings import Finding, refuse
from schemas.settings import BadSettings
from schemas.topics import LEAST_RETENTION, TOPIC_CONFIG, TopicFacts, judged
from tests.clickhouse import ClickHouse
from tests.embedded import own_database
from tests.ports import free_port
from tests.proxy import Fault, Proxy, http_error
from tests.running import environment
from tests.test_kafka_topic import make
from workers import clickhouse as clickhouse_client
from workers.check import Table, compared, wanted
from workers.clickhouse import Away, connect, unanswered
from workers.migrate import migrate, statements

GOOD = TOPIC_CONFIG | {
    "retention.ms": str(LEAST_RETENTION),
    "retention.bytes": "-1",
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
}


def judged_topic(
    config: dict[str, str], *, copies: int = 3, partitions: int = 8, replication: int = 3
) -> list[Finding]:
    return judged(TopicFacts("t", partitions, copies, 3, GOOD | config), 8, replication)


def test_good_topic_has_no_findings() -> None:
    """Three copies of which two confirm, append times, seven days."""
    assert judged_topic({}) == []


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"partitions": 9}, "PENSTOCK_PARTITIONS=8"),
        ({"copies": 2}, "PENSTOCK_REPLICATION=3"),
        ({"config": {"message.timestamp.type": "CreateTime"}}, "set it to LogAppendTime"),
        ({"config": {"cleanup.policy": "compact"}}, "set it to delete"),
        ({"config": {"cleanup.policy": "compact,delete"}}, "set it to delete"),
        ({"config": {"max.message.bytes": "1048588"}}, "set it to 4194304"),
        ({"config": {"min.insync.replicas": "4"}}, "set it to 2"),
        ({"config": {"unclean.leader.election.enable": "true"}}, "set it to false"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_contradicting_topic_refuses_with_the_mend(facts: dict[str, Any], named: str) -> None:
    """No start goes on with it."""
    findings = judged_topic(**{"config": {}, **facts})

    assert [named in finding.mend + finding.text for finding in findings if finding.level == "wrong"] == [True]
    with pytest.raises(BadSettings, match=named):
        refuse(findings)


@pytest.mark.parametrize(
    ("config", "copies", "named"),
    [
        ({"retention.ms": "-1"}, 3, "no erasure is ever final"),
        ({"retention.ms": "3600000"}, 3, "retention.ms=3600000"),
        ({"retention.bytes": "1000"}, 3, "retention.bytes=1000"),
        ({"min.insync.replicas": "1"}, 3, "a 200 may be on one disk"),
        ({"min.insync.replicas": "1"}, 2, "a 200 may be on one disk"),
        ({"min.insync.replicas": "3"}, 3, "without one broker no write is taken"),
        ({"min.insync.replicas": "1"}, 1, "a 200 is on one disk"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_risk_is_told_and_refuses_nothing(config: dict[str, str], copies: int, named: str) -> None:
    """The operator may want it so."""
    findings = judged_topic(config, copies=copies, replication=copies)

    assert [finding.level for finding in findings] == ["warning"]
    assert named in str(findings[0])
    refuse(findings)


def test_one_broker_and_one_copy_are_no_risk_to_tell() -> None:
    """There is no second disk to use."""
    facts = TopicFacts("t", 8, 1, 1, GOOD | {"min.insync.replicas": "1"})

    assert judged(facts, 8, 1) == []


@pytest.mark.parametrize(
    ("name", "there", "named"),
    [
        ("packed_events", Table("MergeTree", "x"), "a repeat would show"),
        ("packed_events", Table("ReplacingMergeTree", "x"), "not ReplacingMergeTree(place)"),
        ("journal", Table("ReplacingMergeTree", "_partition"), "repeats would not fold"),
        (
            "stored_attributes",
            Table("ReplacingMergeTree(version)", "workspace,customer,customer_kind,name"),
            "not workspace,customer,customer_kind,name,linked_hash",
        ),
        ("to_packed_events", Table("MaterializedView", target="elsewhere"), "not packed_events"),
        ("messages", Table("MergeTree"), "not Null"),
        ("to_journal", None, "missing"),
        ("events", None, "missing"),
    ],
)
def test_table_that_is_otherwise_than_it_was_made_is_wrong(name: str, there: Table | None, named: str) -> None:
    """Each is named, and none but it."""
    made = wanted(statements().values())
    found = {other: table for other, table in made.items() if other != name} | ({name: there} if there else {})

    [finding] = compared(made, found)

    assert (finding.level, finding.about) == ("wrong", name)
    assert named in finding.text


def penstock(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *arguments]
    root = Path(__file__).parent.parent
    return subprocess.run(
        command, env=environment(**settings), cwd=root, capture_output=True, text=True, timeout=60, check=False
    )


def checked(**settings: str) -> tuple[int, dict[str, str]]:
    """The exit code, and the level of each finding by what it is about."""
    done = penstock("check", "--json", **settings)
    assert done.stderr == ""
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {finding["about"]: finding["level"] for finding in found}


@pytest.fixture(scope="module")
def apart(clickhouse: ClickHouse) -> Iterator[str]:
    """The writer's address of a migrated database that a test may spoil."""
    with own_database(clickhouse.writer_url) as url:
        yield url


@pytest.fixture
def spoiling(apart: str) -> Iterator[Client]:
    client = connect(apart)
    yield client
    client.close()


def test_check_with_nothing_running_says_what_cannot_be_asked(tmp_path: Path) -> None:
    """It is not wrong: what can be looked at is."""
    code, levels = checked(PENSTOCK_DATA=str(tmp_path))

    assert code == 0
    assert levels == {"keys": "warning", "PENSTOCK_DATA": "ok", "log": "ok", "ClickHouse": "unknown"}


async def test_check_of_a_busy_clickhouse_does_not_call_it_wrong(
    url: str, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    """It was reached: nobody has to mend anything."""
    said = [http_error("500 Internal Server Error", "Code: 202. DB::Exception: no.", 202)]
    async with Proxy(clickhouse.port, repeat(Fault.SAID), wrong=re.compile(rb" HTTP/1.1\r\n"), said=said) as proxy:
        through = url.replace(f":{clickhouse.port}/", f":{proxy.port}/")
        settings = {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_CLICKHOUSE": through}
        code, levels = await asyncio.to_thread(lambda: checked(**settings))

    assert (code, levels["ClickHouse"]) == (0, "unknown")


def test_check_of_a_good_installation_is_all_well(url: str, tmp_path: Path) -> None:
    """Also in the form for people, where each line begins with its level."""
    settings = {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_CLICKHOUSE": url}
    settings |= {"PENSTOCK_SITE_ID": "s", "PENSTOCK_API_KEY": "k"}
    code, levels = checked(**settings)
    shown = penstock("check", **settings)

    assert (code, set(levels.values())) == (0, {"ok"})
    assert levels["tables"] == "ok"
    assert {line.split()[0] for line in shown.stdout.splitlines() if not line.startswith(" ")} == {"ok"}


def test_check_names_each_wrong_part_and_ends_with_1(tmp_path: Path) -> None:
    """A damaged file of keys, a certificate that is none, a ClickHouse where nobody answers: all at once."""
    (tmp_path / "keys.json").write_text("{")
    (tmp_path / "keys.json").chmod(0o600)
    (tmp_path / "cert.pem").write_text("none")
    code, levels = checked(
        PENSTOCK_DATA=str(tmp_path),
        PENSTOCK_TLS_CERT=str(tmp_path / "cert.pem"),
        PENSTOCK_TLS_KEY=str(tmp_path / "cert.pem"),
        PENSTOCK_CLICKHOUSE=f"http://penstock:hidden@127.0.0.1:{free_port()}/penstock",
    )

    assert code == 1
    assert {about for about, level in levels.items() if level == "wrong"} == {"keys", "TLS", "ClickHouse"}


def test_missing_view_stops_a_worker_and_is_found(apart: str, spoiling: Client, tmp_path: Path) -> None:
    """Without it rows would be taken and be in no table. In under a second more than a start takes."""
    spoiling.command("DROP VIEW to_packed_events")
    settings = {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_CLICKHOUSE": apart}
    try:
        began = monotonic()
        refused = penstock("worker", **settings)
        took = monotonic() - began
        code, levels = checked(**settings)
    finally:
        forgetting = "ALTER TABLE migrations DELETE WHERE name = '030e_to_packed_events.sql'"
        spoiling.command(f"{forgetting} SETTINGS mutations_sync = 1")
        mended = migrate(apart)

    assert refused.returncode == 2
    assert "to_packed_events: it is missing" in refused.stderr
    assert "penstock migrate" in refused.stderr
    assert (code, levels["to_packed_events"]) == (1, "wrong")
    assert mended == ["030e_to_packed_events.sql"]
    assert took < 30


@pytest.mark.parametrize("command", ["worker", "migrate", "check"])
@pytest.mark.parametrize("wrong", ["password", "port", "word"])
def test_wrong_address_of_clickhouse_is_told_without_the_password(
    command: str, wrong: str, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    """One line, or one finding; never a traceback."""
    address = {
        "password": f"http://penstock:hidden@127.0.0.1:{clickhouse.port}/penstock",
        "port": "http://penstock:hidden@127.0.0.1:port/penstock",
        "word": f"http://penstock:hidden@127.0.0.1:{clickhouse.port}/penstock?colour=red",
    }[wrong]
    done = penstock(command, PENSTOCK_DATA=str(tmp_path), PENSTOCK_CLICKHOUSE=address)
    said = " ".join((done.stdout + done.stderr).split())

    assert done.returncode == {"worker": 2, "migrate": 1, "check": 1}[command]
    assert "hidden" not in said
    assert "Traceback" not in said
    assert ("516" if wrong == "password" else "cannot be used") in said


def test_silent_clickhouse_is_given_up_however_long_an_answer_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration may take hours; a server that says nothing from the first is told in one line before that."""
    monkeypatch.setattr(clickhouse_client, "PATIENCE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://penstock:hidden@127.0.0.1:{silent.getsockname()[1]}/penstock"

        with pytest.raises(Away, match=r"^ClickHouse does not answer: not a word for 1 s$"):
            connect(address, 30.0)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Error ('Aborted.', ConnectionResetError(104, 'Connection reset')) executing", "Connection reset"),
        ("('Aborted.', RemoteDisconnected('Remote end closed connection'))", "Remote end closed connection"),
        ("NewConnectionError('…: [Errno 111] Connection refused')", "Connection refused"),
        ("HTTP driver received HTTP status 502", ""),
    ],
)
def test_why_clickhouse_does_not_answer_is_a_few_words(said: str, why: str) -> None:
    """Of what the libraries say, without an address."""
    assert unanswered(said) == why


@pytest.mark.kafka
async def test_contradicting_topic_stops_edge_and_worker(kafka: str, topic: str, url: str, tmp_path: Path) -> None:
    """Both name what is wrong, end with exit code 2, and `penstock check` says the same."""
    await make(kafka, topic, cleanup_policy="compact")
    settings = {
        "PENSTOCK_DATA": str(tmp_path),
        "PENSTOCK_KAFKA": kafka,
        "PENSTOCK_TOPIC": topic,
        "PENSTOCK_PARTITIONS": "2",
        "PENSTOCK_CLICKHOUSE": url,
        "PENSTOCK_PORT": str(free_port()),
    }
    for command in ("edge", "worker"):
        refused = penstock(command, **settings)

        assert refused.returncode == 2
        assert "cleanup.policy=compact" in refused.stderr
    code, levels = checked(**settings)

    assert (code, levels[f"topic {topic}"]) == (1, "wrong")
