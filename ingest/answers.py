"""What leaves the edge: always JSON, never cached, readable by any page's script.

Each API has its own shape of an error; the path tells which. The exceptions are metrics, which are text, what is
published for people and pages, and the GIF that stands for `{}` where a page asked for an image.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response
from starlette.types import Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from ingest.errors import ApiError, BadRequest, Problem
from ingest.made import Refused

REQUEST_ID = "x-request-id"
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_HEADERS = {
    "access-control-allow-origin": "*",
    "cache-control": "no-cache, no-store, must-revalidate, max-age=0",
}
# One pixel, transparent.
_PIXEL = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
_MEDIA_TYPE = "application/json; charset=utf-8"
_PREFLIGHT_LASTS = "86400"
_MERGE = "/api/v1/merge_customers"
# Whatever a library adds: Segment's counts its tries in one, and no try but the first would get here. The star does not
# mean `authorization`, and nothing to old browsers.
_REQUEST_HEADERS = "*, authorization, content-type, idempotency-key, x-retry-count, x-strict-mode"
# A page's script sees no other headers of an answer.
_FOR_SCRIPTS = "retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, x-request-id"


class Rendered(NamedTuple):
    """An answer as bytes, names of headers in lower case: for whoever writes below ASGI, too."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def rendered(error: ApiError, path: str, request_id: str) -> Rendered:
    """A refusal in the shape of the API that the path belongs to; an unknown path, `""`, is v1's."""
    body = msgspec.json.encode(_shape(error, path)) + b"\n"
    headers = _HEADERS | {"content-type": _MEDIA_TYPE, "content-length": str(len(body)), REQUEST_ID: request_id}
    headers["access-control-expose-headers"] = _FOR_SCRIPTS
    headers |= {name.lower(): value for name, value in error.headers.items()}
    return Rendered(error.status, [(name.encode(), value.encode("latin-1")) for name, value in headers.items()], body)


def _shape(error: ApiError, path: str) -> dict[str, Any]:
    if path.startswith("/api/v2/"):
        return {"errors": [_told(problem) for problem in Refused(None, error).problems]}
    if path == _MERGE:
        return {"meta": {"error": "; ".join(error.messages)}}
    text = " ".join(error.messages)
    # v1 lists all that is wrong with a request; every other status has one text.
    meta: dict[str, Any] = {"errors": error.messages} if isinstance(error, BadRequest) else {"error": text}
    if path.startswith("/v1/"):
        # Without both, the Python client for Data Pipelines takes any refusal for a passing one and repeats it.
        return {"meta": meta, "code": error.reason, "message": text}
    return {"meta": meta}


def _told(problem: Problem) -> dict[str, Any]:
    return {"reason": problem.reason, "field": problem.field, "message": problem.message}


def answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Content as a line of JSON."""
    text = msgspec.json.encode(content) + b"\n"
    return Response(text, status, _HEADERS | dict(headers or {}), media_type=_MEDIA_TYPE)


async def accept(send: Send, quota: Mapping[str, str]) -> None:
    """200 `{}`: what was sent is on the log. quota: headers that tell what is left of the workspace's rate."""
    status, headers, body = accepted(quota)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def accepted(quota: Mapping[str, str]) -> Rendered:
    """The same, as bytes."""
    if not quota:
        return ACCEPTED
    told = [(name.encode(), text.encode()) for name, text in quota.items()]
    return Rendered(200, [*ACCEPTED.headers, *told], ACCEPTED.body)


async def accept_silently(send: Send, quota: Mapping[str, str]) -> None:
    """204: the same, for a call whose client expects no body."""
    await _send(send, Response(None, 204, _HEADERS | dict(quota)))


async def accept_as_image(send: Send, quota: Mapping[str, str]) -> None:
    """200: the same, for a page that asked for an image."""
    await _send(send, Response(_PIXEL, 200, _HEADERS | dict(quota), media_type="image/gif"))


async def accept_items(send: Send, refused: Sequence[Refused], path: str, quota: Mapping[str, str]) -> None:
    """207: what is on the log is all of a batch but these items."""
    errors = [{"batch_index": item.number, **_told(problem)} for item in refused for problem in item.problems]
    content: dict[str, Any] = {"errors": errors}
    if path.startswith("/v1/"):
        content |= {"code": "partial", "message": f"{len(refused)} items of the batch were not taken"}
    await _send(send, answer(content, 207, quota))


async def _send(send: Send, response: Response) -> None:
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body})


ACCEPTED = Rendered(200, answer({}).raw_headers, b"{}\n")  # the same for everybody, so made once


def written(answer: Rendered, defaults: Iterable[tuple[bytes, bytes]], *, hsts: bool, last: bool) -> bytes:
    """As uvicorn writes it, with its own headers. last: the connection ends with it."""
    status, headers, body = answer
    lines = [*defaults, *([HSTS] if hsts else []), *headers]
    if last:
        lines.append((b"connection", b"close"))
    return b"".join([STATUS_LINE[status], *(b"%b: %b\r\n" % line for line in lines), b"\r\n", body])


def preflight(methods: Iterable[str]) -> Response:
    """A browser asks whether a page of another origin may call this path: it may."""
    headers = {
        "access-control-allow-methods": ", ".join(methods),
        "access-control-allow-headers": _REQUEST_HEADERS,
        "access-control-max-age": _PREFLIGHT_LASTS,
    }
    return Response(None, 204, _HEADERS | headers)
