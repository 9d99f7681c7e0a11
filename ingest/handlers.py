"""What happens to a request: authenticate, read, check, append; then answer."""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from starlette.types import Receive, Scope, Send

from ingest import bodies, limits
from ingest.answers import accept, preflight
from ingest.arrivals import Arrival
from ingest.auth import authenticate
from ingest.disk import Disk
from ingest.encodings import unpacked
from ingest.endpoints import Endpoint, Takes
from ingest.errors import MethodNotAllowed
from ingest.ids import new_id
from ingest.intake import Budget, Lease, read_body
from ingest.keys.ring import Keyring
from ingest.log import Log
from ingest.log.spool import SpooledLog
from ingest.metrics import Metrics
from ingest.rates import Rates
from ingest.refusals import Refusals
from ingest.roles import check_kind
from schemas import failpoints
from schemas.messages import Context

Headers = Mapping[bytes, bytes]
_NO_QUOTA: Mapping[str, str] = {}


class Edge:
    """What all requests share. `draining`: the process is told to end, and finishes what it took. `spool`: the log, if
    it has one."""

    def __init__(
        self,
        log: Log,
        keys: Keyring,
        now: Callable[[], float],
        *,
        metrics: Metrics,
        refusals: Refusals,
        rates: Rates | None,
        disk: Disk | None,
    ) -> None:
        self.log = log
        self.spool = log if isinstance(log, SpooledLog) else None
        self.keys = keys
        self.now = now
        self.metrics = metrics
        self.refusals = refusals
        self.rates = rates
        self.disk = disk
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
            quota = await take(self._edge, endpoint, scope, receive)
            await accept(send, quota)
        elif scope["method"] == "OPTIONS":
            await preflight(self._methods)(scope, receive, send)
        else:
            raise MethodNotAllowed(self._methods)


async def take(edge: Edge, endpoint: Endpoint, scope: Scope, receive: Receive) -> Mapping[str, str]:
    """Return once what the request says is on the log; the headers that tell what is left of the workspace's rate.

    Raises an `ApiError`, or `ClientDisconnect`.
    """
    headers: Headers = dict(scope["headers"])
    key = authenticate(headers.get(b"authorization"), edge.keys, endpoint.roles)
    quota = edge.rates.take(key.workspace) if edge.rates is not None else _NO_QUOTA
    with edge.budget.lease() as lease:
        raw = await read_body(receive, headers, endpoint.limit, lease)
        edge.metrics.body_bytes += len(raw)
        body = _parsed(raw, headers, endpoint.limit, lease) if endpoint.takes is Takes.OBJECT else bodies.EMPTY
        arrived = edge.now()
        arrival = Arrival(key.workspace, arrived, new_id(arrived), _context(endpoint, scope, headers))
        messages = [endpoint.message(arrival, scope["path_params"], body)]
        check_kind(key.role, messages[0].kind)
        # A parsed body may be many times its size, and so may a message: only what is encoded may wait for the log.
        del raw, body
        failpoints.reach("edge.before-append")
        began = perf_counter()
        appended = edge.log.append(messages)
        del messages
        await appended
        edge.metrics.appends.add(perf_counter() - began)
        failpoints.reach("edge.before-answer")
    return quota


def _parsed(raw: bytes, headers: Headers, limit: int, lease: Lease) -> bodies.Body:
    encoding = headers.get(b"content-encoding")
    if encoding is not None and raw:
        sent = raw
        raw = unpacked(sent, encoding, limit)
        if raw is not sent:
            lease.take(len(raw))
    return bodies.parse(raw, headers.get(b"content-type", b"").decode("latin-1"))


def _context(endpoint: Endpoint, scope: Scope, headers: Headers) -> Context:
    client = scope["client"]
    user_agent = headers.get(b"user-agent", b"")[: limits.USER_AGENT].decode("latin-1")
    return Context(endpoint.name, client[0] if client else "", user_agent)
