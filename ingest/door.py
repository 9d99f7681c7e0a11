"""The outermost layer of ours: the path stays as it was sent, and no mistake of ours shows more than a number."""

import time

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from ingest.answers import failure
from ingest.ids import new_id

log = structlog.get_logger()


class Door:
    """Routes on the raw path: the server's decoded one has lost which slashes `a%2Fb` held, and what `%2525` was."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = scope["raw_path"].decode("latin-1")
        try:
            await self._app(scope, receive, send)
        except Exception:
            # Nothing is handled here: whatever it was, the log has it in full, and the client is told that we failed.
            request_id = new_id(time.time())
            log.exception("request_failed", request_id=request_id, method=scope.get("method"))
            await failure(request_id)(scope, receive, send)
