"""Whom a call is about: by each kind of identifier, in each API, the same subject; and only an identify links."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.messages import Message
from tests.calling import Called, edge

ACME = [{"identifiers": {"object_type_id": "1", "object_id": "acme"}}]
DEVICE = {"token": "t", "platform": "ios", "email": "c@x.io", "cio_id": "7"}
# Of all but an identify nothing links: what an event or a device has beside its person is just its own.
NAMES = {"email": "c@x.io", "cio_id": "7", "anonymous_id": "a", "id": "6"}
PIPELINES: list[tuple[str, dict[str, Any]]] = [
    ("identify", {}),
    ("track", {"event": "x", "properties": NAMES}),
    ("page", {"name": "x", "properties": NAMES}),
    ("screen", {"name": "x"}),
    *(("track", {"event": f"User {done}", "properties": NAMES}) for done in ("Deleted", "Suppressed", "Unsuppressed")),
    ("track", {"event": "Device Created or Updated", "context": {"device": {"token": "t", "type": "ios"}}}),
    ("track", {"event": "Device Deleted", "context": {"device": {"token": "t"}}}),
    ("track", {"event": "Relationship Deleted", "properties": {"objectId": "acme"}}),
    ("track", {"event": "Report Content Event", "properties": {"actionType": "viewed_content"}}),
]


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def only(called: Called, method: str, path: str, body: Any, **headers: str) -> Message:
    """The message of a call that is taken."""
    answer = called.send(method, path, json.dumps(body).encode(), None, **headers)
    assert (answer.status, answer.body) == (200, b"{}\n")
    [message] = called.log.messages
    called.log.messages.clear()
    return message


@pytest.mark.parametrize(
    ("segment", "subject"),
    [
        ("5", "id:5"),
        ("B%40x.io", "email:b@x.io"),
        ("B@X.io", "email:b@x.io"),
        ("cio_03", "cio:03"),
        ("+14155552671", "id:+14155552671"),
    ],
)
@pytest.mark.parametrize(
    ("method", "call", "body"),
    [
        ("PUT", "", {}),
        ("DELETE", "", {}),
        ("POST", "/suppress", {}),
        ("POST", "/unsuppress", {}),
        ("POST", "/events", {"name": "x", "anonymous_id": "a", "data": NAMES}),
        ("POST", "/events", {"name": "x", "type": "page"}),
        ("POST", "/events", {"name": "x", "type": "screen"}),
        ("PUT", "/devices", {"device": DEVICE | {"id": "t"}}),
        ("DELETE", "/devices/t", {}),
    ],
)
def test_a_path_names_whom_a_call_is_about(
    called: Called, segment: str, subject: str, method: str, call: str, body: Any
) -> None:
    """By its shape."""
    message = only(called, method, f"/api/v1/customers/{segment}{call}", body)

    assert (message.subject, message.links) == (subject, ())


@pytest.mark.parametrize(
    ("identifiers", "subject"),
    [
        ({"id": 5}, "id:5"),
        ({"id": "B@x.io"}, "id:B@x.io"),
        ({"email": "B@x.io"}, "email:b@x.io"),
        ({"phone": "+14155552671"}, "phone:+14155552671"),
        ({"cio_id": "cio_03"}, "cio:03"),
        ({"cio_id": "03", "id": ""}, "cio:03"),
        ({"anonymous_id": 42}, "anon:42"),
    ],
)
@pytest.mark.parametrize(
    ("action", "more"),
    [
        ("identify", {}),
        ("event", {"name": "x", "attributes": NAMES}),
        ("page", {"name": "x", "data": NAMES}),
        ("screen", {"name": "x"}),
        ("add_relationships", {"cio_relationships": ACME}),
        ("delete_relationships", {"cio_relationships": ACME}),
        ("add_device", {"device": DEVICE}),
        ("delete_device", {"device": DEVICE}),
        ("delete", {}),
        ("suppress", {}),
        ("unsuppress", {}),
    ],
)
def test_identifiers_name_whom_an_entity_is(
    called: Called, identifiers: Any, subject: str, action: str, more: Any
) -> None:
    """By their names, whatever they look like."""
    entity = {"type": "person", "identifiers": identifiers, "action": action} | more
    message = only(called, "POST", "/api/v2/entity", entity)

    assert (message.subject, message.links) == (subject, ())


@pytest.mark.parametrize(
    ("who", "subject", "links"),
    [
        ({"userId": 5}, "id:5", ()),
        ({"userId": "B@x.io", "anonymousId": ""}, "email:b@x.io", ()),
        ({"userId": "cio_03"}, "cio:03", ()),
        ({"anonymousId": "a"}, "anon:a", ()),
        ({"userId": None, "anonymousId": 42}, "anon:42", ()),
        ({"userId": "5", "anonymousId": "a"}, "id:5", ("anon:a",)),
        ({"userId": "B@x.io", "anonymousId": "a"}, "email:b@x.io", ("anon:a",)),
        ({"userId": "cio_03", "anonymousId": "a"}, "cio:03", ("anon:a",)),
    ],
)
@pytest.mark.parametrize(("name", "more"), PIPELINES)
def test_a_user_id_names_whom_a_call_of_pipelines_is_about(
    called: Called, who: Any, subject: str, links: tuple[str, ...], name: str, more: Any
) -> None:
    """As a path would, or else it is the visitor, who is linked to the user by an identify."""
    message = only(called, "POST", f"/v1/{name}", who | more, x_strict_mode="1")

    assert (message.subject, message.links) == (subject, links if name == "identify" else ())
