"""Penstock as a person runs it: the `penstock` command in processes of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from deploy.instance import reader_url
from deploy.query import query as ask
from schemas.settings import load
from tests.ports import free_port

SITE, KEY = "site", "key"
CREDENTIALS = {"PENSTOCK_SITE_ID": SITE, "PENSTOCK_API_KEY": KEY}


def environment(**settings: str) -> dict[str, str]:
    """The caller's environment with nothing of Penstock's in it but these settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    return inherited | settings


def penstock(*arguments: str, settings: Mapping[str, str], output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """`output` takes all it writes; without one that goes where ours goes."""
    command = [sys.executable, "-m", "deploy.cli", *arguments]
    root = Path(__file__).parent.parent
    return subprocess.Popen(command, env=environment(**settings), cwd=root, stdout=output, stderr=output)


def answers(port: int, path: str = "/ready", timeout: float = 60) -> None:
    """Return once the edge on this port answers 200."""
    until = time.monotonic() + timeout
    while True:
        try:
            with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return
        except OSError:
            pass
        assert time.monotonic() < until, f"no answer on port {port} within {timeout} s"
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes], number: int = signal.SIGTERM, timeout: float = 60) -> int:
    process.send_signal(number)
    return process.wait(timeout)


def query(sql: str, settings: Mapping[str, str], form: str = "JSONEachRow") -> list[dict[str, Any]]:
    """`penstock query`, its rows."""
    command = [sys.executable, "-m", "deploy.cli", "query", "--format", form, sql]
    done = subprocess.run(command, env=environment(**settings), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def eventually(sql: str, settings: Mapping[str, str], expected: object, timeout: float = 60) -> None:
    """Return once the query's rows are the expected ones."""
    until = time.monotonic() + timeout
    while (rows := asked(sql, settings)) != expected:
        assert time.monotonic() < until, f"{sql} still says {rows}"
        time.sleep(0.2)


def asked(sql: str, settings: Mapping[str, str]) -> list[dict[str, Any]]:
    """What `penstock query` says. Asked in this process: to start the command, over and over, would take the cores from
    those who are waited for."""
    out = BytesIO()
    ask(reader_url(load(settings)), sql, "JSONEachRow", out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@contextmanager
def up(folder: Path, **extra: str) -> Iterator[dict[str, str]]:
    """`penstock up` on a free port with its data in a folder; yields its settings."""
    settings = CREDENTIALS | {"PENSTOCK_DATA": str(folder), "PENSTOCK_PORT": str(free_port())} | extra
    process = penstock("up", settings=settings)
    try:
        ready(settings)
        yield settings
        assert stop(process) == 0
    finally:
        process.kill()
        process.wait()


def ready(settings: Mapping[str, str], timeout: float = 60) -> None:
    """Return once every part is up: the edge answers, and the data folder names the instance."""
    answers(int(settings["PENSTOCK_PORT"]), timeout=timeout)
    until = time.monotonic() + timeout
    while not (Path(settings["PENSTOCK_DATA"]) / "instance.json").exists():
        assert time.monotonic() < until, "no instance.json"
        time.sleep(0.05)
