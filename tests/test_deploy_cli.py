"""The `penstock` command, from outside: help, bad settings, queries that cannot be answered."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy import query
from deploy.clickhouse import running
from deploy.instance import NothingRunning, reader_url, writer_url
from schemas.settings import load
from tests.ports import free_port
from tests.proxy import Fault, Proxy
from tests.running import environment

# What takes long to load, and one command or another needs.
SLOW = {"aiokafka", "asyncio", "clickhouse_connect", "ingest", "rich", "starlette", "structlog", "uvicorn", "workers"}
COMMANDS = ("up", "edge", "worker", "migrate", "query", "keys")


def penstock(*arguments: str, stdin: str = "", **settings: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.cli", *arguments]
    environ = environment(**settings)
    root = Path(__file__).parent.parent
    return subprocess.run(command, input=stdin, env=environ, cwd=root, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Settings under which `penstock query` finds a ClickHouse."""
    with running(tmp_path_factory.mktemp("cli"), port=free_port()) as server:
        yield {
            "PENSTOCK_CLICKHOUSE": server.address.writer_url,
            "PENSTOCK_CLICKHOUSE_READ": server.address.reader_url,
        }


def test_help_names_every_command() -> None:
    """With a line each."""
    shown = penstock("--help")

    assert shown.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in shown.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_and_hides_what_is_not_for_people(command: str) -> None:
    """`--owned` is between `up` and its children."""
    shown = penstock(command, "--help")

    assert shown.returncode == 0
    assert "Usage:" in shown.stdout
    assert "--owned" not in shown.stdout


@pytest.mark.parametrize(("handler", "code"), [("default_int_handler", -signal.SIGINT), ("SIG_IGN", 0)])
def test_ctrl_c_while_it_is_being_imported_says_nothing(handler: str, code: int) -> None:
    """It was a stack trace of whatever was being imported. Who is told to ignore it goes on."""
    told = f"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.{handler})
sys.argv[1:] = ["--help"]
class Told:
    def find_spec(self, name, *rest):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Told())
from deploy.start import main
main()
"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (code, "")


def test_help_is_quick() -> None:
    """Imports wait until they are needed."""
    code = (
        "import sys\nfrom deploy.cli import main\nsys.argv[1:] = ['--help']\n"
        "try: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    root = Path(__file__).parent.parent
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment(), cwd=root, capture_output=True, text=True, timeout=60)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}

    assert "worker" in done.stdout
    assert loaded.isdisjoint(SLOW)


@pytest.mark.parametrize("command", ["up", "edge", "worker", "migrate", "keys"])
def test_unknown_setting_is_one_line_and_exit_code_2(command: str) -> None:
    """It names the setting, and the one that was perhaps meant."""
    refused = penstock(command, PENSTOCK_PORTS="1")

    assert refused.returncode == 2
    assert refused.stderr == "PENSTOCK_PORTS is not a setting; did you mean PENSTOCK_PORT?\n"


WRONG = {
    "a file": ("up", {"PENSTOCK_DATA": __file__}, "cannot be used: File exists"),
    "in a file": ("up", {"PENSTOCK_DATA": f"{__file__}/data"}, "cannot be used: Not a directory"),
    "a host": ("up", {"PENSTOCK_HOST": "nowhere.invalid"}, "PENSTOCK_HOST=nowhere.invalid: "),
    "brokers": ("worker", {"PENSTOCK_KAFKA": "::::", "PENSTOCK_CLICKHOUSE": "http://x"}, "give host:9092,host:9092"),
    "a spool": ("edge", {"PENSTOCK_SPOOL": __file__, "PENSTOCK_KAFKA": "127.0.0.1:1"}, "cannot be used: File exists"),
}


@pytest.mark.parametrize("what", WRONG)
def test_start_that_cannot_be_says_why_in_a_line(what: str, tmp_path: Path) -> None:
    """And what to change; never a stack trace."""
    command, settings, expected = WRONG[what]
    options = ["--processes", "2"] if command == "edge" else []

    said = penstock(command, *options, **{"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_PORT": "0"} | settings)

    assert said.returncode in (1, 2)
    assert expected in said.stderr.splitlines()[-1]
    assert "Traceback" not in said.stderr


def test_worker_and_migrate_need_a_clickhouse() -> None:
    """`up` brings its own; alone they must be told."""
    for command in ("worker", "migrate"):
        refused = penstock(command)

        assert refused.returncode == 2
        assert refused.stderr.startswith("PENSTOCK_CLICKHOUSE is missing")


