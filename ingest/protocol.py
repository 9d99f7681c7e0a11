"""HTTP/1.1 on the open internet: uvicorn's protocol, with every wait and every size bounded and every refusal JSON.

A subclass of uvicorn's `HttpToolsProtocol`, so it is bound to uvicorn's minor version, and a test says what broke.
A refusal here ends the connection: whatever follows could be read in two ways. Answers keep the order of requests.
"""

import asyncio
from typing import Any, cast

import httptools
from uvicorn._types import ASGI3Application, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ingest import heads, limits
from ingest.answers import HSTS, Rendered, written
from ingest.connections import Connections
from ingest.errors import ApiError, Failed, Malformed, Overloaded, TooSlow
from ingest.origins import Origin
from ingest.refusals import request_id
from ingest.stages import BODY, GONE, HEAD, NOTHING, REQUEST, Stage

CROWD = 500  # connections beyond the limit that are told so; the rest is cut off without a word


class EdgeProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, shared: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shared = shared
        self._stage: Stage = REQUEST
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
        self._shared.coming.forget(self)
        if self._answering():  # uvicorn tells the last request that came, which may wait behind this one
            cast(RequestResponseCycle, self._running).disconnected = True
        super().connection_lost(exc)
        # Both hold it, and it holds them: thousands of these would wait for the garbage collector.
        self.parser = self.cycle = self._running = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._stage is NOTHING:
            return
        if self._held or data.count(heads.END_OF_HEAD) > limits.PIPELINED:
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

    def cut_short(self) -> None:
        """There is no room for the rest of its body."""
        self._refuse(Overloaded("too much is in flight; please retry"))

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._stage, self._since = HEAD, self._shared.now

    def on_headers_complete(self) -> None:
        """Raises an `ApiError`, which the parser hands on to `_feed`."""
        if self._is_readable():
            self._begin()

    def _is_readable(self) -> bool:
        """Whether the parser goes on behind that head. It stops where another protocol might begin, though a body
        comes first: see `_parse`."""
        if self._fed > limits.HEAD or self._unpaid > limits.HEAD:
            heads.check_size(self.url, self.headers)
        heads.check_head(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)
        if self._proxied or self._shared.origins.https_only:
            address = self.client[0] if self._proxied and self.client is not None else ""
            self._origin = self._shared.origins.checked(address, self.scheme or "http", self.headers, self.url)
        return not (self.parser.should_upgrade() and heads.announces_body(self.headers))

    def _begin(self) -> None:
        """The application gets it, now or behind those that wait."""
        if self._origin is not None:
            self.scope["client"], self.scope["scheme"] = (self._origin.address, 0), self._origin.scheme
        if not self.url.startswith(b"/"):
            self.url = heads.target(self.url)
        super().on_headers_complete()
        self.headers = []  # a chunked body's trailers: nobody shall take them for headers
        self._stage, self._since = BODY, self._shared.now
        # A client that waits for "100 Continue" and is refused may send the body or not: one could not tell which.
        if self.expect_100_continue or self.parser.should_upgrade() or self._shared.draining:
            self.cycle.keep_alive = False
        if self.scope["scheme"] == "https":
            self.cycle.default_headers = [*self.server_state.default_headers, HSTS]

    def on_body(self, body: bytes) -> None:
        """Raises an `ApiError`, as above. The application gets all of it at once: until then it is held here alone."""
        self._unpaid = 0
        cycle = self.cycle
        if not cycle.response_complete:
            self._shared.let_in(len(body))
            cycle.body += body
            if len(cycle.body) > limits.BODY:  # whoever reads it may refuse it
                self.flow.pause_reading()
                cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._stage is HEAD:  # its body is still to be read
            return
        super().on_message_complete()
        self._unpaid = 0
        self._stage, self._since = REQUEST, self._shared.now

    # Feeding

    def _feed(self, data: bytes) -> None:
        self._fed = len(data)
        self._unpaid += self._fed
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            refusal = error.__context__
            self._refuse(refusal if isinstance(refusal, ApiError) else Malformed("this is not HTTP/1.1"))
        else:
            if self._unpaid > limits.HEAD:
                self._refuse(heads.too_large())
        if self._stage is BODY and not self.cycle.response_complete:
            self._shared.coming.holds(self, self._size(), self._since, self._shared.now)
        else:
            self._shared.coming.whole(self)

    def _size(self) -> int:
        """Bytes that a request takes until it is whole."""
        return len(self.cycle.body) + limits.REQUEST

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                rest = data[upgrade.args[0] :]
            if self._stage is not HEAD:
                self._stage = NOTHING  # the request is answered as any other, and was the last
                return
            # Nobody switches without a 101, so what follows is its body. Java's client asks for HTTP/2 with each.
            method, version = self.parser.get_method(), self.parser.get_http_version()
            data = heads.without_upgrade(method, self.url, version, self.headers) + rest

    def _feed_held(self) -> None:
        """Give the parser what was held, a head at a time, until enough requests wait."""
        while self._held and self._stage is not NOTHING and len(self.pipeline) < limits.PIPELINED:
            self._feed(heads.first_head(self._held))
        if self._held:
            self.flow.pause_reading()

    # Answering

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        cycle.send_500_response = self._fail  # type: ignore[method-assign]  # uvicorn's is plain text
        super()._start_asgi_task(cycle, app)

    async def _fail(self) -> None:
        running = self._running
        if running is None:  # the client has left
            return
        status, headers, body = self._refused(Failed())
        start = {"type": "http.response.start", "status": status, "headers": headers}
        for message in (start, {"type": "http.response.body", "body": body}):
            await running.send(cast(ASGISendEvent, message))

    def on_response_complete(self) -> None:
        """Like uvicorn's, but for the timer it would set for every answer."""
        self.server_state.total_requests += 1
        if self._stage is BODY or self._shared.coming.turns:  # answered before it was whole, or in its turn
            self._shared.coming.forget(self)
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
        self._shared.coming.forget(self)
        self._stage, self._since = NOTHING, self._shared.now
        self._held.clear()
        if half_sent and not self._forget_half_sent():
            self.transport.close()  # it has its answer
            return
        words = written(self._refused(error), self.server_state.default_headers, hsts=self.scheme == "https", last=True)
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
        self.cycle.disconnected, self.cycle.body = True, bytearray()
        self.cycle.message_event.set()
        return True

    def _refused(self, error: ApiError) -> Rendered:
        client = self.client[0] if self.client else ""
        return self._shared.refusals.refuse(error, heads.path_of(self.url), request_id(), client=client)

    def _say(self, words: bytes) -> None:
        """What still comes is read and forgotten for a while: to close on it would take our words from the client."""
        self._last_words = b""
        self._since = self._shared.now
        self.transport.write(words)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
