"""`/metrics`, `/live` and `/ready` of a worker, on a port of its own, to anybody, without a key."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import msgspec

from schemas.settings import BadSettings, Settings
from workers.metrics import CONTENT_TYPE, WorkerMetrics

JSON = "application/json"


@contextmanager
def served(settings: Settings, metrics: WorkerMetrics) -> Iterator[None]:
    """The port of `PENSTOCK_WORKER_PORT` while entered; nothing if it is not set. Raises `BadSettings`."""
    if not settings.worker_port:
        yield
        return
    try:
        server = ThreadingHTTPServer((settings.host, settings.worker_port), _handler(metrics))
    except OSError as error:
        raise BadSettings(f"PENSTOCK_WORKER_PORT={settings.worker_port}: {error.strerror}") from None
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(metrics: WorkerMetrics) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10
        server_version = "penstock"
        sys_version = ""

        def do_GET(self) -> None:
            status, kind, body = _answer(metrics, self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  the name http.server calls

        def log_message(self, *_: object) -> None:
            """Somebody asks every few seconds: nothing to tell."""

    return Handler


def _answer(metrics: WorkerMetrics, path: str) -> tuple[int, str, bytes]:
    match path:
        case "/metrics":
            return 200, CONTENT_TYPE, metrics.text()
        case "/live":
            return 200, JSON, b"{}\n"
        case "/ready":
            trouble = metrics.trouble
            return (503, JSON, _error(trouble)) if trouble else (200, JSON, b"{}\n")
        case _:
            return 404, JSON, _error("not found: there are /metrics, /live and /ready")


def _error(text: str) -> bytes:
    return msgspec.json.encode({"meta": {"errors": [text]}}) + b"\n"
