"""HTTP/1.1 on the open internet: uvicorn's protocol, with every wait and every size bounded and every refusal JSON.

A subclass of uvicorn's `HttpToolsProtocol`, so it is bound to uvicorn's minor version, and a test says what broke.
A refusal here ends the connection: whatever follows could be read in two ways. Answers keep the order of requests.
"""

import asyncio
import re
from enum import Enum
from typing import Any, cast

import httptools
from uvicorn._types import ASGI3Application, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ingest import limits
from ingest.answers import Rendered
from ingest.connections import Connections
from ingest.errors import ApiError, Failed, Malformed, Overloaded, TooSlow
from ingest.heads import check_head, check_no_upgrade_of_a_body, check_size, target, too_large
from ingest.origins import Origin, Scheme
from ingest.refusals import request_id

HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
END_OF_HEAD = b"\r\n\r\n"
CROWD = 500  # connections beyond the limit that are told so; the rest is cut off without a word


class Stage(Enum):
    """What the connection waits for. `NOTHING`: it reads no more; `GONE`: it was closed and has to send the rest."""

    REQUEST, HEAD, BODY, NOTHING, GONE = range(5)


REQUEST, HEAD, BODY, NOTHING, GONE = Stage


class EdgeProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, shared: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shared = shared
        self._stage = REQUEST
        self._since = 0.0  # when the stage began
        self._stuck = 0.0  # when the client stopped reading
        self._fed = 0  # bytes given to the parser at once
        self._unpaid = 0  # bytes since the last request's end or the last byte of a body: of a head, of chunks' frames
        self._held = bytearray()  # came behind too many requests
        self._running: RequestResponseCycle | None = None
        self._last_words = b""
        self._ended = False  # the client sends no more
        self._proxied = False
        self._origin: Origin | None = None  # of the request, as a proxy told it
        self.url = b""

    # What the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        shared = self._shared
        shared.watch(self.connections)
        self._since = shared.now
        self._proxied = self.client is not None and shared.origins.trusts(self.client[0])
        excess = len(self.connections) - shared.limit
        if excess > CROWD:
            transport.abort()
        elif excess > 0:
            self._refuse(Overloaded("too many connections; please retry"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._stage = GONE
        self._held.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._stage is NOTHING:
            return
        if self._held or data.count(END_OF_HEAD) > limits.PIPELINED:
            self._held += data
            self._feed_held()
        else:
            self._feed(data)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """A client may end its half behind its last request and still read the answer; TLS knows no such halves."""
        self._ended = self.scheme == "http" and self._stage is REQUEST and self._answering()
        return self._ended

    def pause_writing(self) -> None:
        self._stuck = self._shared.now
        super().pause_writing()

    # What the server and the sweep call

    def shutdown(self) -> None:
        """The process ends: no more requests on this connection than were sent by now."""
        self._shared.drain()
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def sweep(self, now: float, idle_for: float) -> None:
        """End what takes too long."""
        age = now - self._since
        if self.transport.is_closing():
            if self._stage is not GONE:
                self._stage, self._since = GONE, now
            elif age >= limits.LINGER:
                self.transport.abort()
        elif self.flow.write_paused and now - self._stuck >= self._patience(limits.UNREAD):
            self.transport.abort()
        elif self._stage in (HEAD, BODY):
            self._sweep_half_sent(now, age)
        elif not self._answering() and age >= (limits.LINGER if self._stage is NOTHING else idle_for):
            self.transport.close()

    def _sweep_half_sent(self, now: float, age: float) -> None:
        if self.flow.read_paused:  # it waits for us
            self._since = now
        elif age >= self._patience(limits.HEAD_TIME if self._stage is HEAD else limits.BODY_TIME):
            leaving = Overloaded("shutting down; please retry")
            self._refuse(leaving if self._shared.draining else TooSlow("the request did not arrive in time"))

    def _patience(self, usual: float) -> float:
        return limits.HALF_SENT if self._shared.draining else usual

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._stage, self._since = HEAD, self._shared.now

    def on_headers_complete(self) -> None:
        """Raises an `ApiError`, which the parser hands on to `_feed`."""
        self._check_head()
        self._begin()

    def _check_head(self) -> None:
        if self._fed > limits.HEAD or self._unpaid > limits.HEAD:
            check_size(self.url, self.headers)
        check_head(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)
        if self.parser.should_upgrade():
            check_no_upgrade_of_a_body(self.headers)
        if self._proxied or self._shared.origins.https_only:
            self._check_origin()

    def _begin(self) -> None:
        """The application gets it, now or behind those that wait."""
        if self._origin is not None:
            self.scope["client"], self.scope["scheme"] = (self._origin.address, 0), self._origin.scheme
        if not self.url.startswith(b"/"):
            self.url = target(self.url)
        super().on_headers_complete()
        self.headers = []  # a chunked body's trailers: nobody shall take them for headers
        self._stage, self._since = BODY, self._shared.now
        # A client that waits for "100 Continue" and is refused may send the body or not: one could not tell which.
        if self.expect_100_continue or self.parser.should_upgrade() or self._shared.draining:
            self.cycle.keep_alive = False
        if self.scope["scheme"] == "https":
            self.cycle.default_headers = [*self.server_state.default_headers, HSTS]

    def on_body(self, body: bytes) -> None:
        self._unpaid = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._unpaid = 0
        self._stage, self._since = REQUEST, self._shared.now

    def _check_origin(self) -> None:
        scheme: Scheme = self.scheme or "http"
        if self._proxied and self.client is not None:
            self._origin = self._shared.origins.told(self.client[0], scheme, self.headers)
            scheme = self._origin.scheme
        self._shared.origins.check(scheme, self.url)

    # Feeding

    def _feed(self, data: bytes) -> None:
        self._fed = len(data)
        self._unpaid += self._fed
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._stage = NOTHING  # the request is answered as any other, and was the last
        except httptools.HttpParserError as error:
            refusal = error.__context__
            self._refuse(refusal if isinstance(refusal, ApiError) else Malformed("this is not HTTP/1.1"))
        else:
            if self._unpaid > limits.HEAD:
                self._refuse(too_large())

    def _feed_held(self) -> None:
        """Give the parser what was held, a head at a time, until enough requests wait."""
        while self._held and self._stage is not NOTHING and len(self.pipeline) < limits.PIPELINED:
            cut = self._held.find(END_OF_HEAD) + len(END_OF_HEAD)
            piece = bytes(self._held[:cut]) if cut >= len(END_OF_HEAD) else bytes(self._held)
            del self._held[: len(piece)]
            self._feed(piece)
        if self._held:
            self.flow.pause_reading()

    # Answering

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        cycle.send_500_response = self._fail  # type: ignore[method-assign]  # uvicorn's is plain text
        super()._start_asgi_task(cycle, app)

    async def _fail(self) -> None:
        assert self._running is not None  # noqa: S101  its application has just ended
        status, headers, body = self._refused(Failed())
        start = {"type": "http.response.start", "status": status, "headers": headers}
        for message in (start, {"type": "http.response.body", "body": body}):
            await self._running.send(cast(ASGISendEvent, message))

    def on_response_complete(self) -> None:
        """Like uvicorn's, but for the timer it would set for every answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self._stage is REQUEST:
            self._since = self._shared.now
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._last_words:
            self._say(self._last_words)
            return
        if self._held:
            self._feed_held()
        if self.flow.read_paused and not self._held and self._stage is not NOTHING:
            self.flow.resume_reading()
        if self._ended and not self._answering():
            self.transport.close()

    def _answering(self) -> bool:
        running = self._running
        return running is not None and not (running.response_complete or running.disconnected)

    def _refuse(self, error: ApiError) -> None:
        """The connection's last words, behind the answers to what was asked before."""
        half_sent = self._stage is BODY
        self._stage, self._since = NOTHING, self._shared.now
        self._held.clear()
        if half_sent and not self._forget_half_sent():
            self.transport.close()  # it has its answer
            return
        words = self._words(error)
        if self._answering():
            self.flow.pause_reading()
            self._last_words = words
        else:
            self._say(words)

    def _forget_half_sent(self) -> bool:
        """False if it was answered, or is being answered."""
        if self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        elif self.cycle.response_started:
            return False
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        return True

    def _words(self, error: ApiError) -> bytes:
        return self._written(self._refused(error), hsts=self.scheme == "https", last=True)

    def _written(self, answer: Rendered, *, hsts: bool, last: bool) -> bytes:
        """As uvicorn writes it. last: the connection ends with it."""
        status, headers, body = answer
        lines = [*self.server_state.default_headers, *([HSTS] if hsts else []), *headers]
        if last:
            lines.append((b"connection", b"close"))
        return b"".join([STATUS_LINE[status], *(b"%b: %b\r\n" % line for line in lines), b"\r\n", body])

    def _refused(self, error: ApiError) -> Rendered:
        path = re.sub(r"^https?://[^/]*", "", self.url.decode("latin-1"))
        return self._shared.refusals.refuse(error, path, request_id(), client=self.client[0] if self.client else "")

    def _say(self, words: bytes) -> None:
        """What still comes is read and forgotten for a while: to close on it would take our words from the client."""
        self._last_words = b""
        self._since = self._shared.now
        self.transport.write(words)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
