"""The Starlette application: its routes, its lifespan, the one place where errors become answers."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import groupby
from operator import attrgetter
from types import TracebackType
from typing import Protocol, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ingest.answers import refusal
from ingest.door import Door
from ingest.endpoints import ENDPOINTS
from ingest.errors import ApiError, MethodNotAllowed, NotFound
from ingest.handlers import Edge, Resource
from ingest.health import health_routes
from ingest.keys import credentials
from ingest.log import Log
from schemas.settings import Settings


class ClosableLog(Log, Protocol):
    """A log with a lifetime."""

    async def __aenter__(self) -> Log: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> object: ...


def create_app(settings: Settings, log: ClosableLog, now: Callable[[], float] = time.time) -> Starlette:
    """The edge. Its lifespan opens the log and closes it; `app.state.edge` is what its requests share.

    now: the clock, s since 1970. Raises `BadSettings`.
    """
    edge = Edge(log, credentials(settings), now)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with log:
            yield

    app = Starlette(
        routes=[*_api_routes(edge), *health_routes(edge)],
        middleware=[Middleware(Door)],
        exception_handlers={ApiError: _refuse, HTTPException: _translate, ClientDisconnect: _forget},
        lifespan=lifespan,
    )
    # A redirect would lose data: the official Python client turns it into a GET, and reports success.
    app.router.redirect_slashes = False
    app.state.edge = edge
    return app


def _api_routes(edge: Edge) -> list[Route]:
    paths = groupby(sorted(ENDPOINTS, key=attrgetter("path")), key=attrgetter("path"))
    return [Route(path, Resource(edge, list(endpoints))) for path, endpoints in paths]


async def _refuse(_request: Request, error: Exception) -> Response:
    return refusal(cast(ApiError, error))


async def _translate(_request: Request, error: Exception) -> Response:
    """Starlette's own: a path it does not know, or a method that a path does not take."""
    refused = cast(HTTPException, error)
    if refused.status_code == MethodNotAllowed.status:
        return refusal(MethodNotAllowed((refused.headers or {}).get("Allow", "").split(", ")))
    return refusal(NotFound())


async def _forget(_request: Request, _error: Exception) -> Response:
    """Nobody is there to read it."""
    return Response(status_code=400)
