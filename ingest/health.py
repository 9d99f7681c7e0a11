"""`/live`: the process runs. `/ready`: it can keep its promise now, and whether by a spool. Open to everybody, and
telling nothing else."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ingest.answers import answer
from ingest.edge import Edge

HEALTH = ("/live", "/ready")


def health_routes(edge: Edge) -> list[Route]:
    return [Route(path, endpoint) for path, endpoint in zip(HEALTH, (_live, _ready(edge)), strict=True)]


async def _live(_request: Request) -> Response:
    return answer({"status": "live"})


def _ready(edge: Edge) -> Callable[[Request], Awaitable[Response]]:
    async def ready(_request: Request) -> Response:
        reason = _not_ready(edge)
        if reason:
            return answer({"status": "not ready", "reason": reason}, 503)
        spooling = edge.spool is not None and edge.spool.spooling()
        return answer({"status": "ready", "spooling": True} if spooling else {"status": "ready"})

    return ready


def _not_ready(edge: Edge) -> str:
    if edge.draining:
        return "shutting down"
    if not edge.log.reachable():
        return "the log cannot be reached" if edge.spool is None else "the log is away and the spool takes no more"
    if edge.disk is not None and edge.disk.full():
        return "the disk is full"
    return ""
