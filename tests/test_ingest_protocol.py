"""What is not quite HTTP, comes too slowly, or is too much, as it is on the wire."""

import asyncio
import contextlib
import gc
import time
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from ipaddress import ip_network

import pytest
from uvicorn.protocols.http import httptools_impl

from ingest import limits
from ingest.origins import Origins, advice, refuses_plain_http
from schemas.messages import Message, Written
from schemas.settings import Settings
from tests.fakes import FakeLog
from tests.serving import AUTHORIZATION, EVENTS, Serving, request, serving, until, until_free, until_held

HEAD = f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTHORIZATION}\r\n".encode()
GET = b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b'{"name":"x"}'
TRANSFER = b"Transfer-Encoding: chunked"
CHUNKED = TRANSFER + b"\r\n\r\nc\r\n" + BODY + b"\r\n0\r\n"


class HeldLog(FakeLog):
    """Writes nothing while it is held."""

    held = False

    async def append(self, messages: Sequence[Message | Written]) -> None:
        while self.held:  # noqa: ASYNC110  another thread says so
            await asyncio.sleep(0.01)
        await super().append(messages)


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture
def served(running: Serving) -> Serving:
    running.log.messages.clear()
    return running


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds in time that a test can wait for."""
    for name in ("HEAD_TIME", "BODY_TIME", "IDLE", "UNREAD", "LINGER"):
        monkeypatch.setattr(limits, name, 1.0)


def test_the_protocol_fits_the_uvicorn_it_was_written_for() -> None:
    """Another minor version may have other insides: read `httptools_impl.py` against `ingest/protocol.py`, run the
    tests here, then change this line."""
    assert version("uvicorn").split(".")[:2] == ["0", "54"]
    ours = {"on_response_complete", "_start_asgi_task", "on_headers_complete", "data_received", "shutdown"}
    assert ours <= vars(httptools_impl.HttpToolsProtocol).keys()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n",
        *(
            HEAD + line + b"\r\n" + BODY
            for line in (
                b"Content-Length: 12\r\nAuthorization: Basic eDp5\r\nAuthorization: Basic eDp6\r\n",
                b"Content-Length: 12\r\nContent-Type: application/json\r\ncontent-type: text/html\r\n",
                b"Content-Length: 12\r\nContent-Encoding: gzip\r\nContent-Encoding: identity\r\n",
                b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n",
                b"Transfer-Encoding: chunked\r\nContent-Length: 12\r\n",
                b"Content-Length: 12\r\nContent-Length: 12\r\n",
                b"Content-Length: 12\r\nContent-Length: 13\r\n",
                b"Content-Length: 12, 12\r\n",
                b"Content-Length: +12\r\n",
                b"Content-Length: -12\r\n",
                b"Content-Length: 0xc\r\n",
                b"Content-Length: 1_2\r\n",
                b"Content-Length: 1 2\r\n",
                b"Content-Length: \r\n",
                b"Content-Length: 99999999999999999999\r\n",
                b"Content-Length : 12\r\n",
                b" Content-Length: 12\r\n",
                b"X: a\r\n b\r\n",
                b"X: a\rb\r\n",
                b"X: a\nY: b\r\n",
                b"X: a\0b\r\n",
                b"X: a\x01b\r\n",
                b": b\r\n",
                b"no colon\r\n",
                b"Transfer-Encoding: gzip\r\n",
                b"Transfer-Encoding: gzip, chunked\r\n",
                b"Transfer-Encoding: chunked, gzip\r\n",
                b"Transfer-Encoding: chunked, chunked\r\n",
                b"Transfer-Encoding: xchunked\r\n",
                b"Transfer-Encoding: identity\r\n",
                b"Transfer-Encoding: \x0bchunked\r\n",
                b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            )
        ),
        HEAD.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n",
        *(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
            for chunks in (
                b"c\n",
                b"-c\r\n",
                b"0xc\r\n",
                b"c \r\n",
                b"fffffffffffffffff\r\n",
                b"c\r\n" + BODY + b"00\r\n",
            )
        ),
    ],
)
def test_what_two_readers_could_take_differently_is_refused(served: Serving, sent: bytes) -> None:
    """400 in JSON, and nothing more is read."""
    answer = served.tell(sent + GET)

    assert answer.status == 400
    assert answer.said
    assert served.log.messages == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /live HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET /live\r\n\r\n", 505),
    ],
)
def test_what_is_no_request_to_us_is_refused(served: Serving, sent: bytes, status: int) -> None:
    """A tunnel, another version."""
    answer = served.tell(sent)

    assert answer.status == status
    assert answer.said


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"TRACE /live HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET http://x?a=/b HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET http://x/live HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"\r\n\r\n" + GET, 200),
        (GET.replace(b"Host: x", b"Host: x\r\nX: \xff"), 200),
        (request(Content_Type="application/json").replace(b"Length: 12\r\n", b"Length: 12 \r\n"), 200),
        (HEAD + CHUNKED + b"\r\n", 200),
        (HEAD + CHUNKED + b"Authorization: none\r\nContent-Encoding: gzip\r\n\r\n", 200),
        (HEAD + CHUNKED.replace(b"\r\nc\r\n", b"\r\nc;a=b\r\n") + b"\r\n", 200),
    ],
)
def test_unusual_requests_are_answered_and_the_connection_lives(served: Serving, sent: bytes, status: int) -> None:
    """Odd targets and methods; a chunked body's trailers mean nothing."""
    with served.wire() as wire:
        assert wire.send(sent).answer().status == status
        assert wire.send(GET).answer().status == 200


