"""A port before a server's, on which connections go wrong as they do in the world."""

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import Enum, auto
from itertools import cycle
from typing import Self

INSERT = re.compile(rb"INSERT\W{1,3}(20)?INTO\W{1,3}(20)?`?messages")  # in the head of an HTTP request
TO_KAFKA = re.compile(rb"\A....\0[\0\1]", re.DOTALL)  # a request to produce or to fetch
CHUNK = 1 << 16


class Fault(Enum):
    """What becomes of a request; `data` is its first chunk."""

    RESET = auto()  # before anything of it arrives
    CUT_REQUEST = auto()  # all but its last bytes arrive, then the connection ends
    LOST_ANSWER = auto()  # it arrives and is answered; nobody hears the answer
    CUT_ANSWER = auto()  # the first bytes of the answer are heard
    STUCK_ANSWER = auto()  # it arrives; the answer's head is heard, then nothing, and the connection stays
    SAID = auto()  # it does not arrive; `said` is the answer
    HANG = auto()  # it arrives; of the answer nothing is ever heard, and the connection stays
    SLOW = auto()  # it arrives bit by bit


def http_error(status: str, text: str = "", code: int = 0) -> bytes:
    """The answer of a ClickHouse that has this to say, or of something before it that has no code to give."""
    name = f"X-ClickHouse-Exception-Code: {code}\r\n" if code else ""
    return (
        f"HTTP/1.1 {status}\r\n{name}Content-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
        f"Connection: close\r\n\r\n{text}"
    ).encode()


class Proxy:
    """Hands everything on, but for the requests that `faults` names: the first one it is asked of gets the first of
    them, and so on; None is none. After the last one all is well.

    wrong: what their first chunk looks like. said: the answers of `Fault.SAID`, in turn. done: those that happened.
    """

    def __init__(
        self,
        target: int,
        faults: Iterable[Fault | None] = (),
        *,
        wrong: re.Pattern[bytes] = INSERT,
        said: Sequence[bytes] = (b"",),
        port: int = 0,
    ) -> None:
        self.target, self.port = target, port
        self.faults = iter(faults)
        self._said = cycle(said)
        self.done: list[Fault] = []
        self._wrong = wrong
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.sleep(0.01)  # those who were let in last have begun then
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.sleep(0.01)  # for what the loop still has to do for a connection that ended

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(OSError):
                behind, beyond = await asyncio.open_connection("127.0.0.1", self.target)
                await _Pair(reader, writer, behind, beyond, self._fault, lambda: next(self._said)).run()
        finally:
            _reset(writer)
            self._open.discard(task)

    def _fault(self, data: bytes) -> Fault | None:
        if not self._wrong.search(data):
            return None
        fault = next(self.faults, None)
        if fault:
            self.done.append(fault)
        return fault


class _Pair:
    """One connection, and the one behind it."""

    def __init__(
        self,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        choose: Callable[[bytes], Fault | None],
        said: Callable[[], bytes],
    ) -> None:
        self._client, self._to_client = client, to_client
        self._server, self._to_server = server, to_server
        self._choose, self._said = choose, said
        self._fault: Fault | None = None

    async def run(self) -> None:
        """Until either side ends it, or a fault does."""
        ways = [asyncio.create_task(self._there()), asyncio.create_task(self._back())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            _reset(self._to_server)

    async def _there(self) -> None:
        while data := await self._client.read(CHUNK):
            self._fault = self._choose(data) or self._fault
            match self._fault:
                case Fault.RESET:
                    break
                case Fault.CUT_REQUEST:
                    await _write(self._to_server, data[:-10])
                    await asyncio.sleep(0.05)  # so that the server has read it before it hears of the end
                    break
                case Fault.SAID:
                    await self._say()
                    break
                case Fault.SLOW:
                    await self._trickle(data)
                case _:
                    await _write(self._to_server, data)

    async def _back(self) -> None:
        heard = b""
        while data := await self._server.read(CHUNK):
            if self._fault is Fault.LOST_ANSWER:
                return
            if self._fault is Fault.HANG:
                continue
            heard += data if self._fault is Fault.STUCK_ANSWER else b""
            if b"\r\n\r\n" in heard:
                await _write(self._to_client, data)
                await asyncio.Event().wait()
            if self._fault is Fault.CUT_ANSWER:
                await _write(self._to_client, data[:10])
                await asyncio.sleep(0.05)
                return
            await _write(self._to_client, data)
        if self._fault is Fault.HANG:
            await asyncio.Event().wait()

    async def _say(self) -> None:
        with suppress(TimeoutError):  # what it still wants to say is heard first, else it may not hear us
            async with asyncio.timeout(0.1):
                while await self._client.read(CHUNK):
                    pass
        await _write(self._to_client, self._said())
        await asyncio.sleep(0.1)

    async def _trickle(self, data: bytes) -> None:
        size = max(1, len(data) // 20)
        for first in range(0, len(data), size):
            await _write(self._to_server, data[first : first + size])
            await asyncio.sleep(0.05)
        self._fault = None


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """The other side hears a reset, not a goodbye."""
    with suppress(OSError):
        own: socket.socket = writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
