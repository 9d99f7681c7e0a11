"""Who answers a request, and how."""

from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from ingest.answers import accept, accept_as_image, accept_items, accept_silently, preflight
from ingest.calls import Call
from ingest.edge import Edge
from ingest.endpoints import Answers, Endpoint
from ingest.errors import ApiError, MethodNotAllowed
from schemas.messages import Message

_NOTHING: Sequence[Message] = ()
# Looked up once: a member of an enum costs as much as a call.
_NO_CONTENT, _IMAGE = Answers.NO_CONTENT, Answers.IMAGE


class Resource:
    """One path of the API, an ASGI application: each request goes to the endpoint of its method."""

    def __init__(self, edge: Edge, endpoints: Sequence[Endpoint]) -> None:
        self._edge = edge
        self._endpoints = {endpoint.method: endpoint for endpoint in endpoints}
        self._methods = [*self._endpoints, "OPTIONS"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["method"])
        if endpoint is not None:
            await self._take(endpoint, scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await preflight(self._methods)(scope, receive, send)
        else:
            raise MethodNotAllowed(self._methods)

    async def _take(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope["client"][0] if scope["client"] else ""
        headers, path, query = dict(scope["headers"]), scope["path_params"], scope["query_string"].decode("latin-1")
        call, rejected = Call(self._edge, endpoint, headers, path, query, client), _NOTHING
        try:
            await call.take(receive)
        except ApiError as refusal:
            if not call.forgives(refusal):
                raise
            rejected = call.rejected(refusal)
        if rejected:
            # Not while the exception is there: it holds the body, and only what is encoded may wait for the log.
            await self._edge.log.append(rejected)
        if endpoint.answers is _NO_CONTENT:
            await accept_silently(send, call.quota)
        elif endpoint.answers is _IMAGE:
            await accept_as_image(send, call.quota)
        elif call.told:
            await accept_items(send, call.told, scope["path"], call.quota)
        else:
            await accept(send, call.quota)
