"""What leaves the edge: always JSON, never cached, readable by any page's script."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from ingest.errors import ApiError, BadRequest

_HEADERS = {
    "access-control-allow-origin": "*",
    "cache-control": "no-cache, no-store, must-revalidate, max-age=0",
}
_MEDIA_TYPE = "application/json; charset=utf-8"
_PREFLIGHT_LASTS = "86400"
_REQUEST_HEADERS = "authorization, content-type"


def answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Content as a line of JSON."""
    text = msgspec.json.encode(content) + b"\n"
    return Response(text, status, _HEADERS | dict(headers or {}), media_type=_MEDIA_TYPE)


# The same for everybody, so made once.
ACCEPTED = answer({})


def refusal(error: ApiError) -> Response:
    """What v1 answers: a 400 lists all that is wrong, every other status has one text."""
    meta: dict[str, Any] = {"error": " ".join(error.messages)}
    if isinstance(error, BadRequest):
        meta = {"errors": error.messages}
    return answer({"meta": meta}, error.status, error.headers)


def failure(request_id: str) -> Response:
    """Our mistake: the client learns nothing but the number under which the log tells more."""
    return answer({"meta": {"error": "internal error"}}, 500, {"x-request-id": request_id})


def preflight(methods: Iterable[str]) -> Response:
    """A browser asks whether a page of another origin may call this path: it may."""
    headers = {
        "access-control-allow-methods": ", ".join(methods),
        "access-control-allow-headers": _REQUEST_HEADERS,
        "access-control-max-age": _PREFLIGHT_LASTS,
    }
    return Response(None, 204, _HEADERS | headers)
