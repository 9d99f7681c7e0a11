"""uvicorn's server with the edge's protocol: how it serves, and how it ends.

SIGTERM or SIGINT: it accepts nothing new, answers what it took, and gives half-sent requests a moment for their
rest. A second one ends the process at once.
"""

import gc
import math
import signal
import socket
from functools import partial
from types import FrameType
from typing import Any

import structlog
import uvicorn

from ingest.certificates import Certificate
from ingest.connections import Connections
from ingest.edge import Edge
from ingest.hot import HotWay
from ingest.hot_protocol import HotProtocol
from ingest.protocol import EdgeProtocol

BACKLOG = 2048
GRACE = 3.0  # s beyond the append timeout, for what is under way
log = structlog.get_logger()


def server_options(append_timeout: float, connections: Connections, way: HotWay | None = None) -> dict[str, Any]:
    """How uvicorn serves the edge. way: without it every request goes through the application."""
    http = partial(HotProtocol, way, connections) if way else partial(EdgeProtocol, connections)
    return {
        "loop": "uvloop",
        "http": http,
        "ws": "none",
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "backlog": BACKLOG,
        "timeout_graceful_shutdown": math.ceil(append_timeout + GRACE),
    }


class Server(uvicorn.Server):
    """Serves until a signal, on listeners that it is given."""

    def __init__(self, config: uvicorn.Config, edge: Edge, certificate: Certificate | None = None) -> None:
        super().__init__(config)
        self._edge = edge
        self._certificate = certificate

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if not self.config.loaded:
            self.config.load()
        if self._certificate is not None:
            self.config.ssl = self._certificate.context
        await super().startup(sockets)
        # What is here by now stays: a full collection that looked at it again would hold up requests for 20 ms.
        gc.collect()
        gc.freeze()
        scheme = "https" if self._certificate else "http"
        log.info("listening", addresses=[_url(scheme, listener) for listener in sockets or []])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._edge.draining = True
        await super().shutdown(sockets)
        log.info("stopped")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)  # a second one does not wait for anything


def _url(scheme: str, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
