"""`python -m tests.bench.edge`: what a request costs, beside a bare ASGI app on the same server in the same run.

Rounds are interleaved, so that a noisy machine disturbs all alike; figures are the median and (least to most).
Load comes from wrk if it is installed, else from raw sockets in this process, which is slower than the edge.
"""

import asyncio
import base64
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
import uvloop

from ingest.app import create_app
from ingest.connections import Connections
from ingest.log import Done
from ingest.server import Server, server_options
from schemas.messages import Message, encode, key
from schemas.settings import Settings
from tests.running import answers, free_port

ROUNDS, SECONDS, CONNECTIONS = 5, 3, 64
PATH = "/api/v1/customers/5/events"
BODY = (
    '{"name":"purchased","data":{"price":23.45,"currency":"EUR","product":"a fine pair of socks","tags":["a","b"],'
    '"cart":{"items":3,"total":70.35},"url":"https://shop.example.com/socks?ref=mail","coupon":null,"first":true}}'
)
AUTHORIZATION = "Basic " + base64.b64encode(b"site:key").decode()
HEADERS = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
SETTINGS = Settings(site_id="site", api_key="key")
TICK = os.sysconf("SC_CLK_TCK")


class Round(NamedTuple):
    """Requests per second, and microseconds of the server's CPU for each."""

    rate: float
    cost: float


class NoLog:
    """Encodes, as every log must, and forgets."""

    async def append(self, messages: Sequence[Message]) -> None:
        for message in messages:
            key(message), encode(message)

    def append_then(self, messages: Sequence[Message], done: Done) -> None:
        for message in messages:
            key(message), encode(message)
        asyncio.get_running_loop().call_soon(done, "")

    def reachable(self) -> bool:
        return True

    async def __aenter__(self) -> "NoLog":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


async def bare(_scope: Any, receive: Any, send: Any) -> None:
    """What uvicorn and ASGI cost with nothing behind them."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"3")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}\n"})


async def serve(target: str, port: int, folder: Path) -> None:
    from deploy.logs import configure
    from ingest.log.sqlite import SqliteLog

    configure("edge")  # as it logs when nobody looks on: a coloured line costs as much as a request
    make: dict[str, Callable[[], Any]] = {
        "bare ASGI": lambda: bare,
        "edge, no log": lambda: create_app(SETTINGS, NoLog()),
        "edge, SQLite": lambda: create_app(SETTINGS, SqliteLog(folder / "log.db")),
    }
    app = make[target]()
    if app is bare:
        plain: dict[str, Any] = {"loop": "uvloop", "http": "httptools", "log_config": None, "access_log": False}
        await uvicorn.Server(uvicorn.Config(bare, port=port, lifespan="off", **plain)).serve()
    else:
        options = server_options(5.0, Connections(app.state.edge.refusals))
        await Server(uvicorn.Config(app, port=port, lifespan="on", **options), app.state.edge).serve()


@contextmanager
def running(target: str, folder: Path) -> Iterator[tuple[int, int]]:
    """A server in a process of its own; its port and process id."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.edge", target, str(port), str(folder)])
    try:
        answers(port, "/live")
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def measured(port: int, pid: int, load: Callable[[int], int]) -> Round:
    used, began = cpu(pid), time.monotonic()
    done = load(port)
    seconds = time.monotonic() - began
    return Round(done / seconds, (cpu(pid) - used) / done * 1e6)


def wrk(port: int) -> int:
    """Requests answered 200 by wrk's load."""
    script = [f'wrk.method = "POST"\nwrk.body = {_lua(BODY)}\n']
    script += [f"wrk.headers[ {_lua(name)} ] = {_lua(value)}\n" for name, value in HEADERS.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write("".join(script))
        file.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", file.name]
        said = subprocess.run([*command, f"http://127.0.0.1:{port}{PATH}"], capture_output=True, text=True, check=True)
    assert "Non-2xx" not in said.stdout, said.stdout
    counted = re.search(r"(\d+) requests in", said.stdout)
    assert counted is not None, said.stdout
    return int(counted[1])


def _lua(text: str) -> str:
    return f"[==[{text}]==]"


def sockets(port: int) -> int:
    """Requests answered 200 by our own load."""
    return asyncio.run(_all_sockets(port))


async def _all_sockets(port: int) -> int:
    until = time.monotonic() + SECONDS
    return sum(await asyncio.gather(*(_one_socket(port, until) for _ in range(CONNECTIONS))))


async def _one_socket(port: int, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    request = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(BODY)}\r\n\r\n{BODY}".encode()
    done = 0
    while time.monotonic() < until:
        writer.write(request)
        answer = await reader.readuntil(b"{}\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        done += 1
    writer.close()
    return done


def spread(values: Sequence[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> None:
    load = wrk if shutil.which("wrk") else sockets
    print(f"{load.__name__}, {CONNECTIONS} connections, {len(BODY)} bytes, {ROUNDS} rounds of {SECONDS} s")
    targets = ("bare ASGI", "edge, no log", "edge, SQLite")
    rounds: dict[str, list[Round]] = {target: [] for target in targets}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {target: stack.enter_context(running(target, folder)) for target in targets}
        for _ in range(ROUNDS):
            for target, (port, pid) in servers.items():
                rounds[target].append(measured(port, pid, load))
    for target in targets:
        rates, costs = [one.rate for one in rounds[target]], [one.cost for one in rounds[target]]
        ratios = [mine.rate / other.rate for mine, other in zip(rounds[target], rounds[targets[0]], strict=True)]
        print(f"{target:13} requests/s {spread(rates, ',.0f')}, of bare {spread(ratios, '.2f')}")
        print(f"{'':13} CPU us/request {spread(costs, '.1f')}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        uvloop.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
    else:
        main()
