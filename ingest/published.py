"""What anybody may read, the same for everybody: the description of the API, the page that shows it, and the script of
the legacy snippet."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ingest.answers import preflight
from ingest.docs.page import page, style
from ingest.errors import MethodNotAllowed
from ingest.openapi.document import described, document
from ingest.questions import METHODS

PUBLISHED = ("/openapi.json", "/docs", "/assets/track.js")
_HEADERS = {"access-control-allow-origin": "*", "cache-control": "no-cache", "x-content-type-options": "nosniff"}
_OF_A_304 = ("etag", "cache-control", "access-control-allow-origin")
_FOR_AN_HOUR = {"cache-control": "public, max-age=3600", "cross-origin-resource-policy": "cross-origin"}
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Published:
    """One text. It never changes while the process runs."""

    def __init__(self, response: Response) -> None:
        response.headers["etag"] = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
        self._response = response
        self._unchanged = Response(status_code=304, headers={name: response.headers[name] for name in _OF_A_304})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in METHODS:
            raise MethodNotAllowed(METHODS)
        await self._chosen(scope)(scope, receive, send)

    def _chosen(self, scope: Scope) -> Response:
        if scope["method"] == "OPTIONS":
            return preflight(METHODS)
        known = Headers(scope=scope).get("if-none-match", "")
        return self._unchanged if self._response.headers["etag"] in known else self._response


def published_routes() -> list[Route]:
    return [Route(path, Published(response)) for path, response in zip(PUBLISHED, _responses(), strict=True)]


@cache
def _responses() -> tuple[Response, Response, Response]:
    as_json = Response(document(), headers=_HEADERS, media_type="application/json; charset=utf-8")
    # The page may load nothing, run nothing, be framed by nobody; its one style sheet is named by its hash.
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    policy = f"{_NOTHING}; style-src 'sha256-{digest}'"
    headers = _HEADERS | {"content-security-policy": policy}
    as_page = Response(page(described()), headers=headers, media_type="text/html")
    return as_json, as_page, _script()


def _script() -> Response:
    """Any page may load it, and keeps it for a while."""
    text = files("ingest.assets").joinpath("track.js").read_text()
    return Response(text, headers=_HEADERS | _FOR_AN_HOUR, media_type="text/javascript")
