"""The GETs: what the edge says of an account, of itself, and of its API."""

from collections.abc import Iterator, Sequence
from typing import Any

from ingest import errors
from ingest.account import nice_credentials, region
from ingest.endpoints import QUESTIONS, Question
from ingest.openapi.answers import TRACK, answered, api_of, first_sentence, other, refusals
from ingest.openapi.parts import Schema, fields, text
from ingest.projects import PATH, project_settings
from ingest.roles import BROWSER

THE_EDGE = "The edge"
_TEXT: Schema = {"type": "string"}
_OBJECT: Schema = {"type": "object"}
_KEY = [{"basic": list[str]()}]
_REFUSED = (errors.Unauthorized, errors.Forbidden, errors.TooSlow, errors.HeadersTooLarge, errors.Failed)
_SAID = {
    nice_credentials: fields({"meta": fields({"message": _TEXT}, ["message"])}, ["meta"]),
    region: fields(
        {"url": _TEXT, "region": _TEXT, "environment_id": {"type": "integer"}}, ["url", "region", "environment_id"]
    ),
}
_READY = fields({"status": _TEXT, "reason": _TEXT, "spooling": {"type": "boolean"}}, ["status"])


def questions() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method, operation."""
    for question in QUESTIONS:
        yield question.path, "GET", _asked(question)
    yield PATH, "GET", _project()
    yield _public("/live", "Is the process there", {"200": answered("It is.", _READY)})
    ready = {"200": answered("It is.", _READY), "503": answered("It is not, and why.", _READY)}
    yield _public("/ready", "Does it take messages", ready)
    yield _public("/openapi.json", "This document", {"200": answered("OpenAPI 3.1.", {"type": "object"})})
    yield _public("/docs", "This document as a page", {"200": other("text/html", "To read.")})
    yield _public("/assets/track.js", "The script of the legacy snippet", {"200": other("text/javascript", "To run.")})
    yield "/metrics", "GET", _operation("/metrics", THE_EDGE, "What Prometheus asks for", _metrics(), _KEY)


def _asked(question: Question) -> dict[str, Any]:
    taken = {"200": answered("The answer.", _SAID[question.answer])}
    kept = _operation(question.path, TRACK.name, first_sentence(question.answer), taken, _KEY)
    return {**kept, "responses": taken | refusals(TRACK, _REFUSED), "x-roles": sorted(question.roles, reverse=True)}


def _project() -> dict[str, Any]:
    api = api_of(PATH)
    taken = {"200": answered("The answer.", fields({"integrations": _OBJECT, "plan": _OBJECT}, ["integrations"]))}
    write_key = {"in": "path", "name": "write_key", "required": True, "schema": text("A browser's key.")}
    asked = _operation(PATH, api.name, first_sentence(project_settings), taken | refusals(api, _REFUSED), [])
    return asked | {"parameters": [write_key], "x-roles": sorted(BROWSER)}


def _metrics() -> dict[str, Any]:
    return {"200": other("text/plain", "In its own format."), **refusals(TRACK, _REFUSED)}


def _public(path: str, summary: str, responses: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    return path, "GET", _operation(path, THE_EDGE, summary, responses, [])


def _operation(
    path: str, tag: str, summary: str, responses: dict[str, Any], security: Sequence[dict[str, list[str]]]
) -> dict[str, Any]:
    return {
        "operationId": f"get{path}",
        "tags": [tag],
        "summary": summary,
        "responses": responses,
        "security": security,
    }
