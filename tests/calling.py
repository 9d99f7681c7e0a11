"""The edge's application, called as a server calls it, without one."""

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.types import Message

from ingest.app import create_app
from schemas.settings import Settings
from tests.fakes import FakeClock, FakeLog

KEYS = {"authorization": "Basic " + base64.b64encode(b"site:key").decode()}
IDENTIFY, EVENTS = "/api/v1/customers/5", "/api/v1/customers/5/events"
CHUNK = 65_536


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Called(NamedTuple):
    """An edge, and what it has to do with."""

    app: Starlette
    log: FakeLog
    clock: FakeClock

    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, **more: str
    ) -> Answer:
        """headers: beside the credentials, unless they are given too. more: headers, with _ for -."""
        sent = KEYS | dict(headers or {}) | {name.replace("_", "-"): value for name, value in more.items()}
        return asyncio.run(call(self.app, scope(method, path, sent), body))

    def events(self, body: bytes, **headers: str) -> Answer:
        return self.send("POST", EVENTS, body, None, **headers)


def edge(folder: Path, **settings: Any) -> Called:
    log, clock = FakeLog(), FakeClock()
    app = create_app(Settings(site_id="site", api_key="key", data=folder, **settings), log, clock, clock)
    return Called(app, log, clock)


def scope(method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """What a server hands over of a request. A header without a value is left out."""
    raw, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw,
        "raw_path": raw.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items() if value],
        "client": ("192.0.2.1", 1),
        "server": ("127.0.0.1", 8080),
        "state": {},
    }


async def call(app: Starlette, scope: dict[str, Any], body: bytes) -> Answer:
    """The answer of an application."""
    chunks = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)] or [b""]
    answered: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def send(message: Message) -> None:
        answered.append(message)

    await app(scope, receive, send)
    start, *rest = answered
    headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in rest))
