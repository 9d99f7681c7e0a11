"""The edge in this process, behind its own protocol, with a log that remembers; and raw bytes to it."""

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import uvicorn
from starlette.applications import Starlette

from ingest import limits
from ingest.app import create_app
from ingest.connections import Connections
from ingest.edge import Edge
from ingest.endpoints import ENDPOINTS
from ingest.hot import HotWay
from ingest.keys import key_file
from ingest.keys.changes import made
from ingest.keys.file import changing
from ingest.origins import Origins
from ingest.server import server_options
from schemas.settings import Settings
from tests.fakes import FakeClock, FakeLog

AUTHORIZATION = "Basic " + base64.b64encode(b"site:key").decode()
EVENTS = "/api/v1/customers/5/events"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> str:
        """The text of an error, after what every error has to have was looked at."""
        assert self.headers["content-type"] == "application/json; charset=utf-8"
        assert self.headers["access-control-allow-origin"] == "*"
        assert self.headers["x-request-id"]
        text: str = json.loads(self.body)["meta"]["error"]
        return text


class Wire:
    """One connection, byte by byte."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._read = bytearray()

    def send(self, data: bytes) -> "Wire":
        self.connection.sendall(data)
        return self

    def answer(self, *, head: bool = False) -> Answer:
        """The next one; a `100 Continue` is one, too."""
        lines = self._until(b"\r\n\r\n").decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        return Answer(int(lines[0][9:12]), headers, b"" if head else self._take(int(headers.get("content-length", 0))))

    def fill(self, data: bytes) -> None:
        """Send it over and over, reading nothing, until nobody takes it any more."""
        self.connection.settimeout(1.0)
        try:
            while True:
                self.connection.sendall(data)
        except (TimeoutError, ConnectionError):
            self.connection.settimeout(30)

    def ended(self) -> bool:
        """Whether the edge ends the connection and has said nothing more."""
        try:
            return not self._read and self.connection.recv(1) == b""
        except ConnectionResetError:
            return True

    def _until(self, end: bytes) -> bytes:
        while end not in self._read:
            self._more()
        return self._take(self._read.index(end) + len(end))

    def _take(self, size: int) -> bytes:
        while len(self._read) < size:
            self._more()
        taken = bytes(self._read[:size])
        del self._read[:size]
        return taken

    def _more(self) -> None:
        data = self.connection.recv(65536)
        assert data, f"the connection ended after {bytes(self._read)!r}"
        self._read += data


class Serving(NamedTuple):
    log: FakeLog
    edge: Edge
    connections: Connections
    port: int

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            yield Wire(connection)

    def tell(self, request: bytes) -> Answer:
        """The answer to a request, after which the connection has to end."""
        with self.wire() as wire:
            answer = wire.send(request).answer()
            assert answer.headers["connection"] == "close"
            assert wire.ended()
            return answer

    def subjects(self) -> list[str]:
        return [message.subject for message in self.log.messages]


def until(condition: Callable[[], bool]) -> None:
    """Return once it is so."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def until_free(edge: Edge, free: int = limits.BODIES_IN_FLIGHT) -> None:
    """Return once so many bytes of the budget are free: they are given back just behind the answer."""
    until(lambda: edge.budget.free == free)


def until_held(connections: Connections, held: int) -> None:
    """Return once so many bytes are held of requests whose bodies have begun to come."""
    until = time.monotonic() + 30
    while connections.coming.held != held:
        assert time.monotonic() < until, f"{connections.coming.held} bytes are held"
        time.sleep(0.005)


def request(method: str = "POST", path: str = EVENTS, body: bytes = b'{"name":"x"}', /, **headers: str) -> bytes:
    """Bytes that the edge answers with 200. An underscore in a header's name stands for a dash."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: {AUTHORIZATION}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@contextmanager
def serving(
    limit: int = 1000, origins: Origins | None = None, log: FakeLog | None = None, browser: str = "", **options: Any
) -> Iterator[Serving]:
    """browser: a browser's key that it knows. options: more of uvicorn's."""
    log = log or FakeLog()
    with TemporaryDirectory() as folder:
        settings = Settings(site_id="site", api_key="key", data=Path(folder))
        if browser:
            with changing(key_file(settings)) as keys:
                keys.append(made("site", "browser", "", 0, browser).key)
        app = create_app(settings, log, FakeClock())
        yield from _served(app, log, limit, origins, options)


def _served(
    app: Starlette, log: FakeLog, limit: int, origins: Origins | None, options: Mapping[str, Any]
) -> Iterator[Serving]:
    connections = Connections(app.state.edge.refusals, limit, origins)
    server = uvicorn.Server(
        uvicorn.Config(app, **server_options(5.0, connections, HotWay(app.state.edge, ENDPOINTS)), **options)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Serving(log, app.state.edge, connections, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
