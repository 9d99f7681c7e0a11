"""What happens to a request: authenticate, read, check, append; then answer."""

import time
from collections.abc import Callable, Mapping, Sequence

from starlette.types import Receive, Scope, Send

from ingest import bodies, limits
from ingest.answers import ACCEPTED, preflight
from ingest.arrivals import Arrival
from ingest.auth import authenticate
from ingest.endpoints import Endpoint, Takes
from ingest.errors import MethodNotAllowed, UnsupportedMedia
from ingest.ids import new_id
from ingest.intake import Budget, read_body
from ingest.keys import Credentials
from ingest.log import Log
from schemas.messages import Context

Headers = Mapping[bytes, bytes]


class Edge:
    """What all requests share. `draining`: the process is told to end, and finishes what it took."""

    def __init__(self, log: Log, known: Credentials, now: Callable[[], float] = time.time) -> None:
        self.log = log
        self.known = known
        self.now = now
        self.budget = Budget(limits.BODIES_IN_FLIGHT)
        self.draining = False


class Resource:
    """One path of the API, an ASGI application: each request goes to the endpoint of its method."""

    def __init__(self, edge: Edge, endpoints: Sequence[Endpoint]) -> None:
        self._edge = edge
        self._endpoints = {endpoint.method: endpoint for endpoint in endpoints}
        self._methods = [*self._endpoints, "OPTIONS"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["method"])
        if endpoint is not None:
            await take(self._edge, endpoint, scope, receive)
            await ACCEPTED(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await preflight(self._methods)(scope, receive, send)
        else:
            raise MethodNotAllowed(self._methods)


async def take(edge: Edge, endpoint: Endpoint, scope: Scope, receive: Receive) -> None:
    """Return once what the request says is on the log. Raises an `ApiError`, or `ClientDisconnect`."""
    headers: Headers = dict(scope["headers"])
    workspace = authenticate(headers.get(b"authorization"), edge.known)
    with edge.budget.lease() as lease:
        raw = await read_body(receive, headers, endpoint.limit, lease)
        body = _parsed(raw, headers) if endpoint.takes is Takes.OBJECT else bodies.EMPTY
        arrived = edge.now()
        arrival = Arrival(workspace, arrived, new_id(arrived), _context(endpoint, scope, headers))
        message = endpoint.message(arrival, scope["path_params"], body)
        del raw, body  # a parsed body may be many times its size; only the message has to wait for the log
        await edge.log.append([message])


def _parsed(raw: bytes, headers: Headers) -> bodies.Body:
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if raw and encoding != b"identity":
        raise UnsupportedMedia("send the body without a content encoding")
    return bodies.parse(raw, headers.get(b"content-type", b"").decode("latin-1"))


def _context(endpoint: Endpoint, scope: Scope, headers: Headers) -> Context:
    client = scope["client"]
    user_agent = headers.get(b"user-agent", b"")[: limits.USER_AGENT].decode("latin-1")
    return Context(endpoint.name, client[0] if client else "", user_agent)