def test_an_upgrade_is_answered_as_if_nobody_had_asked(served: Serving) -> None:
    """And what follows is not read: it might be another protocol."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with served.wire() as wire:
        answer = wire.send(GET[:-2] + upgrade + GET).answer()

        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert wire.ended()
    assert served.tell(b"GET /chat HTTP/1.1\r\nHost: x\r\n" + upgrade).status == 404


@pytest.mark.parametrize("framing", [b"Content-Length: 12\r\n\r\n" + BODY, CHUNKED + b"\r\n"])
def test_a_body_behind_a_wish_for_another_protocol_is_read(served: Serving, framing: bytes) -> None:
    """As Java's own client sends each request in plain HTTP, until somebody switches. Wherever it is cut; what follows
    is a request."""
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQ\r\n"
    sent = HEAD + wish + framing + GET
    with served.wire() as wire:
        for cut in range(1, len(sent), 7):
            assert wire.send(sent[:cut]).send(sent[cut:]).answer().status == 200
            assert wire.answer().body == b'{"status":"live"}\n'

    assert len(served.log.messages) == len(range(1, len(sent), 7))
    with served.wire() as wire:
        wire.send(sent[: -len(GET)] + GET.replace(b"Host: x\r\n", b"Host: x\r\n" * 101))
        assert [wire.answer().status, wire.answer().status] == [200, 431]


def test_expect_100_is_told_to_go_on_only_if_the_body_is_wanted(served: Serving) -> None:
    """A 413 or 401 comes in its place."""
    with served.wire() as wire:
        expecting = HEAD + b"Expect: 100-continue\r\nContent-Length: "
        assert wire.send(expecting + b"12\r\n\r\n").answer().status == 100
        assert wire.send(BODY).answer().status == 200
    assert served.tell(expecting + b"10000000\r\n\r\n").status == 413
    assert served.tell(expecting.replace(b"Basic", b"Other") + b"12\r\n\r\n").status == 401


def test_a_head_over_the_limit_is_a_431_before_it_ends(served: Serving) -> None:
    """In bytes and in number, at once or dripping, in the head or in trailers."""
    filler = b"X: " + b"x" * limits.HEAD
    for sent in (
        HEAD + filler,
        HEAD + filler + b"\r\n\r\n",
        b"GET /" + b"x" * limits.HEAD,
        HEAD + b"X: y\r\n" * limits.HEADERS + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nc;" + b"x" * limits.HEAD,
        GET * 3 + HEAD + filler + b"\r\n\r\n",
    ):
        with served.wire() as wire:
            answer = wire.send(sent).answer()
            while answer.status == 200:
                answer = wire.answer()
            assert (answer.status, answer.headers["connection"]) == (431, "close")
            assert "32768 bytes and 100 headers" in answer.said
            assert wire.ended()
    assert served.log.messages == []


def test_trailers_have_the_same_limit(served: Serving) -> None:
    """What follows a chunked body never ends a connection's welcome later than that."""
    with served.wire() as wire:
        wire.send(HEAD + CHUNKED)
        until(lambda: served.connections.coming.held > 0)  # counted is what comes behind the read that held the body
        answer = wire.send(b"X: " + b"x" * limits.HEAD).answer()

        assert (answer.status, answer.headers["connection"]) == (431, "close")
    assert served.log.messages == []


