"""The API through a real server: paths, statuses, headers and bodies as they are on the wire."""

import asyncio
import base64
import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn
from customerio import CustomerIO, CustomerIOException

from ingest import limits
from ingest.app import create_app
from ingest.connections import Connections
from ingest.edge import Edge
from ingest.errors import TooLarge, Unavailable
from ingest.server import server_options
from schemas.settings import Settings
from tests.fakes import FakeClock, FakeLog
from tests.ports import free_port
from tests.running import CREDENTIALS, answers, penstock, stop
from tests.serving import until_held

KEYS = {"Authorization": "Basic " + base64.b64encode(b"site:key").decode()}
EVENTS = "/api/v1/customers/5/events"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Served(NamedTuple):
    """A running edge: what it writes to, and where it is."""

    log: FakeLog
    clock: FakeClock
    edge: Edge
    connections: Connections
    port: int

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, KEYS if headers is None else headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def raw(self, request: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.sendall(request)
        return connection

    def subjects(self) -> list[str]:
        return [message.subject for message in self.log.messages]


@pytest.fixture(scope="module")
def running() -> Iterator[Served]:
    log, clock = FakeLog(), FakeClock()
    app = create_app(Settings(site_id="site", api_key="key"), log, clock)
    connections = Connections(app.state.edge.refusals)
    options = server_options(5.0, connections)
    config = uvicorn.Config(app, **options)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Served(log, clock, app.state.edge, connections, listener.getsockname()[1])
        server.should_exit = True
        thread.join()
    assert not log.open


@pytest.fixture
def served(running: Served) -> Served:
    running.log.messages.clear()
    running.log.error, running.log.away = None, False
    running.edge.draining = False
    assert running.edge.budget.free == limits.BODIES_IN_FLIGHT
    return running


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "subject"),
    [
        ("PUT", "/api/v1/customers/5", "email=customer@example.com&name=Bob&plan=premium", "identify", "id:5"),
        ("PUT", "/api/v1/customers/5", '{"a":1}', "identify", "id:5"),
        ("PUT", "/api/v1/customers/5", None, "identify", "id:5"),
        ("DELETE", "/api/v1/customers/5", None, "delete", "id:5"),
        ("DELETE", "/api/v1/customers/5", "{}", "delete", "id:5"),
        ("DELETE", "/api/v1/customers/5", b"\xff{", "delete", "id:5"),
        ("POST", EVENTS, "name=purchased&data[price]=23.45", "event", "id:5"),
        ("POST", EVENTS, '{"name":"/","type":"page"}', "page", "id:5"),
        ("POST", "/api/v1/events", '{"name":"x","anonymous_id":7}', "event", "anon:7"),
        ("POST", "/api/v1/events?x=/1", '{"name":"x","anonymous_id":7}', "event", "anon:7"),
    ],
)
def test_a_call_is_answered_as_customerio_does_and_is_on_the_log(
    served: Served, method: str, path: str, body: str | bytes | None, kind: str, subject: str
) -> None:
    """200, `{}` and a newline, and the recorded headers."""
    answer = served.send(method, path, body)

    assert (answer.status, answer.body) == (200, b"{}\n")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-cache, no-store, must-revalidate, max-age=0"
    assert answer.headers["content-length"] == "3"
    [message] = served.log.messages
    assert (kind, subject, "site", served.clock.now) == (
        message.kind,
        message.subject,
        message.workspace,
        message.received_at,
    )


def test_a_message_tells_where_it_came_from(served: Served) -> None:
    """Endpoint, address, user agent."""
    served.send("PUT", "/api/v1/customers/5", None, KEYS | {"User-Agent": "x" * 600})

    context = served.log.messages[0].context
    assert (
        context.endpoint,
        context.ip,
        context.user_agent,
    ) == ("PUT /api/v1/customers/{identifier}", "127.0.0.1", "x" * 500)


@pytest.mark.parametrize(
    ("segment", "subject"),
    [
        ("a%2Fb%20c%2Bd%40x.io%25%C3%A9", "id:a/b c+d@x.io%é"),
        ("a%2Fevents", "id:a/events"),
        ("%2F", "id:/"),
        ("%252F", "id:%2F"),
        ("a+b", "id:a+b"),
        ("..", "id:.."),
        ("%2E%2E%2F", "id:../"),
        ("bob@example.com", "email:bob@example.com"),
        ("a;b=c", "id:a;b=c"),
        ("events", "id:events"),
    ],
)
def test_identifiers_are_taken_from_the_raw_path(served: Served, segment: str, subject: str) -> None:
    """Decoded once, after the path was split."""
    assert served.send("PUT", f"/api/v1/customers/{segment}").status == 200
    assert served.send("POST", f"/api/v1/customers/{segment}/events", "name=x").status == 200
    assert served.send("DELETE", f"/api/v1/customers/{segment}").status == 200
    assert [subject] * 3 == served.subjects()


