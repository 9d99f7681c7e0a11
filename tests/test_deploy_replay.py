"""What `penstock replay` is told and what it tells."""

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from clickhouse_connect.driver.client import Client

from deploy.replay import moment, resumed, subject
from deploy.replay_progress import Lines
from schemas.messages import Kind
from schemas.settings import BadSettings
from tests.replaying import landed, message, placed
from tests.running import penstock
from workers.replay.pace import Pace

NOW = 1_790_000_000.0


def said(tmp_path: Path, address: str, *options: str) -> tuple[int, str]:
    out = tmp_path / "out"
    settings = {"PENSTOCK_CLICKHOUSE": address, "PENSTOCK_DATA": str(tmp_path)}
    with out.open("wb") as output:
        code = penstock("replay", *options, settings=settings, output=output).wait(60)
    return code, out.read_text()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", NOW - 90),
        ("2h", NOW - 7200),
        ("7d", NOW - 604_800),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC).timestamp()),
        ("2026-11-01T12:00", datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()),
        ("2026-11-01T12:00+02:00", datetime(2026, 11, 1, 10, tzinfo=UTC).timestamp()),
        ("2026-11-01T12:00:00.5Z", datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp() + 0.5),
    ],
)
def test_times_are_iso_or_ages(text: str, seconds: float) -> None:
    """UTC unless they say otherwise."""
    assert moment(text, NOW) == int(seconds * 1000)


@pytest.mark.parametrize("text", ["soon", "2x", "7", "2026-13-01", "-2h"])
def test_other_times_are_refused(text: str) -> None:
    """With what may be written."""
    with pytest.raises(BadSettings, match="age like"):
        moment(text, NOW)


@pytest.mark.parametrize(
    ("customer", "meant"),
    [
        ("42", "id:42"),
        ("id:42", "id:42"),
        ("Bob@Example.com", "email:bob@example.com"),
        ("email:bob@example.com", "email:bob@example.com"),
        ("cio_7", "cio:7"),
        ("anon:7", "anon:7"),
        ("phone:+15551234567", "phone:+15551234567"),
        ("object:1/acme", "object:1/acme"),
        ("shop:7", "id:shop:7"),
        (None, None),
    ],
)
def test_customers_are_who_the_edge_takes_them_for(customer: str | None, meant: str | None) -> None:
    """A kind that is named is kept."""
    assert subject(customer) == meant


def test_command_that_goes_on_is_the_same_with_resume() -> None:
    """Once, and fit for a shell."""
    assert resumed(["replay", "--name", "two words"]) == "penstock replay --name 'two words' --resume"
    assert resumed(["replay", "--resume"]) == "penstock replay --resume"


@pytest.mark.parametrize(
    ("rate", "chunk", "rest"), [(None, 1000, 0.5), (0, 1000, 0.0), (100, 100, 9.5), (1e6, 1000, 0.0)]
)
def test_pace_leaves_room(rate: float | None, chunk: int, rest: float) -> None:
    """By default as long as the insert took; with a rate what is left of its second."""
    pace = Pace(rate)

    assert pace.chunk(1000) == chunk
    assert pace.rest(1000, 0.5) == rest


def test_lines_come_every_few_seconds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no terminal is: how much, how fast, and how long still."""
    clock = iter([0.0, 10.0, 11.0, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    lines = Lines()

    lines.begin(10_000)
    lines.advance(1000)
    lines.advance(1000)

    assert capsys.readouterr().err.splitlines() == [
        "10,000 records to replay",
        "2,000 of 10,000 records, 200/s, 40 s left",
    ]


def test_contradicting_options_are_one_line(tmp_path: Path, own: str) -> None:
    """Exit code 2, and the option's name."""
    for options, name in (
        (["--since", "1h", "--until", "2h"], "--since"),
        (["--from-offset", "2", "--to-offset", "1"], "--from-offset"),
    ):
        code, text = said(tmp_path, own, *options)
        assert (code, len(text.splitlines())) == (2, 1)
        assert name in text


def test_unknown_kind_is_told_all_that_there_are(tmp_path: Path, own: str) -> None:
    """Exit code 2; a known one of them is taken."""
    code, text = said(tmp_path, own, "--kind", "dance")

    assert code == 2
    assert all(repr(kind) in text for kind in get_args(Kind))
    assert said(tmp_path, own, "--kind", "remove_from_segment")[0] == 0


def test_dry_run_shows_rows_by_day_and_table(tmp_path: Path, own: str, there: Client) -> None:
    """And that nothing was changed."""
    landed(own, placed([message("event", f"id:{n}", name="e") for n in range(7)]))
    there.command("TRUNCATE TABLE packed_events")

    code, text = said(tmp_path, own, "--dry-run")

    assert code == 0
    assert "It would replay 7 of 7 records from the journal." in text
    [line] = [line.split() for line in text.splitlines() if "packed_events" in line]
    assert line[-3:] == ["packed_events", "7", "7"]
    assert there.query("SELECT count() FROM events").result_rows == [(0,)]


def test_missing_tables_say_what_to_run(tmp_path: Path, own: str, there: Client) -> None:
    """A database that an older version migrated."""
    there.command("RENAME TABLE replays TO hidden")
    try:
        code, text = said(tmp_path, own)
    finally:
        there.command("RENAME TABLE hidden TO replays")

    assert code == 1
    assert "penstock migrate" in text.splitlines()[-1]
