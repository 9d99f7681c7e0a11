"""What anybody may read, the same for everybody: the description of the API, and the page that shows it."""

import base64
import hashlib
from functools import cache

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ingest.answers import preflight
from ingest.docs.page import page, style
from ingest.errors import MethodNotAllowed
from ingest.openapi.document import described, document
from ingest.questions import METHODS

PUBLISHED = ("/openapi.json", "/docs")
_HEADERS = {"access-control-allow-origin": "*", "cache-control": "no-cache", "x-content-type-options": "nosniff"}
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Published:
    """One text. It never changes while the process runs."""

    def __init__(self, response: Response) -> None:
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in METHODS:
            raise MethodNotAllowed(METHODS)
        response = preflight(METHODS) if scope["method"] == "OPTIONS" else self._response
        await response(scope, receive, send)


def published_routes() -> list[Route]:
    return [Route(path, Published(response)) for path, response in zip(PUBLISHED, _responses(), strict=True)]


@cache
def _responses() -> tuple[Response, Response]:
    as_json = Response(document(), headers=_HEADERS, media_type="application/json; charset=utf-8")
    # The page may load nothing, run nothing, be framed by nobody; its one style sheet is named by its hash.
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    policy = f"{_NOTHING}; style-src 'sha256-{digest}'"
    headers = _HEADERS | {"content-security-policy": policy}
    as_page = Response(page(described()), headers=headers, media_type="text/html")
    return as_json, as_page
