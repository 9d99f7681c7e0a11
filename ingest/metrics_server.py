"""Where Prometheus asks: `GET /metrics` with a key, or a port of its own, without."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ingest.auth import authenticate
from ingest.edge import Edge
from ingest.errors import MethodNotAllowed
from ingest.metrics import CONTENT_TYPE
from ingest.roles import READERS
from schemas.settings import BadSettings, Settings

PATH = "/metrics"
_METHODS = ("GET", "HEAD")


class Shown:
    """The metrics to whoever has a key to read them: the one answer that is not JSON."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in _METHODS:
            raise MethodNotAllowed(_METHODS)
        authenticate(dict(scope["headers"]).get(b"authorization"), self._edge.keys, READERS)
        response = Response(self._edge.metrics.text(), headers={"cache-control": "no-store"}, media_type=CONTENT_TYPE)
        await response(scope, receive, send)


@contextmanager
def metrics_port(settings: Settings, edge: Edge) -> Iterator[None]:
    """The port of `PENSTOCK_METRICS_PORT` while entered; nothing if it is not set. Raises `BadSettings`."""
    if not settings.metrics_port:
        yield
        return
    try:
        server, thread = start_http_server(settings.metrics_port, settings.host, edge.metrics.registry)
    except OSError as error:
        raise BadSettings(f"PENSTOCK_METRICS_PORT={settings.metrics_port}: {error.strerror}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
