"""`/live`: the process runs. `/ready`: it can keep its promise now. Open to everybody, and telling nothing else."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ingest.answers import answer
from ingest.handlers import Edge


def health_routes(edge: Edge) -> list[Route]:
    return [Route("/live", _live), Route("/ready", _ready(edge))]


async def _live(_request: Request) -> Response:
    return answer({"status": "live"})


def _ready(edge: Edge) -> Callable[[Request], Awaitable[Response]]:
    async def ready(_request: Request) -> Response:
        if edge.draining:
            return answer({"status": "not ready", "reason": "shutting down"}, 503)
        if not edge.log.reachable():
            return answer({"status": "not ready", "reason": "the log cannot be reached"}, 503)
        return answer({"status": "ready"})

    return ready
