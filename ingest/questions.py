"""GETs that are answered from what the edge knows, without a message: an ASGI application for each."""

from collections.abc import Callable, Mapping

from starlette.types import Receive, Scope, Send

from ingest.answers import answer, preflight
from ingest.auth import authenticate
from ingest.edge import Edge
from ingest.endpoints import Question
from ingest.errors import MethodNotAllowed

METHODS = ("GET", "HEAD", "OPTIONS")
Headers = Mapping[bytes, bytes]


class Asked:
    """One question of the table."""

    def __init__(self, edge: Edge, question: Question) -> None:
        self._edge = edge
        self._question = question

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asked(self._content, scope, receive, send)

    def _content(self, headers: Headers, address: str) -> object:
        key = authenticate(headers.get(b"authorization"), self._edge.keys, self._question.roles)
        return self._question.answer(key.workspace, address)


async def asked(content: Callable[[Headers, str], object], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a GET with what is made of its headers and the edge's own address, and a browser that asks first."""
    if scope["method"] not in METHODS:
        raise MethodNotAllowed(METHODS)
    if scope["method"] == "OPTIONS":
        await preflight(METHODS)(scope, receive, send)
        return
    headers = dict(scope["headers"])
    await answer(content(headers, _address(scope, headers.get(b"host", b""))))(scope, receive, send)


def _address(scope: Scope, host: bytes) -> str:
    """The edge's own, as its caller sees it: behind a proxy only the caller knows."""
    name = host.decode("latin-1") or ":".join(str(part) for part in scope["server"] or ())
    return f"{scope['scheme']}://{name}"
