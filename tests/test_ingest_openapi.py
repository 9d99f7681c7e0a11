"""The document says what the edge does, all of it and nothing else; and the page shows it to whoever has no network."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from starlette.routing import Route

from ingest import errors
from ingest.api.v2_actions import ACTIONS
from ingest.endpoints import ENDPOINTS, Takes
from ingest.openapi.document import described
from ingest.openapi.track_v2 import SAID
from ingest.published import PUBLISHED
from tests.calling import Called, edge
from tests.described import DOCUMENT, resolved

METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD")
WRITTEN = {endpoint.path for endpoint in ENDPOINTS if endpoint.method == "GET"}
FOR_OTHERS = {404, 405, 505}  # of no path, of no method, of no HTTP


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def examples() -> Iterator[tuple[str, str, str, object]]:
    """Method, path, content type, body: each that the document has."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                schema = resolved(content["schema"])
                for form in [schema] if "type" in schema else schema["oneOf"]:
                    yield method.upper(), path, media, form["examples"][0]


EXAMPLES = list(examples())


def test_the_document_is_valid() -> None:
    """By somebody else's judgement."""
    validate(DOCUMENT)


def test_the_document_has_each_route_and_no_other(called: Called) -> None:
    """And each method of it: whatever is not in the document is a 405."""
    routes = {route.path for route in called.app.routes if isinstance(route, Route)}

    assert DOCUMENT["paths"].keys() == routes
    for path, operations in DOCUMENT["paths"].items():
        for method in METHODS:
            # A HEAD changes nothing, so what GET writes has none.
            known = method.lower() in operations or (method == "HEAD" and "get" in operations and path not in WRITTEN)
            assert (called.send(method, path).status == 405) is not known, (method, path)


def test_the_document_has_each_status_that_may_be_answered() -> None:
    """Of the refusals, those that a path with that method may give."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ApiError)]
    statuses = {kind.status for kind in kinds if kind is not errors.ApiError} - FOR_OTHERS

    for endpoint in ENDPOINTS:
        responses = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]["responses"]
        refused = {int(status) for status in responses if status >= "4"}
        assert statuses - refused == (set() if endpoint.takes in (Takes.OBJECT, Takes.TEXT) else {415})


def test_every_call_is_explained() -> None:
    """In a sentence of its own, and each part of it too."""
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            assert re.fullmatch(r"[A-Z].{10,}[^.]", operation["summary"])
            assert all(
                given["schema"].get("description") or "enum" in given["schema"]
                for given in operation.get("parameters", ())
            )


def test_all_that_track_v2_can_say_has_a_schema() -> None:
    """Each action on each type."""
    assert SAID.keys() == ACTIONS.keys()


@pytest.mark.parametrize(("method", "path", "media", "example"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_example_is_taken(called: Called, method: str, path: str, media: str, example: object) -> None:
    """And is a message."""
    body = json.dumps(example).encode()

    answer = called.send(method, re.sub(r"\{[^}]+\}", "5", path), body, {"content-type": media})

    assert answer.status in (200, 204), answer
    assert {message.kind for message in called.log.messages} - {"rejection"}


@pytest.mark.parametrize("path", PUBLISHED)
def test_what_is_published_is_for_everybody(called: Called, path: str) -> None:
    """Without a key, for scripts of any page, but with no other method than those that read."""
    answer = called.send("GET", path, authorization="")

    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = called.send("GET", path, authorization="", if_none_match=f'W/"x", {answer.headers["etag"]}')
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    assert called.send("GET", path, authorization="", if_none_match='"x"').status == 200
    assert called.send("HEAD", path, authorization="").status == 200
    assert called.send("OPTIONS", path, authorization="").status == 204
    assert called.send("POST", path).status == 405


def test_the_document_is_served_as_it_was_made(called: Called) -> None:
    answer = called.send("GET", "/openapi.json")

    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json == json.loads(json.dumps(described()))


def test_the_page_needs_nothing_from_elsewhere(called: Called) -> None:
    """No script, no image, nothing that is loaded; its policy allows just the style that is in it."""
    answer = called.send("GET", "/docs")
    text = answer.body.decode()

    style = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert not re.search(r"<(script|img|link|iframe|object)|style=|url\(|@import|\son[a-z]+=", text)
    assert set(re.findall(r'(?:href|src)="([^"#][^"]*)"', text)) == {"/openapi.json"}


def test_the_page_shows_every_call(called: Called) -> None:
    """With a line to try it; its table of contents leads to all of them."""
    text = called.send("GET", "/docs").body.decode()

    anchors = re.findall(r'<article id="([^"]+)"', text)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', text)) == set(anchors)
    shown = re.findall(r"<h3>.*?<code>(.*?)</code></h3>", text)
    assert {path.replace("<wbr>", "") for path in shown} == DOCUMENT["paths"].keys()
    assert text.count("curl $EDGE") >= len(anchors)
