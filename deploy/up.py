"""`penstock up`: everything on one machine, each part running the very code it runs when it is distributed.

No part outlives its `up`, a part that dies is started again, and a start just works whatever happened before.
"""

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

import msgspec
import structlog

from deploy import clickhouse
from deploy.children import start_child
from deploy.instance import Instance, locked, noted
from deploy.supervisor import Part, PartFailed
from deploy.welcome import welcome
from schemas.settings import Settings

EDGE_STOPS_WITHIN, WORKER_STOPS_WITHIN = 15.0, 30.0
PATIENCE = 10.0  # seconds before a person is told what the start is waiting for

T = TypeVar("T")
log = structlog.get_logger()


def run(settings: Settings, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Run every part until SIGTERM or SIGINT. Raises `FolderInUse` and `PartFailed`.

    `environ` is what the parts inherit, but for the settings that `up` decides for them.
    """
    began = time.monotonic()
    settings = msgspec.structs.replace(settings, data=settings.data.resolve())
    with locked(settings.data, say) as lock:
        settings = msgspec.structs.replace(settings, port=_edge_port(settings))
        asyncio.run(_Up(settings, environ, lock, say, began).run())


class _Up:
    """The parts of one run, and the order in which they come and go."""

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], lock: int, say: Callable[[str], None], began: float
    ) -> None:
        self.settings = settings
        self.environ = environ
        self.lock = lock
        self.say = say
        self.began = began
        self.parts: dict[str, Part] = {}
        self.keepers: list[asyncio.Task[None]] = []
        self.address: clickhouse.Address | None = None  # of the embedded ClickHouse, once it answered

    async def run(self) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        work = asyncio.create_task(self._work())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            work.cancel()
            stopped.cancel()
            await asyncio.gather(work, stopped, return_exceptions=True)
            await self._stop()

    async def _work(self) -> None:
        from ingest.keys.first import make_first, shown

        make_first(self.settings, time.time())  # before the edge starts, which would make it as well
        self._keep("edge", self._starter("edge", {}), EDGE_STOPS_WITHIN)
        writer, reader = await self._clickhouse()
        from workers.schedule import started

        await self._unless_a_part_fails(started(partial(_migrate, writer), name="migrate"))
        worker = self._keep("worker", self._starter("worker", {"PENSTOCK_CLICKHOUSE": writer}), WORKER_STOPS_WITHIN)
        await self._unless_a_part_fails(worker.started.wait())
        await self._unless_a_part_fails(self._edge_answers())
        instance = Instance(pid=os.getpid(), edge=_edge_url(self.settings), clickhouse_read=reader)
        with noted(self.settings.data, instance):
            took = time.monotonic() - self.began
            self.say(welcome(self.settings, instance, shown(self.settings, time.time()), took))
            await asyncio.gather(*self.keepers)

    async def _clickhouse(self) -> tuple[str, str]:
        """The writer's and the reader's address of a ClickHouse that is there."""
        if self.settings.clickhouse:
            return self.settings.clickhouse, self.settings.clickhouse_read
        part = self._keep("ClickHouse", self._start_clickhouse, clickhouse.STOP_WITHIN)
        await self._unless_a_part_fails(part.started.wait())
        if self.address is None:
            raise PartFailed("The embedded ClickHouse has no address.")
        return self.address.writer_url, self.address.reader_url

    def _start_clickhouse(self) -> subprocess.Popen[bytes]:
        # A restart keeps its port: the worker and people know it.
        port = self.address.port if self.address else None
        try:
            server = clickhouse.start(
                self.settings.data / "clickhouse",
                port=port,
                tcp_port=self.settings.clickhouse_tcp_port or None,
                inherit=(self.lock,),
            )
        except clickhouse.ClickHouseFailed as error:
            raise PartFailed(str(error)) from None
        self.address = server.address
        return server.process

    def _starter(self, command: str, decided: Mapping[str, str]) -> Callable[[], subprocess.Popen[bytes]]:
        ours = {"PENSTOCK_DATA": str(self.settings.data), "PENSTOCK_PORT": str(self.settings.port)}
        environ = {**self.environ, **ours, **decided}
        arguments = [sys.executable, "-m", "deploy.cli", command, "--owned"]
        return lambda: start_child(arguments, environ=environ, inherit=(self.lock,))

    def _keep(self, name: str, start: Callable[[], subprocess.Popen[bytes]], stop_within: float) -> Part:
        part = self.parts[name] = Part(name, start, stop_within)
        self.keepers.append(asyncio.create_task(part.keep()))
        return part

    async def _unless_a_part_fails(self, awaited: Awaitable[T]) -> T:
        waiting = asyncio.ensure_future(awaited)
        try:
            await asyncio.wait({waiting, *self.keepers}, return_when=asyncio.FIRST_COMPLETED)
            for keeper in self.keepers:
                if keeper.done():
                    keeper.result()
            return await waiting
        finally:
            waiting.cancel()

    async def _edge_answers(self) -> None:
        told = False
        while not await asyncio.to_thread(_is_ready, self.settings):
            if not told and time.monotonic() - self.began > PATIENCE:
                told = True
                log.warning("still waiting", part="edge", for_="200 from /ready, which needs the log")
            await asyncio.sleep(0.03)

    async def _stop(self) -> None:
        """What takes in first, what others need last."""
        for name in ("edge", "worker", "ClickHouse"):
            if name in self.parts:
                await self.parts[name].stop()
        await asyncio.gather(*self.keepers, return_exceptions=True)


def _migrate(url: str) -> None:
    from workers.clickhouse import Away, Failed
    from workers.migrate import migrate

    try:
        migrate(url)
    except (Away, Failed) as error:
        raise PartFailed(f"The tables cannot be made in ClickHouse: {error}") from None


def _edge_port(settings: Settings) -> int:
    """The port for the edge. A taken one is said here: inside the edge it would look like a crash."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise PartFailed(f"The edge cannot listen on PENSTOCK_HOST={settings.host}: {error.strerror}.") from None
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            where = f"PENSTOCK_HOST={settings.host} PENSTOCK_PORT={settings.port}"
            raise PartFailed(f"The edge cannot listen there, choose another: {where}: {error.strerror}.") from None
        return int(probe.getsockname()[1])


def _reachable(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  compared, not bound
    return f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"


def _edge_url(settings: Settings) -> str:
    return f"{'https' if settings.tls_cert else 'http'}://{_reachable(settings)}"


def _is_ready(settings: Settings) -> bool:
    connection = _connection(settings)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.client.OK
    return False


def _connection(settings: Settings) -> http.client.HTTPConnection:
    if not settings.tls_cert:
        return http.client.HTTPConnection(_reachable(settings), timeout=5)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The certificate names the host that clients know, not this address; and nothing secret is said.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(_reachable(settings), timeout=5, context=context)
