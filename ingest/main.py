"""`penstock edge`: one process that takes requests until it is told to stop.

SIGTERM and SIGINT: it accepts nothing new, answers what it took, and closes the log behind the last answer.
"""

import asyncio
import errno
import math
import signal
import socket
from typing import Any

import structlog
import uvicorn
import uvloop

from ingest.app import ClosableLog, create_app
from ingest.handlers import Edge
from schemas.settings import Settings

BACKLOG = 2048
KEEP_ALIVE = 65  # s; longer than the 60 of common load balancers, which else send into a connection just closed
GRACE = 3.0  # s beyond the append timeout, for what is under way

log = structlog.get_logger()


def run(settings: Settings) -> int:
    """The exit code: 0 after SIGTERM or SIGINT, 1 when the address cannot be had. Raises `BadSettings`."""
    try:
        listener = _listen(settings.host, settings.port)
    except OSError as error:
        log.error("cannot_listen", host=settings.host, port=settings.port, reason=_reason(error))
        return 1
    # uvicorn raises the signal again when it is done; it has been obeyed then.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, listener))
    return 0


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, edge: Edge) -> None:
        super().__init__(config)
        self._edge = edge

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log.info("listening", addresses=[_url(listener) for listener in sockets or []])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._edge.draining = True
        await super().shutdown(sockets)
        log.info("stopped")


async def _serve(settings: Settings, listener: socket.socket) -> None:
    app = create_app(settings, _log(settings))
    # Its lifespan is entered here, where its errors reach whoever started the edge.
    config = uvicorn.Config(app, **server_options(settings.append_timeout), lifespan="off")
    async with app.router.lifespan_context(app):
        await _Server(config, app.state.edge).serve([listener])


def server_options(append_timeout: float) -> dict[str, Any]:
    """How uvicorn serves the edge."""
    return {
        "loop": "uvloop",
        "http": "httptools",
        "ws": "none",
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "backlog": BACKLOG,
        "timeout_keep_alive": KEEP_ALIVE,
        "timeout_graceful_shutdown": math.ceil(append_timeout + GRACE),
    }


def _log(settings: Settings) -> ClosableLog:
    if settings.kafka:
        from ingest.log.kafka import KafkaLog

        return KafkaLog(
            bootstrap=settings.kafka,
            topic=settings.topic,
            partitions=settings.partitions,
            replication=settings.replication,
            append_timeout=settings.append_timeout,
        )
    from ingest.log.sqlite import SqliteLog

    return SqliteLog(settings.data / "log.db", append_timeout=settings.append_timeout)


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
