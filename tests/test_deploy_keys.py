"""`penstock keys`, and a running edge that follows it: real processes, real files."""

import asyncio
import base64
import json
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.keys import seconds
from ingest.keys.changes import Refused
from tests.ports import free_port
from tests.running import CREDENTIALS, answers, environment, query, stop, up

ROOT = Path(__file__).parent.parent
IDENTIFY = ("PUT", "/api/v1/customers/5", "{}")
DELETE = ("DELETE", "/api/v1/customers/5", None)


class Shown(NamedTuple):
    """What `add` and `rotate` print."""

    id: str
    site: str
    key: str

    @property
    def header(self) -> str:
        return "Basic " + base64.b64encode(f"{self.site}:{self.key}".encode()).decode()


def keys(data: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.cli", "keys", *arguments]
    environ = environment(PENSTOCK_DATA=str(data), **settings)
    return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60)


def shown(done: "subprocess.CompletedProcess[str]") -> Shown:
    assert done.returncode == 0, done.stderr
    made = Shown(
        *re.findall(r"Added \w+ key (\w+)", done.stdout),
        *re.findall(r"site id  (.+)", done.stdout),
        *re.findall(r"API key  (.+)", done.stdout),
    )
    assert f"Authorization: {made.header}\n" in done.stdout
    return made


class Edge(NamedTuple):
    """A running edge."""

    port: int
    data: Path
    log: Path

    def send(self, made: Shown, method: str, path: str, body: str | None = None) -> tuple[int, object]:
        return self.call({"Authorization": made.header}, method, path, body)

    def call(self, headers: dict[str, str], method: str, path: str, body: str | None = None) -> tuple[int, object]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} | headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or "null")
        finally:
            connection.close()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    port, data, log = free_port(), tmp_path / "data", tmp_path / "edge.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "edge"],
            env=environment(PENSTOCK_DATA=str(data), PENSTOCK_PORT=str(port)),
            cwd=ROOT,
            stderr=out,
        )
        try:
            answers(port)
            yield Edge(port, data, log)
            assert stop(process) == 0
        finally:
            process.kill()
            process.wait()


def first(data: Path) -> Shown:
    kept = json.loads((data / "credentials.json").read_bytes())
    return Shown("", kept["site_id"], kept["api_key"])


def test_keys_are_added_listed_rotated_and_revoked(tmp_path: Path) -> None:
    """Each key is shown once; the list has neither it nor its hash."""
    assert keys(tmp_path).stdout.startswith("There is no key yet")
    server = shown(keys(tmp_path, "add", "--role", "server", "--workspace", "shop", "--label", "[bold]web"))
    browser = shown(keys(tmp_path, "add", "--role", "browser"))
    rotated = keys(tmp_path, "rotate", server.id, "--overlap", "2h")
    assert "lets its clients in until" in rotated.stdout
    new = shown(rotated)
    assert keys(tmp_path, "revoke", browser.id).stdout.startswith(f"Revoked browser key {browser.id}")

    listed = keys(tmp_path, "list").stdout
    assert listed == keys(tmp_path).stdout
    rows = {line.split()[0]: line for line in listed.splitlines() if "shop" in line}
    assert {server.id, browser.id, new.id} == rows.keys()
    assert re.search(r"shop +server +\[bold\]web +20.* expires 20.* never", rows[server.id])
    assert re.search(r"shop +browser +20.* revoked 20.* never", rows[browser.id])
    assert re.search(r"shop +server +\[bold\]web +20.* valid +never", rows[new.id])
    for made in (server, browser, new):
        assert made.key not in listed
    assert not re.search("[0-9a-f]{16}", listed)
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("revoke", "nothing"), 1, "There is no key nothing: `penstock keys list` shows them.\n"),
        (("rotate", "nothing"), 1, "There is no key nothing: `penstock keys list` shows them.\n"),
        (("rotate", "x", "--overlap", "soon"), 1, "'soon' is no duration: write 90s, 30m, 24h or 7d.\n"),
        (("add", "--role", "ops", "--workspace", "a:b"), 1, "A workspace has 1 to 100 characters"),
        (("add", "--role", "server", "--key", "mine"), 1, "Only a browser's key may be chosen"),
        (("revoke", "preset"), 1, "That is PENSTOCK_API_KEY: change it where it is set.\n"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    """And exit code 1."""
    done = keys(tmp_path, *arguments)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert done.stderr.startswith(said)


def test_wrong_options_are_exit_code_2(tmp_path: Path) -> None:
    """A role that is missing, and one that there is not."""
    assert keys(tmp_path, "add").returncode == keys(tmp_path, "add", "--role", "root").returncode == 2


def test_a_file_that_cannot_be_used_is_exit_code_2(tmp_path: Path) -> None:
    """With the remedy; `edge` and `up` refuse to start on it."""
    (tmp_path / "keys.json").write_text('{"keys":[]}')
    (tmp_path / "keys.json").chmod(0o644)
    command = [sys.executable, "-m", "deploy.cli"]
    environ = environment(PENSTOCK_DATA=str(tmp_path), PENSTOCK_PORT=str(free_port()))

    for arguments in (["keys"], ["keys", "add", "--role", "ops"], ["edge"], ["up"]):
        done = subprocess.run([*command, *arguments], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert done.stderr.endswith(f"is open to others (mode 0644): chmod 600 {tmp_path}/keys.json\n")


@pytest.mark.parametrize("command", ["list", "add", "revoke", "rotate"])
def test_each_command_has_help(tmp_path: Path, command: str) -> None:
    """Without touching anything."""
    done = keys(tmp_path, command, "--help")

    assert (done.returncode, list(tmp_path.iterdir())) == (0, [])
    assert f"keys {command} [OPTIONS]" in done.stdout


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("90s", 90), ("30m", 1800), ("24h", 86400), ("7d", 604800), ("0h", 0)]
)
def test_durations_are_written_as_people_do(text: str, expected: int) -> None:
    """A number without a unit is none, unless it is nothing."""
    assert seconds(text) == expected
    for wrong in ("", "5", "-1h", "1.5h", "h", "1w", "400d", "99999999999h"):
        with pytest.raises(Refused):
            seconds(wrong)


