"""Track v1, whatever is sent: an answer in JSON, and nothing half-taken on the log."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.messages import encode
from tests.calling import EVENTS, IDENTIFY, Called, edge

ACME = {"identifiers": {"object_type_id": "1", "object_id": "acme"}, "relationship_attributes": {"role": "boss"}}
RELATED = {"action": "delete_relationships", "relationships": [ACME, {"identifiers": {"cio_object_id": "o"}}]}
EVENT = {"name": "bought", "type": "page", "id": "7", "timestamp": 1, "data": {"a": 1}, "anonymous_id": "a"}
DELIVERED = {"delivery_id": "d", "timestamp": 1, "recipient": "b@x.io", "reason": "r", "href": "h", "device_id": "t"}
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", IDENTIFY, {"id": "5", "email": "b@x.io", "_timestamp": 1, "a": {"b": [1]}, "cio_relationships": RELATED}),
    ("PUT", f"{IDENTIFY}/devices", {"device": {"id": "t", "platform": "ios", "last_used": 1, "attributes": {"a": 1}}}),
    ("POST", EVENTS, EVENT),
    ("POST", "/api/v1/events", EVENT),
    ("POST", "/api/v1/merge_customers", {"primary": {"id": "5"}, "secondary": {"email": "b@x.io"}}),
    ("POST", "/api/v1/segments/7/add_customers", {"ids": ["5", "6"]}),
    ("POST", "/api/v1/segments/7/remove_customers?id_type=email", {"ids": ["b@x.io"]}),
    ("POST", "/api/v1/forms/f/submit", {"data": {"email": "b@x.io", "name": "Bob"}}),
    ("POST", "/api/v1/metrics", {"metric": "opened", **DELIVERED}),
    ("POST", "/api/v1/push/events", {"event": "opened", **DELIVERED}),
    ("POST", "/unsubscribe/d", {"unsubscribe": True}),
]
FORM = "/api/v1/forms/f/submit"
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Called:
    return edge(tmp_path_factory.mktemp("edge"))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each object or array within a value, and what it can be asked for there."""
    for step in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, step
        yield from places(value[step])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(call=st.sampled_from(CALLS), which=st.integers(0, 100), value=values, twice=st.integers(0, 100), other=values)
def test_a_value_of_any_type_in_any_place_is_taken_or_refused(
    called: Called, call: tuple[str, str, dict[str, Any]], which: int, value: Any, twice: int, other: Any
) -> None:
    """Whole: what is refused left nothing but a form's name, what is taken is about somebody and can be read back."""
    method, path, sent = call
    body = copy.deepcopy(sent)
    for number, put in ((which, value), (twice, other)):
        found = list(places(body))
        within, step = found[number % len(found)]
        within[step] = put
    try:
        text = json.dumps(body).encode()
        answer = called.send(method, path, text)
        messages = list(called.log.messages)
    finally:
        called.log.messages.clear()

    if answer.status == 400:
        assert [message.subject for message in messages] == (["form:f"] if path == FORM else [])
        [(name, errors)] = answer.json["meta"].items()
        assert name == ("error" if "merge" in path else "errors")
        assert errors
    else:
        assert (answer.status, answer.body) == ((204, b"") if path == FORM else (200, b"{}\n"))
        assert messages
        for message in messages:
            assert all(message.subject.partition(":"))
            assert json.loads(encode(message))["subject"] == message.subject


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", FORM, {"data": {str(number): number for number in range(30_000)}}),
        ("POST", "/api/v1/segments/7/add_customers", {"ids": [None] * 1000}),
        ("PUT", IDENTIFY, {"cio_relationships": {"action": "add_relationships", "relationships": [{}] * 30_000}}),
        ("PUT", IDENTIFY, {str(number): "x" * 1001 for number in range(500)}),
    ],
)
def test_an_answer_does_not_outgrow_its_request(called: Called, method: str, path: str, body: dict[str, Any]) -> None:
    """The first hundred things that are wrong are enough to begin with."""
    answer = called.send(method, path, json.dumps(body).encode())
    called.log.messages.clear()

    assert (answer.status, len(answer.json["meta"]["errors"])) == (400, 100)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in CALLS])
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", None),
        (b"[]", "application/json", 400),
        (b'{"a":', "application/json", 400),
        (b'{"a":"\xff"}', "application/json", 400),
        (b'{"a":1e400}', "application/json", 400),
        (b'{"a":"\\ud800"}', "application/json", 400),
        (b'{"a":' + b"[" * 200_000, "application/json", 400),
        (b"a=1&a[b]=2", "application/x-www-form-urlencoded", 400),
        (b"a=%FF", "application/x-www-form-urlencoded", 400),
        (b"<a/>", "text/xml", 415),
    ],
)
def test_what_cannot_be_read_is_refused_by_each_call(
    called: Called, method: str, path: str, body: bytes, content_type: str, status: int | None
) -> None:
    """An empty body is an empty object, whatever that is to the call."""
    answer = called.send(method, path, body, {"content-type": content_type})
    messages = list(called.log.messages)
    called.log.messages.clear()

    if status is None:
        assert answer.status == (200 if path == IDENTIFY else 400)
    else:
        assert (answer.status, messages) == (status, [])
        assert list(answer.json) == ["meta"]
