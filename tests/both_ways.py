"""The edge's protocol on a transport of memory: the same bytes, cut the same way, down the hot way or through the
application, and what came of it."""

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from uvicorn.server import ServerState

from ingest.app import create_app
from ingest.connections import Connections
from ingest.endpoints import ENDPOINTS
from ingest.hot import HotWay
from ingest.log import Done
from ingest.server import server_options
from schemas.messages import Message, Written
from schemas.settings import Settings
from tests.fakes import FakeClock, FakeLog

# What is made here and differs every time: ids, whose time is the clock's or today's. What a client sent is older.
_MADE = re.compile(rb"018bcf[ef][0-9a-f]-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")
_MADE_TODAY = re.compile(rb"01[9a-f][0-9a-f]{5}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")


class Pipe(asyncio.Transport):
    """What a socket does for a protocol."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("127.0.0.1", 8080)})
        self.written = bytearray()
        self.closing = False
        self.reading = True

    def write(self, data: Any) -> None:
        if not self.closing:
            self.written += data

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class CountingLog(FakeLog):
    """hot: how many writes were handed over by the hot way. late: why a write fails that was on its way already."""

    hot = 0
    late: Exception | None = None

    def append_then(self, messages: Sequence[Message | Written], done: Done) -> None:
        super().append_then(messages, done)
        self.hot += 1

    async def append(self, messages: Sequence[Message | Written]) -> None:
        await super().append(messages)
        if self.late is not None:
            raise self.late


class Became(NamedTuple):
    """What a connection was told, whether it ended, and the messages of it."""

    said: bytes
    ended: bool
    messages: list[bytes]


class Way:
    """An edge. hot: whether it has the hot way."""

    def __init__(self, folder: Path, *, hot: bool, **settings: Any) -> None:
        self.log, self.clock = CountingLog(), FakeClock()
        given = Settings(site_id="site", api_key="key", data=folder, **settings)
        app = create_app(given, self.log, self.clock, self.clock)
        self.edge = app.state.edge
        self._shared = Connections(self.edge.refusals)
        self._way = HotWay(self.edge, ENDPOINTS) if hot else None
        self._config = uvicorn.Config(app, **server_options(5.0, self._shared, self._way), lifespan="off")
        self._config.load()
        self._state = ServerState()

    async def tell(self, pieces: Sequence[tuple[bytes, int]], *, eof: bool = False) -> Became:
        """One connection: each piece, and the turns of the loop until the next. eof: the client says no more."""
        pipe, before = Pipe(), len(self.log.values)
        protocol: Any = self._config.http_protocol_class(  # type: ignore[call-arg]
            config=self._config, server_state=self._state, app_state={}, _loop=asyncio.get_running_loop()
        )
        protocol.connection_made(pipe)
        for piece, turns in pieces:
            await _until(lambda: pipe.reading or pipe.closing)
            if pipe.closing:
                break
            protocol.data_received(piece)
            for _ in range(turns):
                await asyncio.sleep(0)
        if eof and not protocol.eof_received():
            pipe.close()
        # Half a request waits for its rest until the client has left.
        await _until(lambda: not (self._state.tasks or protocol._answering()))
        ended = pipe.closing
        protocol.connection_lost(None)
        assert await _until(lambda: not self._state.tasks)
        return Became(_same(bytes(pipe.written)), ended, [_same(value) for value in self.log.values[before:]])

    def soon(self, connection: Any) -> None:
        assert self._way is not None
        self._way.soon(connection)

    def heads(self) -> Any:
        return self._way.heads if self._way else {}

    def counted(self) -> Any:
        """All that it counted, but for times; and for what comes behind a last answer: whether it is still read is a
        matter of turns of the loop."""
        metrics = self.edge.metrics
        del metrics.refusals["malformed"]
        tallies = {name: dict(tally.statuses) for name, tally in metrics.tallies.items()}
        appends = sum(metrics.appends.counts)
        return tallies, metrics.refusals, metrics.rejections, metrics.body_bytes, appends, self.edge.budget.used


async def _until(condition: Callable[[], bool], turns: int = 500) -> bool:
    await asyncio.sleep(0)
    for _ in range(turns):
        if condition():
            return True
        await asyncio.sleep(0)
    return False


def _same(text: bytes) -> bytes:
    return _MADE_TODAY.sub(b"(made)", _MADE.sub(b"(made)", text))
