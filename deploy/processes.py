"""`penstock edge --processes N`: as many edges on one port. The kernel hands each connection to one of them.

Each is the very process that `penstock edge` is, with bounds, metrics and a spool of its own. One that dies is started
again, and that is logged; SIGTERM ends all of them, each in its own order.
"""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.children import start_child
from deploy.supervisor import Part, PartFailed
from ingest.keys.first import make_first
from ingest.log.shares import check_shares, make_folder, share
from schemas.settings import Settings

GRACE = 10.0  # s beyond the append timeout that an edge may take to end: it gives up by itself before


def run(settings: Settings, environ: Mapping[str, str], count: int) -> None:
    """Until SIGTERM or SIGINT. Raises `BadSettings`, and `PartFailed` if an edge cannot be kept running.

    environ: what the edges inherit.
    """
    make_first(settings, time.time())  # before they start, each of which would make one
    if settings.spool:
        check_shares(Path(settings.spool), count)
        make_folder(Path(settings.spool))
    with _held(settings.host, settings.port) as port:
        parts = [_part(settings, environ, port, number) for number in range(1, count + 1)]
        asyncio.run(_run(parts))


@contextlib.contextmanager
def _held(host: str, port: int) -> Iterator[int]:
    """The port, which then is ours: bound, but not listened on, so that no connection comes here."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise PartFailed(f"The edge cannot listen on PENSTOCK_HOST={host}: {error.strerror}.") from None
    with socket.socket(family, kind, protocol) as alone, socket.socket(family, kind, protocol) as held:
        try:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(address)  # whoever shares it among processes of their own shares it with nobody else
            address = alone.getsockname()
            alone.close()
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind(address)
        except OSError as error:
            raise PartFailed(f"The edge cannot listen on {host}, port {port}: {error.strerror}.") from None
        yield address[1]


def _part(settings: Settings, environ: Mapping[str, str], port: int, number: int) -> Part:
    own = {"PENSTOCK_PORT": str(port)}
    if settings.metrics_port:
        own["PENSTOCK_METRICS_PORT"] = str(settings.metrics_port + number - 1)
    if settings.spool:
        own["PENSTOCK_SPOOL"] = str(share(Path(settings.spool), number))
    command = [sys.executable, "-m", "deploy.cli", "edge", "--owned", "--number", str(number)]

    def start() -> subprocess.Popen[bytes]:
        return start_child(command, environ={**environ, **own})

    return Part(f"edge {number}", start, settings.append_timeout + GRACE)


async def _run(parts: list[Part]) -> None:
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            _signal(parts, signal.SIGTERM)  # a second one ends each of them at once
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    loop.add_signal_handler(signal.SIGHUP, _signal, parts, signal.SIGHUP)  # a certificate was renewed
    keepers = [asyncio.create_task(part.keep()) for part in parts]
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({*keepers, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for keeper in keepers:
            if keeper.done():
                keeper.result()
    finally:
        stopped.cancel()
        await asyncio.gather(*(part.stop() for part in parts))
        await asyncio.gather(*keepers, return_exceptions=True)


def _signal(parts: list[Part], number: signal.Signals) -> None:
    for part in parts:
        if part.process is not None:
            part.process.send_signal(number)