def test_each_role_may_do_its_own(edge: Edge) -> None:
    """What it may not is a 403 that names the role it takes; a browser's screen is known by its body only."""
    events = "/api/v1/customers/5/events"
    calls = {
        "identify": IDENTIFY,
        "delete": DELETE,
        "event": ("POST", events, '{"name":"x"}'),
        "page": ("POST", "/api/v1/events", '{"name":"x","type":"page"}'),
        "screen": ("POST", events, '{"name":"x","type":"screen"}'),
        "auth": ("GET", "/auth", None),
        "region": ("GET", "/api/v1/accounts/region", None),
        "metrics": ("GET", "/metrics", None),
    }
    may = {
        "server": set(calls),
        "browser": {"identify", "event", "page"},
        "ops": {"auth", "region", "metrics"},
    }
    made = {role: shown(keys(edge.data, "add", "--role", role)) for role in may}
    _until(edge, made["ops"], ("GET", "/auth", None), 200)

    for role, allowed in may.items():
        for name, call in calls.items():
            if name == "metrics" and name in allowed:
                continue  # no JSON
            status, content = edge.send(made[role], *call)
            assert status == (200 if name in allowed else 403), (role, name, content)
            if status == 403:
                assert isinstance(content, dict)
                assert re.search(rf"takes a server.* key, not {role}$", content["meta"]["error"])


def test_credentials_can_be_asked_about(edge: Edge) -> None:
    """`GET /auth` as Segment calls it, and the region with the address that the caller used."""
    made = first(edge.data)
    known = {"Authorization": made.header, "Host": "events.example.com"}

    assert edge.call(known, "GET", "/auth") == (200, {"meta": {"message": "nice credentials."}})
    status, region = edge.call(known, "GET", "/api/v1/accounts/region")
    assert isinstance(region, dict)
    number = region.pop("environment_id")
    assert (status, region) == (200, {"url": "http://events.example.com", "region": "us"})
    assert 0 < number < 2**31
    for path in ("/auth", "/api/v1/accounts/region"):
        status, refused = edge.call({}, "GET", path)
        assert (status, isinstance(refused, dict) and refused["meta"]["error"]) == (401, "Unauthorized request")
        assert edge.send(made, "POST", path)[0] == 405


def test_keys_change_under_load_and_nobody_valid_is_refused(edge: Edge) -> None:
    """Added, rotated and revoked while requests come in: no restart, effect soon; and the last use is listed, and no
    key's text is anywhere but where the first one is kept."""
    kept = first(edge.data)
    made = [kept]
    answered: dict[int, int] = asyncio.run(_under_load(edge, kept, made))

    assert answered.keys() == {200}
    assert answered[200] > 100
    for one in made[1:]:
        _nowhere(edge, one.key)
    assert kept.key not in edge.log.read_text()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (edge.data / "keys.json", edge.data / "credentials.json")}
    assert modes == {0o600}