def test_a_head_up_to_the_limit_is_read(served: Serving) -> None:
    """However it is cut, with a body behind it that is larger."""
    body = b'{"name":"' + b"x" * 90 + b'","data":{"a":"' + b"x" * 50_000 + b'"}}'
    sent = request("POST", EVENTS, body, X="x" * (limits.HEAD - 300))
    with served.wire() as wire:
        assert wire.send(sent).answer().status == 200
        for at in range(0, len(sent), 10_001):
            wire.send(sent[at : at + 10_001])
        assert wire.answer().status == 200


def test_pipelined_requests_are_answered_in_order(served: Serving) -> None:
    """However many come at once, and the refusal of the last comes last."""
    puts = [
        request("PUT", f"/api/v1/customers/{number}", b'{"a":"\r\n\r\n"}'.replace(b"\r\n", b" "))
        for number in range(500)
    ]
    with served.wire() as wire:
        wire.send(b"".join(puts) + b"nonsense\r\n\r\n")

        assert [wire.answer().status for _ in puts] == [200] * len(puts)
        assert wire.answer().status == 400
        assert wire.ended()
    assert served.subjects() == [f"id:{number}" for number in range(500)]


class SlowLog(FakeLog):
    """Takes its time."""

    async def append(self, messages: Sequence[Message | Written]) -> None:
        await asyncio.sleep(0.3)
        await super().append(messages)


def test_a_half_that_the_client_closed_is_still_answered() -> None:
    """It sent all it had to say, and reads."""
    with serving(log=SlowLog()) as served, served.wire() as wire:
        wire.send(request() * 2)
        wire.connection.shutdown(1)

        assert [wire.answer().status, wire.answer().status] == [200, 200]
        assert wire.ended()


