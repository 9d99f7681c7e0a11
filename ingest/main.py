"""`penstock edge`: one process that takes requests until it is told to stop.

SIGTERM and SIGINT: it accepts nothing new, answers what it took, and closes the log behind the last answer.
"""

import asyncio
import contextlib
import errno
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import structlog
import uvicorn
import uvloop

from ingest import limits
from ingest.app import ClosableLog, create_app
from ingest.certificates import Certificate
from ingest.connections import Connections
from ingest.endpoints import ENDPOINTS
from ingest.hot import HotWay
from ingest.log.shares import check_shares
from ingest.log.spool import Direct, SpooledLog
from ingest.log.spool_file import Spool
from ingest.metrics import BUDGET_USED, CONNECTIONS
from ingest.metrics_server import metrics_port
from ingest.origins import Origins, advice, networks, refuses_plain_http
from ingest.protocol import CROWD
from ingest.server import BACKLOG, Server, server_options
from schemas.settings import Settings

OTHER_FILES = 100  # the log, Kafka, listeners

log = structlog.get_logger()


def run(settings: Settings, number: int = 0) -> int:
    """The exit code: 0 after SIGTERM or SIGINT, 1 when the address cannot be had. Raises `BadSettings`.

    number: from 1, of one that shares its port with others.
    """
    if settings.spool and not number:
        check_shares(Path(settings.spool), 1)
    try:
        listener = _listen(settings.host, settings.port, shared=number > 0)
    except OSError as error:
        log.error("cannot_listen", host=settings.host, port=settings.port, reason=_reason(error))
        return 1
    # Those that come while it starts. Then it is uvicorn who hears them, and raises them again when it has obeyed.
    told: list[int] = []
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda number, _: told.append(number))
    with listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, listener, number, told))
    return 0


async def _serve(settings: Settings, listener: socket.socket, number: int, told: Sequence[int]) -> None:
    certificate = Certificate(Path(settings.tls_cert), Path(settings.tls_key)) if settings.tls_cert else None
    https_only = refuses_plain_http(settings, listener.getsockname()[0])
    if https_only and not certificate:
        log.warning("plain_http_is_refused", host=settings.host, remedy=advice(settings))
    origins = Origins(networks(settings.trusted_proxies), https_only=https_only)
    app = create_app(settings, _log(settings), number=number)
    # Its lifespan is entered here, where its errors reach whoever started the edge.
    connections = Connections(app.state.edge.refusals, _connections(), origins)
    metrics, budget = app.state.edge.metrics, app.state.edge.budget
    metrics.gauges[CONNECTIONS] = lambda: connections.open
    metrics.gauges[BUDGET_USED] = lambda: budget.used + connections.coming.held
    way = HotWay(app.state.edge, ENDPOINTS) if settings.hot_way else None
    options = server_options(settings.append_timeout, connections, way)
    server = Server(uvicorn.Config(app, **options, lifespan="off"), app.state.edge, certificate)
    async with app.router.lifespan_context(app), _renewing(certificate):
        with metrics_port(settings, app.state.edge):
            if not told:
                await server.serve([listener])


@contextlib.asynccontextmanager
async def _renewing(certificate: Certificate | None) -> AsyncIterator[None]:
    """SIGHUP makes it look at the certificate's files at once, and without any it does nothing."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, certificate.ask if certificate else lambda: None)
    async with certificate.watched() if certificate else contextlib.nullcontext():
        yield


def _connections() -> int:
    """As many as the process may have files open, and no more than memory is meant for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS says it has no limit, and has one
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return limits.CONNECTIONS
    return max(1, min(limits.CONNECTIONS, soft - CROWD - OTHER_FILES))


def _log(settings: Settings) -> ClosableLog:
    if settings.kafka:
        from ingest.log.without_cramjam import KafkaLog

        kafka = KafkaLog(
            bootstrap=settings.kafka,
            topic=settings.topic,
            partitions=settings.partitions,
            replication=settings.replication,
            append_timeout=settings.append_timeout,
        )
        return _spooled(kafka, settings) if settings.spool else kafka
    from ingest.log.sqlite import SqliteLog

    return SqliteLog(settings.data / "log.db", append_timeout=settings.append_timeout)


def _spooled(kafka: Direct, settings: Settings) -> SpooledLog:
    timeout = settings.append_timeout
    folder, largest = Path(settings.spool), settings.spool_bytes
    spool = Spool(folder, largest=largest, append_timeout=timeout, clock=time.time)
    return SpooledLog(kafka, spool, append_timeout=timeout)


def _listen(host: str, port: int, *, shared: bool) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(BACKLOG)  # at once: two edges may both bind a port on which nobody listens yet
    except OSError:
        listener.close()
        raise
    return listener


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use; set PENSTOCK_PORT to a free one"
    return error.strerror or str(error)