async def _under_load(edge: Edge, valid: Shown, made: list[Shown]) -> dict[int, int]:
    answered: dict[int, int] = {}
    stopped = asyncio.Event()
    load = [asyncio.create_task(_load(edge, valid, stopped, answered)) for _ in range(4)]
    try:
        made += await asyncio.to_thread(_change_keys, edge)
    finally:
        stopped.set()
        await asyncio.gather(*load)
    return answered


async def _load(edge: Edge, valid: Shown, stopped: asyncio.Event, answered: dict[int, int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    head = f"PUT /api/v1/customers/5 HTTP/1.1\r\nHost: x\r\nAuthorization: {valid.header}\r\nContent-Length: 0\r\n\r\n"
    while not stopped.is_set():
        writer.write(head.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", answer)
        assert length is not None
        await reader.readexactly(int(length[1]))
        answered[int(answer[9:12])] = answered.get(int(answer[9:12]), 0) + 1
        await asyncio.sleep(0.005)
    writer.close()


def _change_keys(edge: Edge) -> list[Shown]:
    one = shown(keys(edge.data, "add", "--role", "server"))
    _until(edge, one, IDENTIFY, 200)
    two = shown(keys(edge.data, "rotate", one.id))
    _until(edge, two, IDENTIFY, 200)
    assert edge.send(one, *IDENTIFY)[0] == 200  # they overlap
    three = shown(keys(edge.data, "rotate", two.id, "--overlap", "0"))
    _until(edge, three, IDENTIFY, 200)
    assert edge.send(two, *IDENTIFY)[0] == 401
    for gone in (one, three):
        assert keys(edge.data, "revoke", gone.id).returncode == 0
        _until(edge, gone, IDENTIFY, 401)
    return [one, two, three]


def _until(edge: Edge, made: Shown, call: tuple[str, str, str | None], status: int, within: float = 20) -> None:
    until = time.monotonic() + within
    while (answer := edge.send(made, *call))[0] != status:
        assert time.monotonic() < until, f"still {answer} after {within} s"
        time.sleep(0.05)


def _nowhere(edge: Edge, key: str) -> None:
    for path in edge.data.parent.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes(), path


def test_the_last_use_is_listed_after_the_edge_has_stopped(tmp_path: Path) -> None:
    """Of the preset key too."""
    settings = CREDENTIALS | {"PENSTOCK_DATA": str(tmp_path / "data"), "PENSTOCK_PORT": str(free_port())}
    process = subprocess.Popen([sys.executable, "-m", "deploy.cli", "edge"], env=environment(**settings), cwd=ROOT)
    try:
        answers(int(settings["PENSTOCK_PORT"]))
        running = Edge(int(settings["PENSTOCK_PORT"]), tmp_path / "data", tmp_path)
        assert running.send(Shown("", "site", "key"), *IDENTIFY)[0] == 200
        assert stop(process) == 0
    finally:
        process.kill()
        process.wait()

    listed = keys(tmp_path / "data", **CREDENTIALS).stdout

    assert re.search(r"preset +site +server +PENSTOCK_API_KEY +valid +20\d\d-", listed)


def test_up_shows_a_line_that_works_until_its_key_is_replaced(tmp_path: Path) -> None:
    """At every start; then it says how to have another. A file of keys may be named and shared."""
    data = tmp_path / "data"
    texts = []
    for _ in range(2):
        texts.append(_up_says(data))
        line = re.search(r"curl -u (\S+):(\S+) .*-X PUT", texts[-1])
        assert line is not None
        assert line.groups() == (first(data).site, first(data).key)
    [name] = [key["id"] for key in json.loads((data / "keys.json").read_bytes())["keys"]]
    replaced = shown(keys(data, "rotate", name))

    text = _up_says(data)

    assert "curl" not in text
    assert "keys add --role server" in text
    assert replaced.key not in text
    assert not (data / "credentials.json").exists()


def _up_says(data: Path) -> str:
    """What `up` prints when it is ready."""
    environ = environment(PENSTOCK_DATA=str(data), PENSTOCK_PORT=str(free_port()))
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", "up"], env=environ, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line.decode()
            if b"FROM customers" in line:
                break
        assert stop(process) == 0
        return said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_named_file_of_keys_is_shared(tmp_path: Path) -> None:
    """Edges with data folders of their own let the same keys in."""
    path = tmp_path / "secrets" / "keys.json"
    made = shown(keys(tmp_path / "none", "add", "--role", "server", PENSTOCK_KEYS=str(path)))

    with up(tmp_path / "data", PENSTOCK_KEYS=str(path)) as settings:
        running = Edge(int(settings["PENSTOCK_PORT"]), tmp_path, tmp_path)
        assert running.send(made, *IDENTIFY)[0] == 200
        assert query("SELECT 1 AS one", settings) == [{"one": 1}]
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "data" / "credentials.json").exists()
