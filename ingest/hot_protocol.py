"""One connection whose usual requests go the hot way, see `ingest.hot`. It knows uvicorn's insides, as its parent does.

Clients send the same head over and over, or all but its first line. One that the parser took is known by its bytes
from then on: they mean the same again, so a request that comes whole behind a known head is not parsed a second time.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ingest import limits
from ingest.answers import ACCEPTED, Rendered, written
from ingest.connections import Connections
from ingest.heads import END_OF_HEAD
from ingest.hot import COLD, LARGEST, SMALL, Head, HotWay, Known, Turn
from ingest.hot_cycle import HotCycle
from ingest.protocol import EdgeProtocol
from ingest.stages import BODY, HEAD, REQUEST


class HotProtocol(EdgeProtocol):
    """One connection, whose usual requests go the hot way."""

    def __init__(self, way: HotWay, shared: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(shared, *args, **kwargs)
        self._way = way
        self._hot = HotCycle(way, self)
        self._cycle = cast(RequestResponseCycle, self._hot)
        self.cycle = self._cycle
        self._tried = False  # what is being parsed has to go the other way
        self._asked = b""  # method and path of what was taken while it was parsed
        self._address = ""
        self._came = b""  # in this turn of the loop, and waits for the end of it
        self._accepted: tuple[object, bytes] = None, b""  # the usual answer, and the server's headers that are in it

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""

    def data_received(self, data: bytes) -> None:
        if self._came:
            self._go_on()
        if (
            self._proxied
            or self._held
            or self._stage is not REQUEST
            or not self.cycle.response_complete
            or (len(data) > SMALL and not self._way.may_wait(len(data)))
        ):
            super().data_received(data)
        else:
            self._came = data
            self._way.soon(self)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        self._go_on()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._go_on()
        super().connection_lost(exc)
        self._hot.part()

    def shutdown(self) -> None:
        self._go_on()
        super().shutdown()

    def sweep(self, now: float, idle_for: float) -> None:
        self._go_on()
        super().sweep(now, idle_for)

    def go_on(self, turn: Turn) -> None:
        """With what came."""
        data, self._came = self._came, b""
        if not data:
            return
        text, _, body = data.partition(END_OF_HEAD)
        known = self._way.known(text)
        if known is not None and len(body) == known[0].size and self._is_free():
            if self._takes(known, body, turn):
                self._unpaid = 0
                return
            self._tried = True
        self._asked = b""
        super().data_received(data)
        self._tried = False
        # The parser took it, and it came whole and alone in this piece.
        if self._asked and len(body) == self._hot.head.size:
            self._way.learn(text, self._asked, self._hot.head)

    def on_message_begin(self) -> None:
        """Like uvicorn's, but for the scope: it is made for those that need one."""
        self.url, self.headers, self.expect_100_continue, self._origin = b"", [], False, None
        self._stage, self._since = HEAD, self._shared.now

    def on_headers_complete(self) -> None:
        if self._is_readable() and not self._enters():
            self._begin()

    def on_body(self, body: bytes) -> None:
        self._unpaid = 0
        if self.cycle is not self._cycle:
            super().on_body(body)
        elif not self._hot.take(body, last=False):
            self._leave()

    def on_message_complete(self) -> None:
        if self.cycle is self._cycle and self._stage is not HEAD:
            if self._hot.take(last=True):
                self._unpaid = 0
                self._stage, self._since = REQUEST, self._shared.now
                return
            self._leave()
        super().on_message_complete()

    def answer(self, cycle: HotCycle, words: Rendered) -> None:
        """Of a request that went the hot way."""
        headers = self.server_state.default_headers
        hsts = (self._origin.scheme if self._origin else self.scheme) == "https"
        if words is ACCEPTED and cycle.keep_alive and not hsts:
            known, text = self._accepted
            if known is not headers:
                text = written(words, headers, hsts=False, last=False)
                self._accepted = headers, text
        else:
            text = written(words, headers, hsts=hsts, last=not cycle.keep_alive)
        self.transport.write(text)
        cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _go_on(self) -> None:
        """Before anything else happens to the connection."""
        if self._came:
            self.go_on(self._way.turn())

    def _size(self) -> int:
        return len(self._hot.body) + limits.HOT_REQUEST if self.cycle is self._cycle else super()._size()

    def _takes(self, known: Known, body: bytes, turn: Turn) -> bool:
        """Whether a whole request behind a known head went to the log."""
        head, target, self.url = known
        self.cycle = self._running = self._cycle
        if self._hot.take_whole(target, head, self._address, body, turn):
            return True
        self._hot.leave()
        return False

    def _enters(self) -> bool:
        """Whether what has this head goes the hot way, as far as one can tell by it."""
        usual = not (self.expect_100_continue or self.parser.should_upgrade()) and self.parser.should_keep_alive()
        if not usual or not self._is_free() or self.parser.get_http_version() != "1.1":
            return False
        asked = b"%b %b" % (self.parser.get_method(), self.url)
        target, headers = self._way.find(asked), dict(self.headers)
        size = int(headers.get(b"content-length", b"0"))
        if (
            target is None
            or not 0 < size <= min(LARGEST, target[0].endpoint.limit)
            or any(map(headers.__contains__, COLD))
        ):
            return False
        address = self._origin.address if self._origin else self._address
        if not self._hot.begin(target, Head(headers, size), address):
            return False
        self.cycle = self._running = self._cycle
        self._asked = asked
        self._stage, self._since = BODY, self._shared.now
        return True

    def _is_free(self) -> bool:
        return self.cycle.response_complete and not (self._tried or self.flow.write_paused or self._shared.draining)

    def _leave(self) -> None:
        body = self._hot.leave()
        self._begin()
        self._asked = b""
        if body:
            super().on_body(body)

    def _begin(self) -> None:
        url, headers, expected = self.url, self.headers, self.expect_100_continue
        HttpToolsProtocol.on_message_begin(self)
        self.url, self.expect_100_continue = url, expected
        self.scope["headers"] = self.headers = headers
        super()._begin()