def test_a_400_lists_all_that_is_wrong(served: Served) -> None:
    """In `meta.errors`."""
    answer = served.send("POST", EVENTS, '{"data":[]}')

    assert answer.status == 400
    assert json.loads(answer.body) == {
        "meta": {
            "errors": [
                "event name must not be blank",
                'event data must be a hash (e.g., send "data":{} instead of "data":"")',
            ]
        }
    }
    assert answer.headers["access-control-allow-origin"] == "*"
    assert served.log.messages == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/api/v1/customers/%zz", 400),
        ("PUT", "/api/v1/customers/" + "x" * 151, 400),
        ("PUT", "/api/v1/customers/", 404),
        ("PUT", "/api/v1/customers", 404),
        ("PUT", "/api/v1/customers/5/", 404),
        ("POST", EVENTS + "/", 404),
        ("POST", "/api/v1/customers//events", 404),
        ("POST", "/api/v1/customers/a/b/events", 404),
        ("POST", "//api/v1/events", 404),
        ("POST", "/api%2Fv1/events", 404),
        ("GET", "/", 404),
        ("GET", "/live/", 404),
        ("GET", EVENTS, 405),
        ("HEAD", EVENTS, 405),
        ("PATCH", "/api/v1/customers/5", 405),
        ("POST", "/live", 405),
    ],
)
def test_what_cannot_be_answered_is_refused_in_json(served: Served, method: str, path: str, status: int) -> None:
    """Never a redirect, never anything but JSON."""
    answer = served.send(method, path, "name=x" if method == "POST" else None)

    assert status == answer.status
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    if method != "HEAD":
        assert ["errors" if status == 400 else "error"] == list(json.loads(answer.body)["meta"])
    assert served.log.messages == []


def test_a_405_says_what_the_path_takes(served: Served) -> None:
    """All of it."""
    assert served.send("GET", "/api/v1/customers/5").headers["allow"] == "DELETE, OPTIONS, PUT"
    assert served.send("PUT", "/live").headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/api/v1/customers/%zz", EVENTS, "/api/v1/events"])
def test_without_credentials_nothing_else_is_looked_at(served: Served, path: str) -> None:
    """401 before the body; but an unknown path is unknown to everybody."""
    answer = served.send("PUT" if "%" in path else "POST", path, "x" * (limits.BODY + 1), {})

    assert (answer.status, json.loads(answer.body)) == (401, {"meta": {"error": "Unauthorized request"}})
    assert answer.headers["www-authenticate"] == 'Basic realm="penstock"'
    assert served.send("POST", "/nowhere", None, {}).status == 404


def test_a_401_does_not_wait_for_the_body(served: Served) -> None:
    """Nor does a 413, when the length says it all."""
    head = f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nContent-Length: "
    with served.raw(f"{head}10\r\n\r\n".encode()) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")
    authorized = f"{head}{limits.BODY + 1}\r\nAuthorization: {KEYS['Authorization']}\r\n\r\n"
    with served.raw(authorized.encode()) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_body_is_taken_up_to_the_limit_however_it_is_sent(served: Served, method: str) -> None:
    """Chunked bodies are counted; a 413 never asks to try again."""
    fits = b'{"cio_subscription_preferences":"' + b"x" * (limits.BODY - 35) + b'"}'
    chunks = (chunk for chunk in (fits, b" "))

    assert served.send(method, "/api/v1/customers/5", fits).status == 200
    for too_much in (fits + b" ", chunks):
        answer = served.send(method, "/api/v1/customers/5", too_much)
        assert answer.status == 413
        assert "retry-after" not in answer.headers
    assert len(served.log.messages) == 1


def test_bodies_in_flight_are_bounded(served: Served) -> None:
    """503 beyond the budget, and it is given back."""
    served.edge.budget.free = 5
    try:
        answer = served.send("POST", EVENTS, "name=x")
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    finally:
        served.edge.budget.free = limits.BODIES_IN_FLIGHT
    assert served.send("POST", EVENTS, "name=x").status == 200


def test_a_client_that_goes_away_in_its_body_leaves_nothing(served: Served) -> None:
    """Half a request is none, even a DELETE, whose body is not looked at; and its bytes are given back."""
    for method in ("PUT", "DELETE"):
        head = f"{method} /api/v1/customers/5 HTTP/1.1\r\nHost: x\r\nAuthorization: {KEYS['Authorization']}\r\n"
        with served.raw(f"{head}Content-Length: 10\r\n\r\n{{}}".encode()):
            until_held(served.connections, limits.REQUEST + 2)
        until_held(served.connections, 0)
    assert served.edge.budget.used == 0

    assert served.send("PUT", "/api/v1/customers/6").status == 200
    assert served.subjects() == ["id:6"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/xml"}, 415),
        ({"Content-Encoding": "br"}, 415),
        ({"Content-Encoding": "identity"}, 200),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ],
)
def test_what_cannot_be_read_is_a_415(served: Served, headers: dict[str, str], status: int) -> None:
    """An unknown type, an unknown encoding; on a DELETE nobody minds."""
    assert status == served.send("POST", EVENTS, '{"name":"x"}', KEYS | headers).status
    assert served.send("DELETE", "/api/v1/customers/5", "{}", KEYS | headers).status == 200