def test_query_with_nothing_running_says_what_to_do(tmp_path: Path) -> None:
    """Also after an `up` that was killed and left its note."""
    (tmp_path / "instance.json").write_text('{"pid": 4194305, "edge": "", "clickhouse_read": ""}')
    for data in (tmp_path / "none", tmp_path):
        failed = penstock("query", "SELECT 1", PENSTOCK_DATA=str(data))

        assert failed.returncode == 1
        assert failed.stderr.startswith(f"Nothing is running on {data}: start `penstock up`")


@pytest.mark.parametrize("note", [b"{", b"\xff", None])
def test_note_that_cannot_be_read_says_so(note: bytes | None, tmp_path: Path) -> None:
    """Damaged, or another user's: it is not known whether something runs."""
    path = tmp_path / "instance.json"
    path.write_bytes(note) if note else path.mkdir()
    settings = load({"PENSTOCK_DATA": str(tmp_path)})

    for url in (reader_url, writer_url):
        with pytest.raises(NothingRunning, match=r"is not known: .*instance\.json: "):
            url(settings)


def test_query_shows_a_table_or_any_format(reader: dict[str, str]) -> None:
    """SQL may end in a semicolon, name a format itself, come from stdin."""
    assert penstock("query", "SELECT 42 AS answer;", **reader).stdout.splitlines()[1:3] == ["│     42 │", "└────────┘"]
    assert penstock("query", "--format", "JSONEachRow", "SELECT 42 AS answer", **reader).stdout == '{"answer":42}\n'
    assert penstock("query", "-f", "CSV", "SELECT 1 FORMAT TSVWithNames", **reader).stdout == "1\n1\n"
    assert penstock("query", "-f", "CSV", "-", stdin="SELECT 'from\tstdin'", **reader).stdout == '"from\tstdin"\n'


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELEC 1", "Code: 62."),
        ("SELECT * FROM nowhere", "Code: 60."),
        ("CREATE TABLE t (a Int8) ENGINE = Memory", "Code: 497."),
        ("SELECT throwIf(number = 2000000), repeat('x', 10) FROM numbers(3000000)", "Code: 395."),
    ],
)
def test_query_error_is_one_line_and_exit_code_1(reader: dict[str, str], sql: str, code: str) -> None:
    """Also when it comes after the first million rows. No stack trace, no version, no password."""
    failed = penstock("query", "--format", "CSV", sql, **reader)

    assert failed.returncode == 1
    assert failed.stderr.startswith(code)
    assert failed.stderr.count("\n") == 1
    assert "version" not in failed.stderr
    assert all(line == '0,"xxxxxxxxxx"' for line in failed.stdout.splitlines())


def test_query_says_when_nobody_answers(reader: dict[str, str]) -> None:
    """In one line, and without the password that stands in the address."""
    away = reader | {"PENSTOCK_CLICKHOUSE_READ": f"http://reader:hidden@127.0.0.1:{free_port()}/penstock"}
    failed = penstock("query", "SELECT 1", **away)

    assert failed.returncode == 1
    assert failed.stderr.startswith("ClickHouse does not answer")
    assert failed.stderr.count("\n") == 1
    assert "hidden" not in failed.stderr


async def test_query_says_when_an_answer_comes_no_further(
    reader: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a server that hangs in the middle of it: one line, after a while."""
    monkeypatch.setattr(query, "ANSWER_SECONDS", 3)
    url = reader["PENSTOCK_CLICKHOUSE_READ"]
    port = urlsplit(url).port or 0
    async with Proxy(port, [Fault.STUCK_ANSWER], wrong=re.compile(b"FROM numbers")) as proxy:
        through = url.replace(f":{port}/", f":{proxy.port}/")
        with pytest.raises(query.QueryFailed, match="broke off"):
            await asyncio.to_thread(query.query, through, "SELECT * FROM numbers(1000000)", "CSV", BytesIO())


def test_query_ends_quietly_when_its_reader_had_enough(reader: dict[str, str]) -> None:
    """As in `penstock query … | head`."""
    command = f"'{sys.executable}' -m deploy.cli query -f CSV 'SELECT * FROM numbers(100000000)' | head -n 2"
    root = Path(__file__).parent.parent
    done = subprocess.run(
        command, shell=True, env=environment(**reader), cwd=root, capture_output=True, text=True, timeout=60
    )

    assert (done.stdout, done.stderr) == ("0\n1\n", "")
