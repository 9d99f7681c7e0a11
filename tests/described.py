"""What the edge's document says of an answer."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from ingest.errors import MethodNotAllowed, NotFound
from ingest.openapi.answers import APIS
from ingest.openapi.document import document
from tests.calling import Answer

DOCUMENT: Mapping[str, Any] = json.loads(document())
JSON = "application/json"


def operation_of(path: str, method: str) -> Mapping[str, Any] | None:
    """None if the document has none. Methods are in capitals."""
    operations: Mapping[str, Any] = DOCUMENT["paths"].get(path, {}) if method.isupper() else {}
    return operations.get(method.lower())


def contradiction(path: str, method: str, answer: Answer) -> str:
    """Between an answer and the document; "" if there is none. path: as the document has it, "" if it has not."""
    operation = operation_of(path, method)
    if operation is None:
        return "" if path and method == "OPTIONS" and answer.status == 204 else _unknown(path, answer)
    response = operation["responses"].get(str(answer.status))
    if response is None:
        return "another status"
    return _difference(answer, response.get("$ref", "") or f"{path} {method.lower()} {answer.status}")


def _unknown(path: str, answer: Answer) -> str:
    """Of what the document has nowhere, and which API's it is only in part."""
    if answer.status != (MethodNotAllowed.status if path else NotFound.status):
        return "another status"
    shapes = (Draft202012Validator(DOCUMENT["components"]["schemas"][api.error]) for api in APIS)
    return "" if any(shape.is_valid(json.loads(answer.body)) for shape in shapes) else "another shape"


def _difference(answer: Answer, response: str) -> str:
    media, schema = _content(response)
    if not media:
        return "a body" if answer.body else ""
    if not answer.headers["content-type"].startswith(media):
        return "another content type"
    return "" if media != JSON or schema.is_valid(json.loads(answer.body)) else "another shape"


@cache
def _content(response: str) -> tuple[str, Draft202012Validator]:
    """Of a response, by its reference, or by path, method and status; the content type is "" if it has no body."""
    if response.startswith("#"):
        found = DOCUMENT["components"]["responses"][response.rpartition("/")[2]]
    else:
        path, method, status = response.split(" ")
        found = DOCUMENT["paths"][path][method]["responses"][status]
    media, content = next(iter(found.get("content", {}).items()), ("", {"schema": {}}))
    return media, Draft202012Validator(resolved(content["schema"]))


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to."""
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found
