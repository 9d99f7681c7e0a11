"""Requests to a running edge over a few kept-alive connections."""

import asyncio
import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.running import KEY, SITE


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: bytes = b""

    def encoded(self, site: str) -> bytes:
        credentials = base64.b64encode(f"{site}:{KEY}".encode()).decode()
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


async def answer(reader: asyncio.StreamReader) -> int:
    """The status of the next answer. Raises `IncompleteReadError` when the connection ends before it."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(head[9:12])


async def send(port: int, requests: Iterable[Request], connections: int = 8, site: str = SITE) -> list[Request]:
    """Send them all, each connection one at a time, a customer's always over the same one so that they keep their
    order; return those answered 200. A connection that breaks ends its share: what it had under way is not returned."""
    shares: list[list[Request]] = [[] for _ in range(connections)]
    for request in requests:
        shares[hash(request.path.split("/")[4]) % connections].append(request)
    taken = await asyncio.gather(*(_one_connection(port, iter(share), site) for share in shares))
    return [request for share in taken for request in share]


async def _one_connection(port: int, requests: Iterator[Request], site: str) -> list[Request]:
    taken: list[Request] = []
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return taken
    try:
        for request in requests:
            writer.write(request.encoded(site))
            if await answer(reader) == 200:
                taken.append(request)
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
    return taken