def test_a_refusal_waits_for_the_answers_before_it() -> None:
    """Else the client takes it for the answer to an earlier request."""
    with serving(log=SlowLog()) as served, served.wire() as wire:
        wire.send(request() + request() + HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")

        assert [wire.answer().status for _ in range(3)] == [200, 200, 400]
        assert wire.ended()
    assert len(served.log.messages) == 2


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("sent", [b"G", HEAD, HEAD + b"Content-Length: 12\r\n\r\n", HEAD + CHUNKED + b"X"])
def test_what_does_not_arrive_in_time_is_a_408(sent: bytes) -> None:
    """A head, a body, its trailers; and it is no message."""
    with serving() as served:
        answer = served.tell(sent)

        assert (answer.status, answer.said) == (408, "the request did not arrive in time")
        assert served.log.messages == []
        until_free(served.edge)


@pytest.mark.usefixtures("hurried")
def test_a_slow_request_behind_others_gets_its_408_behind_their_answers() -> None:
    """And an answer that came before the body needs no second."""
    with serving(log=SlowLog()) as served:
        with served.wire() as wire:
            wire.send(request() + HEAD + b"Content-Length: 12\r\n\r\n")
            assert [wire.answer().status, wire.answer().status] == [200, 408]
        with served.wire() as wire:
            assert wire.send(HEAD.replace(b"Basic", b"Other") + b"Content-Length: 12\r\n\r\n").answer().status == 401
            assert wire.ended()


@pytest.mark.usefixtures("hurried")
def test_a_connection_without_a_request_ends_after_a_while() -> None:
    """Before the first request, and after one; empty lines are none."""
    with serving() as served, served.wire() as wire, served.wire() as used, served.wire() as lines:
        assert used.send(GET).answer().status == 200
        lines.send(b"\r\n")
        assert (wire.ended(), used.ended(), lines.ended()) == (True, True, True)


@pytest.mark.usefixtures("hurried")
def test_a_client_that_reads_nothing_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    """Once its answers fill the buffers; nobody else notices, and it is no mistake of ours."""
    with serving() as served, served.wire() as wire:
        wire.fill(GET * 1000)
        assert served.tell(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")).status == 200
        until(lambda: not served.connections.open)
    assert [record.getMessage() for record in caplog.records] == []


def test_bodies_that_come_at_once_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """All connections are read before any request goes on: what a crowd sent at once was held, whatever it was."""
    monkeypatch.setattr(limits, "BODIES_AT_ONCE", 50_000)
    body = b'{"name":"x","data":{"x":"%b"}}' % (b"x" * 90_000)
    with serving() as served, served.wire() as wire:
        head, _, rest = request("POST", EVENTS, body, Accept_Encoding="gzip").partition(b"\r\n\r\n")
        wire.send(head + b"\r\n\r\n")
        for end in range(30_000, len(rest), 30_000):
            wire.send(rest[end - 30_000 : end])
            until(lambda end=end: served.connections.coming.held >= end)  # type: ignore[misc]  # it was read, by itself
        assert wire.send(rest[end:]).answer().status == 200
        assert served.tell(request("POST", EVENTS, body)).said == "too much is in flight; please retry"


@pytest.mark.parametrize(("framing", "chunk"), [(b"Content-Length: 60000", b"%b"), (TRANSFER, b"2710\r\n%b\r\n")])
def test_who_sends_slowly_goes_when_too_much_is_coming(framing: bytes, chunk: bytes) -> None:
    """The slowest get a 503 and are held no more, whether they go the hot way or not; all others have their answers."""
    piece, end = chunk % (b" " * 10_000), b"0\r\n\r\n" if framing == TRANSFER else b""
    with serving() as served, contextlib.ExitStack() as wires:
        slow = [wires.enter_context(served.wire()) for _ in range(9)]
        for wire in slow:
            wire.send(HEAD + framing + b"\r\n\r\n" + piece)
        time.sleep(0.5)
        served.connections.coming.limit = served.connections.coming.held + 10_000
        fast = wires.enter_context(served.wire()).send(HEAD + framing + b"\r\n\r\n" + piece * 4)
        refused = [wire.answer() for wire in slow[:2]]
        assert [(answer.status, answer.headers["retry-after"]) for answer in refused] == [(503, "1")] * 2
        assert slow[0].ended()
        assert fast.send(piece * 2 + end).answer().status == 400  # a body of blanks is whole, and no event
        assert slow[-1].send(piece * 5 + end).answer().status == 400
        assert 0 < served.connections.coming.held <= served.connections.coming.limit
    until_held(served.connections, 0)


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 400000\r\n\r\n%b", TRANSFER + b"\r\n\r\n61A80\r\n%b\r\n0\r\n\r\n"]
)
def test_large_bodies_that_come_at_once_are_read_by_turns(monkeypatch: pytest.MonkeyPatch, framing: bytes) -> None:
    """None gets a 503, though together they are more than is held, and a small one passes."""
    monkeypatch.setattr("ingest.coming.TURN_TIME", 60.0)
    sent = HEAD + framing % (b" " * 400_000)
    with serving() as served, contextlib.ExitStack() as wires:
        coming = served.connections.coming
        coming.limit = 2_000_000
        large = [wires.enter_context(served.wire()) for _ in range(40)]
        for wire in large:
            wire.send(sent[:60_000])
        until(lambda: coming.held > coming.limit)
        with served.wire() as small:
            assert small.send(request()).answer().status == 200
        with ThreadPoolExecutor(len(large)) as pool:
            pool.map(lambda wire: wire.send(sent[60_000:]), large)
        assert {wire.answer().status for wire in large} == {400}  # a body of blanks is whole, and no event
    until_held(served.connections, 0)
    assert not coming._waiting
    assert not coming.turns


@pytest.mark.parametrize("whole", [False, True])
def test_who_takes_long_in_its_turn_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    """A client that sends no more gets a 503. One that waits for the log keeps its request and gives up its turn."""
    monkeypatch.setattr("ingest.coming.TURN_TIME", 60.0)
    head = HEAD + b"Content-Length: 400000\r\n\r\n"
    event = b'{"name":"x","data":{"a":1}}'.ljust(400_000)
    log = HeldLog()
    with serving(log=log) as served, contextlib.ExitStack() as wires:
        coming = served.connections.coming
        coming.limit = 2_000_000
        first = [wires.enter_context(served.wire()) for _ in range(6)]
        for wire in first:
            wire.send(head + event[:200_000])
        until(lambda: len(coming.turns) + len(coming._waiting) == len(first))
        last = wires.enter_context(served.wire())
        monkeypatch.setattr("ingest.coming.TURN_TIME", 3.0)
        if whole:
            log.held = True
            with ThreadPoolExecutor(len(first) + 1) as pool:
                pool.submit(last.send, head + event)
                pool.map(lambda wire: wire.send(event[200_000:]), first)
                until_held(served.connections, 0)
            log.held = False
            assert {wire.answer().status for wire in [*first, last]} == {200}
        else:
            assert last.send(head + event).answer().status == 200
            until(lambda: len(coming.turns) + len(coming._waiting) == 0)
            assert first[0].answer().status == 503
    until_held(served.connections, 0)


def test_a_body_that_is_refused_before_it_came_is_not_held() -> None:
    """Its client may send all of it and wait for the answer only then."""
    with serving() as served, served.wire() as wire:
        wire.send(HEAD.replace(b"Basic", b"Other") + b"Content-Length: 100000\r\n\r\n" + b"x" * 1000)
        assert wire.answer().status == 401
        wire.send(b"x" * 50_000)
        until_held(served.connections, 0)


@pytest.mark.parametrize(
    "sent", [b"", request(), GET, HEAD + b"Content-Length: 9\r\n\r\nx", HEAD + TRANSFER + b"\r\n\r\n"]
)
def test_a_connection_that_ended_leaves_nothing_for_the_garbage_collector(sent: bytes) -> None:
    """Thousands of them would take the memory of a busy edge until it runs."""
    with serving() as served:
        gc.collect()
        gc.disable()
        try:
            with served.wire() as wire:
                wire.send(sent)
                time.sleep(0.1)
                (connection,) = map(weakref.ref, list(served.connections._open))
            until = time.monotonic() + 5
            while connection() is not None:
                assert time.monotonic() < until, "it is still there"
                time.sleep(0.01)
        finally:
            gc.enable()


def test_connections_beyond_the_limit_are_told_so() -> None:
    """503 with `Retry-After`; there is room again when others leave."""
    with serving(limit=3) as served:
        with served.wire() as one, served.wire() as two, served.wire() as three:
            assert [wire.send(GET).answer().status for wire in (one, two, three)] == [200] * 3
            with served.wire() as wire:
                answer = wire.answer()
                assert (answer.status, answer.headers["retry-after"]) == (503, "1")
                assert answer.said == "too many connections; please retry"
                assert wire.ended()
        until(lambda: not served.connections.open)
        with served.wire() as wire:
            assert wire.send(GET).answer().status == 200


def test_plain_http_is_refused_where_https_is_a_must() -> None:
    """403 in JSON, never a redirect; probes may ask."""
    with serving(origins=Origins(https_only=True)) as served:
        answer = served.tell(request())
        assert (answer.status, answer.said[:9]) == (403, "use https")
        with served.wire() as wire:
            assert wire.send(GET).answer().status == 200
            assert wire.send(GET.replace(b"/live", b"/ready?x")).answer().status == 200
        assert served.log.messages == []


@pytest.mark.parametrize(
    ("bound_to", "settings", "refused"),
    [
        ("127.0.0.1", Settings(), False),
        ("::1", Settings(), False),
        ("0.0.0.0", Settings(), True),
        ("::", Settings(), True),
        ("192.0.2.1", Settings(trusted_proxies="10.0.0.0/8"), True),
        ("192.0.2.1", Settings(allow_http=True), False),
    ],
)
def test_https_is_a_must_beyond_loopback(bound_to: str, settings: Settings, refused: bool) -> None:
    """Unless the operator says otherwise; the advice names the settings that help."""
    assert refused == refuses_plain_http(settings, bound_to)
    assert "403" in advice(settings)


def test_a_trusted_proxy_is_believed() -> None:
    """Scheme and address; HSTS only over TLS."""
    origins = Origins([ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8")], https_only=True)
    told = {"X_Forwarded_Proto": "https", "X_Forwarded_For": "6.6.6.6, 203.0.113.7, 10.1.2.3"}
    with serving(origins=origins) as served, served.wire() as wire:
        answer = wire.send(request(**told)).answer()
        assert answer.status == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert served.log.messages[0].context.ip == "203.0.113.7"
        assert "strict-transport-security" not in wire.send(GET).answer().headers
        assert wire.send(request(**told | {"X_Forwarded_Proto": "https, http"})).answer().status == 403


def test_anybody_else_is_not_believed(served: Serving) -> None:
    """The headers are as good as not sent."""
    with served.wire() as wire:
        answer = wire.send(request(X_Forwarded_Proto="https", X_Forwarded_For="6.6.6.6")).answer()

    assert "strict-transport-security" not in answer.headers
    assert served.log.messages[0].context.ip == "127.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("", "127.0.0.1"),
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.1, 10.0.0.2", "10.0.0.1"),
        ("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("unknown", "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_no_proxy_of_ours_has(forwarded: str, client: str) -> None:
    """What stands left of it is hearsay."""
    origins = Origins([ip_network("127.0.0.1"), ip_network("10.0.0.0/8")])

    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert client == origins.told("127.0.0.1", "http", headers).address
