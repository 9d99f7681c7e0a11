"""`python -m tests.flood PORT IDLE LORIS BAD`: all that an edge on the open internet meets beside its clients.

A process of its own, paced, until it is killed. IDLE connections say nothing, LORIS send a head byte by byte, and BAD
requests a second are nonsense of several kinds. It writes `ready` once the idle ones are connected.
"""

import asyncio
import contextlib
import itertools
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

from tests.serving import AUTHORIZATION, EVENTS

HEAD = f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTHORIZATION}\r\n".encode()
NONSENSE = (
    b"hello\r\n\r\n",
    os.urandom(1000),
    b"GET /" + b"x" * 40_000,
    HEAD + b"X: y\r\n" * 1000 + b"\r\n",
    HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    HEAD + b"Content-Length: 3\r\n\r\n{\xff}",
    HEAD + b"Content-Length: 100000000\r\n\r\n" + b"x" * 1000,
    HEAD.replace(b"Basic ", b"Basic x") + b"Content-Length: 2\r\n\r\n{}",
    HEAD + b"Content-Length: 20000\r\n\r\n" + b"[" * 20_000,
    b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 20,
)
PAUSE = 0.5  # s between two bytes of a slow head
TOGETHER = 100  # connections that are opened at once


class Flood(NamedTuple):
    idle: int
    loris: int
    bad: int


@contextlib.contextmanager
def flooded(port: int, flood: Flood) -> Iterator[None]:
    """The flood while entered."""
    command = [sys.executable, "-m", "tests.flood", str(port), *map(str, flood)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield
            assert process.poll() is None, "the flood dried up"
        finally:
            process.kill()


async def main(port: int, flood: Flood) -> None:
    os.nice(19)  # it stands for other machines: it shall cost the edge its requests, and not its core
    kept = []
    for _ in range(0, flood.idle, TOGETHER):
        kept += await asyncio.gather(*(_connect(port) for _ in range(TOGETHER)))
    drips = [asyncio.create_task(_drip(port)) for _ in range(flood.loris)]
    print("ready", flush=True)
    bad: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, sent in enumerate(itertools.cycle(NONSENSE), 1):
        task = asyncio.create_task(_tell(port, sent))
        bad.add(task)
        task.add_done_callback(bad.discard)
        await asyncio.sleep(max(0, began + number / flood.bad - loop.time()))
    await asyncio.gather(*drips, *bad)


async def _connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, limit=4096)


async def _drip(port: int) -> None:
    """A head that never ends, for as long as it is let; then the next."""
    await asyncio.sleep(random.random() * PAUSE)  # all at once would be another attack
    while True:
        with contextlib.suppress(OSError):
            _, writer = await _connect(port)
            for byte in itertools.chain(HEAD, itertools.repeat(ord("x"))):
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(PAUSE)


async def _tell(port: int, sent: bytes) -> None:
    with contextlib.suppress(OSError):
        reader, writer = await _connect(port)
        writer.write(sent)
        await reader.read(4096)
        writer.close()
        await writer.wait_closed()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Flood(*map(int, sys.argv[2:]))))
