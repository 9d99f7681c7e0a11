"""The outermost layer of ours: paths stay as they were sent, every answer is counted, every error becomes an answer."""

from collections.abc import Awaitable
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.answers import Rendered
from ingest.errors import ApiError, MethodNotAllowed, NotFound
from ingest.metrics import OTHER, Metrics
from ingest.refusals import Refusals, request_id


class Door:
    """Routes on the raw path: the server's decoded one has lost which slashes `a%2Fb` held, and what `%2525` was."""

    def __init__(self, app: ASGIApp, metrics: Metrics, refusals: Refusals) -> None:
        self._app = app
        self._tallies = metrics.tallies
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 0

        def counted(message: Message) -> Awaitable[None]:
            nonlocal status
            status = message.get("status", status)
            return send(message)

        scope["path"] = scope["raw_path"].decode("latin-1")
        try:
            await self._app(scope, receive, counted)
        except ClientDisconnect:
            return  # nobody is there to read an answer
        except Exception as error:  # whatever it was: it is counted and logged, and the client is told
            if status:
                raise  # it is being answered already: the server can only cut it off
            await self._refuse(error, scope, counted)
        self._tallies.get(_endpoint(scope), self._tallies[OTHER]).answered(status, perf_counter() - began)

    async def _refuse(self, error: Exception, scope: Scope, send: Send) -> None:
        status, headers, body = self._refused(error, scope)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _refused(self, error: Exception, scope: Scope) -> Rendered:
        number = request_id(dict(scope["headers"]).get(b"x-request-id"))
        endpoint = _endpoint(scope)
        endpoint = endpoint if endpoint in self._tallies else OTHER
        refusal = _translated(error) if isinstance(error, HTTPException) else error
        if isinstance(refusal, ApiError):
            client = scope["client"][0] if scope["client"] else ""
            return self._refusals.refuse(refusal, scope["path"], number, endpoint, client)
        return self._refusals.fail(error, scope["path"], number, endpoint)


def _endpoint(scope: Scope) -> str:
    route = scope.get("route")
    return f"{scope['method']} {route.path}" if route is not None else OTHER


def _translated(error: HTTPException) -> ApiError:
    """Starlette's own: a path it does not know, or a method that a path does not take."""
    if error.status_code == MethodNotAllowed.status:
        return MethodNotAllowed((error.headers or {}).get("Allow", "").split(", "))
    return NotFound()
