"""The document itself: the endpoints' table, in the words of OpenAPI 3.1."""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain
from typing import Any

import msgspec

from ingest import limits
from ingest.endpoints import ENDPOINTS, Answers, By, Endpoint, Takes
from ingest.openapi import answers, beacons, pipelines, track_v1, track_v2
from ingest.openapi.parts import SHARED, Schema, text
from ingest.openapi.questions import THE_EDGE, questions
from ingest.rejections import FORGIVEN

OPENAPI = "3.1.0"
VERSION = "1"  # of what the clients rely on, which Penstock did not make and does not change
ABOUT = """\
What is answered 200, 204 or 207 is on the log. Bodies are JSON or forms, compressed if you like. An error has the shape
of its API. Each path answers OPTIONS too, for a browser that asks first."""

_BODIES = {**track_v1.BODIES, **track_v2.BODIES, **pipelines.BODIES}
_SEGMENTS = {
    "identifier": text("An id, an email, or `cio_` and a cio_id."),
    "device_id": text("The device's token.", limits.TOKEN),
    "segment_id": {"type": "integer", "description": "Of a manual segment."},
    "form_id": text("Of the form; one that is new is added."),
    "delivery_id": text("Of the message that was sent.", limits.TOKEN),
}
_QUERIES = {**track_v1.QUERIES, **beacons.QUERIES}
_IDEMPOTENCY_KEY = text(
    "The id of what has none of its own: what is sent again with it is stored once.", limits.EVENT_ID
)
_SECURITY: Mapping[By, list[dict[str, list[str]]]] = {
    By.BASIC: [{"basic": []}],
    By.WRITE_KEY: [{"key": []}, {"basic": []}, {}],
    By.SITE_ID: [{"site_id": []}],
    By.NOBODY: [{}, {"basic": []}],
}
_MEDIA = {
    Takes.OBJECT: ("application/json", "application/x-www-form-urlencoded"),
    Takes.TEXT: ("application/json", "text/plain"),
}


def document() -> bytes:
    """As JSON."""
    return msgspec.json.encode(described()) + b"\n"


@cache
def described() -> dict[str, Any]:
    """The same for everybody, so made once."""
    return {
        "openapi": OPENAPI,
        "info": {"title": "Penstock", "version": VERSION, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys((*(api.name for api in reversed(answers.APIS)), THE_EDGE))],
        "paths": _paths(),
        "components": _components(),
    }


def _paths() -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation in chain(map(_call, ENDPOINTS), questions()):
        paths.setdefault(path, {})[method.lower()] = operation
    return paths


def _components() -> dict[str, Any]:
    basic = {"type": "http", "scheme": "basic"}
    return {
        "schemas": {**SHARED, "Entity": track_v2.ENTITY, "Call": pipelines.CALL, **answers.SHAPES},
        "responses": answers.shared(),
        "headers": answers.HEADERS,
        "securitySchemes": {
            "basic": {**basic, "description": "The site id as user, the API key as password."},
            "key": {**basic, "description": "A key as user, no password. A browser's may be `writeKey` in the body."},
            "site_id": {"type": "apiKey", "in": "query", "name": "site_id", "description": "A browser's key."},
        },
    }


def _call(endpoint: Endpoint) -> tuple[str, str, dict[str, Any]]:
    operation = {
        "operationId": f"{endpoint.method.lower()}{endpoint.path}",
        "tags": [answers.api_of(endpoint.path).name],
        "summary": answers.first_sentence(endpoint.make),
        "description": _said_of(endpoint),
        "parameters": [*_parameters(endpoint)],
        "responses": answers.responses(endpoint),
        "security": _SECURITY[endpoint.by],
        "x-roles": sorted(endpoint.roles, reverse=True),
        "x-limit": endpoint.limit,
    }
    if endpoint.takes in _MEDIA:
        operation["requestBody"] = _body(endpoint)
    return endpoint.path, endpoint.method, operation


def _said_of(endpoint: Endpoint) -> str:
    said = [f"Takes a {' or '.join(sorted(endpoint.roles, reverse=True))} key, and up to {endpoint.limit:,} bytes."]
    if endpoint.by is By.NOBODY:
        said.append("Needs no key where there is just one workspace.")
    if endpoint.answers is Answers.LENIENT:
        forgiven = ", ".join(map(str, sorted(FORGIVEN)))
        said.append(f"Without `X-Strict-Mode: 1` 200 stands in for {forgiven}; what was not taken is in `rejections`.")
    return " ".join(said)


def _body(endpoint: Endpoint) -> dict[str, Any]:
    schema = _BODIES[endpoint.make]
    return {"required": True, "content": {media: {"schema": schema} for media in _MEDIA[endpoint.takes]}}


def _parameters(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    for part in endpoint.path.split("/"):
        if part.startswith("{"):
            yield _parameter("path", part[1:-1], _SEGMENTS[part[1:-1]], required=True)
    yield from _QUERIES.get(endpoint.make, ())
    yield _parameter("header", "Idempotency-Key", _IDEMPOTENCY_KEY)
    if endpoint.takes in _MEDIA:
        yield _parameter("header", "Content-Encoding", {"enum": ["identity", "gzip", "deflate", "zstd"]})
    if endpoint.answers is Answers.LENIENT:
        yield _parameter("header", "X-Strict-Mode", {"enum": ["1"]})


def _parameter(place: str, name: str, schema: Schema, *, required: bool = False) -> dict[str, Any]:
    return {"in": place, "name": name, "required": required, "schema": schema}