def test_an_unavailable_log_is_a_503(served: Served) -> None:
    """The client is told to retry, and when."""
    served.log.error = Unavailable("not stored")

    answer = served.send("PUT", "/api/v1/customers/42", "{}")

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert json.loads(answer.body) == {"meta": {"error": "not stored"}}


def test_a_message_too_large_for_the_log_is_a_413(served: Served) -> None:
    """It would never be taken."""
    served.log.error = TooLarge("too large")

    answer = served.send("PUT", "/api/v1/customers/42", "{}")

    assert answer.status == 413
    assert "retry-after" not in answer.headers


def test_our_own_mistake_shows_no_more_than_a_number(
    served: Served, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log has one line with the same number."""
    served.log.error = RuntimeError("secret")

    answer = served.send("PUT", "/api/v1/customers/42", "{}")

    assert (answer.status, json.loads(answer.body)) == (500, {"meta": {"error": "internal error"}})
    written = capsys.readouterr().out + caplog.text
    assert written.count("request_failed") == 1
    assert answer.headers["x-request-id"] in written
    served.log.error = None
    assert served.send("PUT", "/api/v1/customers/42", "{}").status == 200


def test_a_browser_may_ask_first(served: Served) -> None:
    """A preflight has no credentials."""
    answer = served.send("OPTIONS", "/api/v1/customers/5", None, {"Origin": "https://shop.example"})

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"PUT", "DELETE", "OPTIONS"} == set(answer.headers["access-control-allow-methods"].split(", "))
    allowed = set(answer.headers["access-control-allow-headers"].split(", "))
    assert {"*", "authorization", "x-retry-count"} <= allowed
    refused = served.send("OPTIONS", "/nowhere", None, {})
    assert refused.status == 404
    assert {"retry-after", "x-request-id"} <= set(refused.headers["access-control-expose-headers"].split(", "))


def test_health_tells_alive_from_ready(served: Served) -> None:
    """Without credentials; `/live` does not mind the log."""
    assert _status(served, "/live") == (200, {"status": "live"})
    assert _status(served, "/ready") == (200, {"status": "ready"})
    served.log.away = True
    assert _status(served, "/live") == (200, {"status": "live"})
    assert _status(served, "/ready") == (503, {"status": "not ready", "reason": "the log cannot be reached"})
    served.edge.draining = True
    assert _status(served, "/ready") == (503, {"status": "not ready", "reason": "shutting down"})


def _status(served: Served, path: str) -> tuple[int, object]:
    answer = served.send("GET", path, None, {})
    return answer.status, json.loads(answer.body)


def test_many_at_once_are_all_taken(served: Served) -> None:
    """Each on a connection of its own."""

    async def all_of_them() -> None:
        await asyncio.gather(
            *(asyncio.to_thread(served.send, "PUT", f"/api/v1/customers/{number}") for number in range(100))
        )

    asyncio.run(all_of_them())

    assert {f"id:{number}" for number in range(100)} == set(served.subjects())


def test_the_official_python_client_works_unchanged(served: Served) -> None:
    """Identify, track, pages, anonymous and invite events, deletes, and its own idea of an error."""
    with CustomerIO("site", "key") as client:
        client.base_url = f"http://127.0.0.1:{served.port}/api/v1"
        client.identify("a/b c+d@é%", plan="free", n=1.5)
        client.track("bob@Example.com", "bought", {"price": 23.45}, id="01BX5ZZKBKACTAV9WEVGEMMVRZ", timestamp=16e8)
        client.pageview(5, "https://example.com/", referrer="x")
        client.track_anonymous(7, "looked")
        client.track_anonymous(None, "invited", {"recipient": "a@b.c"})
        client.delete("cio_1")
        with pytest.raises(CustomerIOException, match="event name must not be blank"):
            client.track(5, "  ")

    kinds = [(message.kind, message.subject.partition(":")[0]) for message in served.log.messages]
    assert kinds == [
        ("identify", "id"),
        ("event", "email"),
        ("page", "id"),
        ("event", "anon"),
        ("event", "invite"),
        ("delete", "cio"),
    ]
    assert served.log.messages[0].subject == "id:a/b c+d@é%"
    assert bytes(served.log.messages[1].data) == b'{"price": 23.45}'


def test_an_edge_ends_cleanly_when_told_to_and_says_when_its_port_is_taken(tmp_path: Path) -> None:
    """SIGTERM is exit code 0, with a client still connected; a taken port is exit code 1."""
    settings = CREDENTIALS | {"PENSTOCK_DATA": str(tmp_path), "PENSTOCK_PORT": str(free_port())}
    port = int(settings["PENSTOCK_PORT"])
    process = penstock("edge", settings=settings)
    try:
        answers(port)
        with socket.create_connection(("127.0.0.1", port)) as idle:
            assert penstock("edge", settings=settings).wait(30) == 1
            assert stop(process) == 0
            assert idle.recv(1) == b""
    finally:
        process.kill()
        process.wait()
