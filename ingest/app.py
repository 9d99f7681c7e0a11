"""The Starlette application: its routes, its lifespan, the one place where errors become answers."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import groupby
from operator import attrgetter
from types import TracebackType
from typing import Protocol

from starlette.applications import Starlette
from starlette.routing import Route

from ingest.disk import Disk
from ingest.door import Door
from ingest.edge import Edge
from ingest.endpoints import ENDPOINTS, QUESTIONS
from ingest.handlers import Resource
from ingest.health import HEALTH, health_routes
from ingest.keys.first import keyring
from ingest.keys.uses import uses_of
from ingest.keys.watch import watched
from ingest.log import Log
from ingest.log.spool import SpooledLog
from ingest.metrics import (
    BUDGET_USED,
    LOG_REACHABLE,
    SPOOL_BYTES,
    SPOOL_OLDEST,
    SPOOL_RECORDS,
    SPOOLING,
    Metrics,
)
from ingest.metrics_server import PATH, Shown
from ingest.paths import Paths
from ingest.projects import PATH as PROJECTS
from ingest.projects import ProjectSettings
from ingest.published import PUBLISHED, published_routes
from ingest.questions import Asked
from ingest.rates import Rates
from ingest.refusals import Refusals
from ingest.rejections import Rejections
from schemas.settings import Settings


class ClosableLog(Log, Protocol):
    """A log with a lifetime."""

    async def __aenter__(self) -> Log: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> object: ...


def create_app(
    settings: Settings,
    log: ClosableLog,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
    number: int = 0,
) -> Starlette:
    """The edge. Its lifespan opens the log and closes it; `app.state.edge` is what its requests share.

    now: s since 1970. clock: s, never going back, of rates and log lines. number: of one that
    shares its port with others. Raises `BadSettings`.
    """
    edge = _edge(settings, log, now, clock)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with watched(edge.keys, uses_of(settings, now, number)), log:
            yield

    calls = _api_routes(edge)
    # Those that `Paths` does not know come first: Starlette tries one after the other.
    routes = [*health_routes(edge), Route(PATH, Shown(edge)), *published_routes(), *calls]
    app = Starlette(routes=routes, lifespan=lifespan)
    # In place of Starlette's own layers, which turn errors into answers too: each costs every request something.
    app.middleware_stack = Door(Paths(calls, app.router), edge.metrics, edge.refusals)
    # A redirect would lose data: the official Python client turns it into a GET, and reports success.
    app.router.redirect_slashes = False
    app.state.edge = edge
    return app


def _edge(settings: Settings, log: Log, now: Callable[[], float], clock: Callable[[], float]) -> Edge:
    known = [endpoint.name for endpoint in ENDPOINTS]
    read = (*(question.path for question in QUESTIONS), *HEALTH, PATH, PROJECTS, *PUBLISHED)
    metrics = Metrics([*known, *(f"GET {path}" for path in read)])
    edge = Edge(
        log,
        keyring(settings, now),
        now,
        metrics=metrics,
        refusals=Refusals(metrics, clock),
        rates=Rates(settings.rate, clock) if settings.rate else None,
        rejections=Rejections(metrics, clock),
        disk=None if settings.kafka else Disk(settings.data, clock),
    )
    metrics.gauges[BUDGET_USED] = lambda: edge.budget.used
    metrics.gauges[LOG_REACHABLE] = log.reachable
    if edge.spool is not None:
        metrics.gauges |= _spool_gauges(edge.spool, now)
    return edge


def _spool_gauges(log: SpooledLog, now: Callable[[], float]) -> dict[str, Callable[[], float]]:
    return {
        LOG_REACHABLE: log.delivering,
        SPOOLING: log.spooling,
        SPOOL_RECORDS: lambda: log.held.records,
        SPOOL_BYTES: lambda: log.held.bytes,
        SPOOL_OLDEST: lambda: max(0.0, now() - log.held.oldest_at / 1000) if log.held.records else 0.0,
    }


def _api_routes(edge: Edge) -> list[Route]:
    paths = groupby(sorted(ENDPOINTS, key=attrgetter("path")), key=attrgetter("path"))
    takes = [Route(path, Resource(edge, list(endpoints))) for path, endpoints in paths]
    asked = [Route(question.path, Asked(edge, question)) for question in QUESTIONS]
    return [*takes, *asked, Route(PROJECTS, ProjectSettings(edge))]
