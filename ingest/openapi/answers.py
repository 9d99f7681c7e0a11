"""What may come back: the answers of each API, with the errors' own statuses and words."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ingest import errors
from ingest.api import cdp, v2
from ingest.endpoints import Answers, Endpoint, Takes
from ingest.openapi.parts import Schema, array, fields, named

Response = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_SAID = {"reason": _TEXT, "field": _TEXT, "message": _TEXT}
_ITEM = {"batch_index": {"type": "integer", "minimum": 0}, **_SAID}
_CODE = {"code": _TEXT, "message": _TEXT}


def _closed(properties: dict[str, Schema]) -> Schema:
    """An object with just these, all of them."""
    return fields(properties, properties, additionalProperties=False)


def _list(item: Schema) -> Schema:
    return array(item, "All that is wrong.", minItems=1)


_ONE, _MANY = _closed({"error": _TEXT}), _closed({"errors": _list(_TEXT)})
SHAPES: dict[str, Schema] = {
    "Nothing": _closed({}),
    "TrackError": _closed({"meta": _ONE}),
    "TrackErrors": _closed({"meta": _MANY}),
    "EntityErrors": _closed({"errors": _list(_closed(_SAID))}),
    "EntitiesRefused": _closed({"errors": _list(_closed(_ITEM))}),
    "PipelinesError": _closed({"meta": _ONE, **_CODE}),
    "PipelinesErrors": _closed({"meta": _MANY, **_CODE}),
    "CallsRefused": _closed({"errors": _list(_closed(_ITEM)), **_CODE}),
}


class Api(NamedTuple):
    """prefix: of its paths. error, errors, items: the shapes of a refusal, of a 400, of a 207."""

    name: str
    prefix: str
    error: str
    errors: str
    items: str = ""


TRACK = Api("Track v1", "/", "TrackError", "TrackErrors")
# The last one has all paths that are of no other. Of one call the contract has a text, not a list.
APIS = (
    TRACK._replace(prefix="/api/v1/merge_customers", errors=TRACK.error),
    Api("Data Pipelines", "/v1/", "PipelinesError", "PipelinesErrors", "CallsRefused"),
    Api("Track v2", "/api/v2/", "EntityErrors", "EntityErrors", "EntitiesRefused"),
    TRACK,
)

_QUOTA = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
HEADERS: dict[str, Response] = {
    "X-Request-Id": {"description": "The client's own if it sent one; the edge's log has it too.", "schema": _TEXT},
    "Retry-After": {"description": "Seconds after which to send the same again.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "That Basic is what is taken.", "schema": _TEXT},
    "Accept-Encoding": {"description": "Encodings that are read, if it was the encoding.", "schema": _TEXT},
    "RateLimit-Limit": {
        "description": "Requests that may come at once, if there is a rate.",
        "schema": {"type": "integer"},
    },
    "RateLimit-Remaining": {"description": "How many of them are left.", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "Seconds until all of them are.", "schema": {"type": "integer"}},
}
# What the errors of these statuses have beside an id; of none but these says a client when to come again.
_MORE: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    415: ("Accept-Encoding",),
    429: ("Retry-After", *_QUOTA),
    503: ("Retry-After",),
}
_BATCHES = (v2.batch, cdp.batch)
_ALWAYS = (errors.Forbidden, errors.TooSlow, errors.HeadersTooLarge, errors.Failed)
_READING = (errors.BadRequest, errors.TooLarge, errors.TooManyRequests, errors.Unavailable)


def first_sentence(documented: object) -> str:
    """Of a docstring; what comes behind it is for whoever reads the code."""
    words = " ".join((inspect.getdoc(documented) or "").split())
    return words.partition(". ")[0].removesuffix(".")


def api_of(path: str) -> Api:
    return next(api for api in APIS if path.startswith(api.prefix))


def responses(endpoint: Endpoint) -> dict[str, Response]:
    """Of a call, by status."""
    api = api_of(endpoint.path)
    kinds = [*_ALWAYS, *_READING, errors.Unauthorized]
    if endpoint.takes in (Takes.OBJECT, Takes.TEXT):
        kinds.append(errors.UnsupportedMedia)
    return _taken(endpoint, api) | refusals(api, kinds)


def refusals(api: Api, kinds: Iterable[type[errors.ApiError]]) -> dict[str, Response]:
    """By status, as references to what `shared` has."""
    return {
        str(kind.status): {"$ref": f"#/components/responses/{_name(api, kind)}"}
        for kind in sorted(kinds, key=lambda kind: kind.status)
    }


def shared() -> dict[str, Response]:
    """The refusals of all APIs."""
    kinds = (*_ALWAYS, *_READING, errors.Unauthorized, errors.UnsupportedMedia)
    return {_name(api, kind): _refusal(api, kind) for api in APIS for kind in kinds}


def _name(api: Api, kind: type[errors.ApiError]) -> str:
    return f"{_shape(api, kind)}{kind.status}"


def _shape(api: Api, kind: type[errors.ApiError]) -> str:
    return api.errors if kind is errors.BadRequest else api.error


def _refusal(api: Api, kind: type[errors.ApiError]) -> Response:
    headers = ("X-Request-Id", *_MORE.get(kind.status, ()))
    return _json(f"{first_sentence(kind)}.", named(_shape(api, kind)), headers)


def _taken(endpoint: Endpoint, api: Api) -> dict[str, Response]:
    if endpoint.answers is Answers.NO_CONTENT:
        return {"204": {"description": "It is on the log.", "headers": _headers(_QUOTA)}}
    if endpoint.answers is Answers.IMAGE:
        return {"200": {**other("image/gif", "One pixel: it is on the log."), "headers": _headers(_QUOTA)}}
    said = _json("It is on the log.", named("Nothing"), _QUOTA)
    if endpoint.make in _BATCHES:
        return {"200": said, "207": _json("All but these items are on the log.", named(api.items), _QUOTA)}
    return {"200": said}


def answered(meaning: str, schema: Schema) -> Response:
    """Of a question."""
    return _json(meaning, schema, ())


def other(media: str, meaning: str) -> Response:
    """What is no JSON."""
    return {"description": meaning, "content": {media: {"schema": _TEXT}}}


def _json(meaning: str, schema: Schema, headers: Iterable[str]) -> Response:
    content = {"application/json": {"schema": schema}}
    return {"description": meaning, "content": content, "headers": _headers(headers)}


def _headers(names: Iterable[str]) -> dict[str, Response]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
