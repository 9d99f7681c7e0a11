"""Track v2: what breaks the contract, and what the client is told of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.api import v2
from ingest.arrivals import Arrival
from ingest.bodies import parse
from schemas.messages import Context
from tests.calling import Called, edge
from tests.test_ingest_v2 import ACME, BATCH, BOB, ENTITY, PUSH, TAKEN, TO_ACME, TO_BOB

ANYBODY = "identifiers must have exactly one of id, email, phone, cio_id, anonymous_id"
SECONDS = "must be a number of seconds since 1970"
GOOD: dict[str, Any] = {**BOB, "action": "event", "name": "x"}
PERSON_ACTIONS = (
    "identify, event, page, screen, viewed_content, clicked_content, add_relationships, delete_relationships, "
    "add_device, delete_device, merge, delete, suppress, unsuppress"
)
ALL_ACTIONS = f"{PERSON_ACTIONS}, identify_anonymous"

# What is sent; reason, field and message of each thing that is wrong with it.
REFUSED: list[tuple[dict[str, Any], list[tuple[str, str, str]]]] = [
    ({}, [("required", "type", "type is required"), ("required", "action", "action is required")]),
    ({"type": "person", "action": ""}, [("required", "action", "action is required")]),
    (
        {"type": "company", "action": "dance"},
        [
            ("invalid", "type", "type must be one of person, object, delivery"),
            ("invalid", "action", f"action must be one of {ALL_ACTIONS}"),
        ],
    ),
    ({"type": ["person"], "action": "event"}, [("invalid", "type", "type must be one of person, object, delivery")]),
    ({**BOB, "action": {}}, [("invalid", "action", f"action must be one of {PERSON_ACTIONS}")]),
    (
        {"type": "delivery", "action": "identify", "identifiers": {}},
        [
            ("invalid", "action", "action must be one of event"),
            ("required", "identifiers.id", "identifiers.id is required"),
        ],
    ),
    ({"type": "person", "action": "delete"}, [("required", "identifiers", "identifiers is required")]),
    (
        {"type": "person", "action": "delete", "identifiers": "42"},
        [("invalid", "identifiers", "identifiers must be an object")],
    ),
    ({"type": "person", "action": "delete", "identifiers": {"x": 1}}, [("required", "identifiers", ANYBODY)]),
    (
        {"type": "person", "action": "delete", "identifiers": {"id": "1", "email": "a@b.cc"}},
        [("invalid", "identifiers", ANYBODY)],
    ),
    (
        {"type": "person", "action": "delete", "identifiers": {"id": "x" * 151}},
        [("invalid", "identifiers.id", "identifiers.id cannot be longer than 150 bytes")],
    ),
    (
        {"type": "person", "action": "delete", "identifiers": {"email": ["a@b.cc"]}},
        [("invalid", "identifiers.email", "identifiers.email must be a string")],
    ),
    (
        {"type": "object", "action": "delete", "identifiers": {"object_id": True}},
        [
            ("required", "identifiers.object_type_id", "identifiers.object_type_id is required"),
            ("invalid", "identifiers.object_id", "identifiers.object_id must be a string"),
        ],
    ),
    ({**BOB, "action": "identify", "attributes": []}, [("invalid", "attributes", "attributes must be an object")]),
    (
        {**BOB, "action": "identify", "attributes": {"plan": "x" * 1001}, "timestamp": "soon"},
        [
            ("invalid", "timestamp", f"timestamp {SECONDS}"),
            ("invalid", "attributes.plan", "value for attribute 'plan' cannot be longer than 1000 bytes"),
        ],
    ),
    (
        {**BOB, "action": "identify", "attributes": {str(number): 1 for number in range(301)}},
        [("invalid", "attributes", "cannot identify more than 300 attributes in one request")],
    ),
    (
        {**ACME, "action": "identify", "attributes": {"x" * 151: 1}},
        [("invalid", "attributes", "attribute name cannot be longer than 150 bytes")],
    ),
    (
        {**BOB, "action": "identify", "attributes": {"id": "43"}},
        [("invalid", "attributes.id", "id attribute and identifier are not the same value")],
    ),
    (
        {**BOB, "action": "identify", "attributes": {"cio_relationships": {"action": "add_relationships"}}},
        [
            (
                "invalid",
                "attributes.cio_relationships",
                "attributes.cio_relationships must be an array of relationships",
            )
        ],
    ),
    (
        {**BOB, "action": "identify"}
        | {"cio_relationships": [TO_ACME, {"identifiers": {"object_type_id": "1"}, "relationship_attributes": 1}, {}]},
        [
            (
                "required",
                "cio_relationships[1].identifiers.object_id",
                "cio_relationships[1].identifiers.object_id is required",
            ),
            (
                "invalid",
                "cio_relationships[1].relationship_attributes",
                "cio_relationships[1].relationship_attributes must be an object",
            ),
            ("required", "cio_relationships[2].identifiers", "cio_relationships[2].identifiers is required"),
        ],
    ),
    (
        {**BOB, "action": "event", "name": " ", "id": {}, "timestamp": [], "attributes": "x", "identifiers": {}},
        [
            ("required", "identifiers", ANYBODY),
            ("required", "name", "event name must not be blank"),
            ("invalid", "attributes", 'event data must be a hash (e.g., send "data":{} instead of "data":"")'),
            ("invalid", "id", "event id must be a string"),
            ("invalid", "timestamp", f"timestamp {SECONDS}"),
        ],
    ),
    (
        {**BOB, "action": "event", "name": "x" * 101, "data": 5},
        [
            ("invalid", "name", "event name cannot be longer than 100 bytes"),
            ("invalid", "data", 'event data must be a hash (e.g., send "data":{} instead of "data":"")'),
        ],
    ),
    (
        {**BOB, "action": "page", "name": "x" * 501},
        [("invalid", "name", "event name must be less than 500 characters")],
    ),
    (
        {**BOB, "action": "add_relationships", "cio_relationships": []},
        [("required", "cio_relationships", "cio_relationships is required")],
    ),
    (
        {**ACME, "action": "delete_relationships", "cio_relationships": [TO_BOB, 1]},
        [("invalid", "cio_relationships", "cio_relationships must be an array of relationships")],
    ),
    (
        {**ACME, "action": "identify_anonymous", "anonymous_id": [], "cio_relationships": [TO_BOB]},
        [
            (
                "required",
                "cio_relationships[0].identifiers",
                "cio_relationships[0].identifiers must have exactly one of anonymous_id",
            ),
            ("invalid", "anonymous_id", "anonymous_id must be a string"),
        ],
    ),
    ({**BOB, "action": "add_device"}, [("required", "device", "device is required")]),
    ({**BOB, "action": "delete_device", "device": "t"}, [("invalid", "device", "device must be an object")]),
    (
        {**BOB, "action": "add_device", "device": {"platform": "symbian", "last_used": "?", "attributes": 1}},
        [
            ("required", "device.token", "device.token is required"),
            ("invalid", "device.platform", "device.platform must be one of ios, android"),
            ("invalid", "device.last_used", f"device.last_used {SECONDS}"),
            ("invalid", "device.attributes", "device.attributes must be an object"),
        ],
    ),
    ({**BOB, "action": "delete_device", "device": {}}, [("required", "device.token", "device.token is required")]),
    (
        {"type": "person", "action": "merge", "primary": {"id": "1", "email": "a@b.cc"}},
        [
            ("invalid", "primary", "primary must have exactly one of id, email, cio_id"),
            ("required", "secondary", "secondary is required"),
        ],
    ),
    (
        {**PUSH, "action": "event", "name": "exploded", "attributes": {"device_token": [], "href": {}}},
        [
            ("invalid", "name", "name must be one of opened, converted, delivered"),
            ("invalid", "attributes.device_token", "attributes.device_token must be a string"),
            ("invalid", "attributes.href", "attributes.href must be a string"),
        ],
    ),
    ({**PUSH, "action": "event", "name": "opened"}, [("required", "attributes", "attributes is required")]),
]
NO_BATCH: list[tuple[Any, str, str]] = [
    ({}, "required", "batch must be an array of objects"),
    ({"batch": None}, "required", "batch must be an array of objects"),
    ({"batch": GOOD}, "invalid", "batch must be an array of objects"),
    ({"batch": "[]"}, "invalid", "batch must be an array of objects"),
    ({"batch": []}, "invalid", "batch must not be empty"),
    ({"batch": [1] * 20_001}, "invalid", "batch cannot have more than 20000 items"),
]


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def told(problems: list[tuple[str, str, str]], **more: int) -> list[dict[str, Any]]:
    return [{**more, "reason": reason, "field": field, "message": message} for reason, field, message in problems]


@pytest.mark.parametrize(("entity", "problems"), REFUSED)
def test_an_entity_that_breaks_the_contract_is_refused(
    called: Called, entity: dict[str, Any], problems: list[tuple[str, str, str]]
) -> None:
    """All that is wrong with it at once, each with its field; in a batch nothing else is refused with it."""
    alone = called.send("POST", ENTITY, json.dumps(entity).encode())
    assert (alone.status, alone.json, called.log.messages) == (400, {"errors": told(problems)}, [])

    among = called.send("POST", BATCH, json.dumps({"batch": [GOOD, entity, GOOD]}).encode())
    assert (among.status, among.json) == (207, {"errors": told(problems, batch_index=1)})
    assert [message.kind for message in called.log.messages] == ["event", "event"]


@pytest.mark.parametrize(("body", "reason", "message"), NO_BATCH)
def test_what_is_no_batch_is_refused_as_a_whole(called: Called, body: Any, reason: str, message: str) -> None:
    """400, in the shape of v2."""
    answer = called.send("POST", BATCH, json.dumps(body).encode())

    assert (answer.status, answer.json) == (400, {"errors": told([(reason, "batch", message)])})


@pytest.mark.parametrize("body", [b"", b"[]", b'{"batch":[', b'{"batch":[{}]}x', b'{"batch":["\xff"]}', b'{"a":1e400}'])
@pytest.mark.parametrize("path", [ENTITY, BATCH])
def test_a_malformed_body_is_refused_as_a_whole(called: Called, path: str, body: bytes) -> None:
    """400 in the shape of v2, and nothing is taken."""
    answer = called.send("POST", path, body)

    assert (answer.status, list(answer.json), called.log.messages) == (400, ["errors"], [])
    assert all(set(error) == {"reason", "field", "message"} for error in answer.json["errors"])


def test_a_207_to_the_byte(called: Called) -> None:
    """Each problem of each refused item, in the order of the items; the rest is on the log."""
    items = [GOOD, {**BOB, "action": "event"}, 5, GOOD | {"name": 1, "id": []}, GOOD]
    answer = called.send("POST", BATCH, json.dumps({"batch": items}).encode())

    assert answer.status == 207
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.body == (
        b'{"errors":[{"batch_index":1,"reason":"required","field":"name","message":"event name must not be blank"},'
        b'{"batch_index":2,"reason":"invalid","field":"","message":"an item of a batch must be an object"},'
        b'{"batch_index":3,"reason":"invalid","field":"name","message":"event name must be a string"},'
        b'{"batch_index":3,"reason":"invalid","field":"id","message":"event id must be a string"}]}\n'
    )
    assert len(called.log.messages) == 2


def test_a_batch_of_nothing_good_is_a_207_and_leaves_nothing(called: Called) -> None:
    """Every item is named; none is a row of `rejections`, for the client was told."""
    answer = called.send("POST", BATCH, json.dumps({"batch": [{}, None, [], "x"]}).encode())

    assert answer.status == 207
    assert {error["batch_index"] for error in answer.json["errors"]} == {0, 1, 2, 3}
    assert called.log.messages == []


@pytest.mark.parametrize("path", [ENTITY, BATCH])
def test_a_stranger_is_told_so_in_the_shape_of_v2(called: Called, path: str) -> None:
    """401, for the whole request."""
    answer = called.send("POST", path, json.dumps({"batch": [GOOD]}).encode(), {"authorization": ""})

    assert answer.status == 401
    assert answer.json == {"errors": told([("unauthorized", "", "Unauthorized request")])}


def test_the_answer_to_everything_taken_has_no_errors(called: Called) -> None:
    """An empty list would read as a failure."""
    answer = called.send("POST", BATCH, json.dumps({"batch": [GOOD] * 100}).encode())

    assert (answer.status, answer.body, len(called.log.messages)) == (*TAKEN, 100)


def test_an_answer_has_an_end(called: Called) -> None:
    """Of an entity with thousands of mistakes a hundred are told."""
    entity = {**BOB, "action": "add_relationships", "cio_relationships": [{}] * 10_000}
    answer = called.send("POST", ENTITY, json.dumps(entity, separators=(",", ":")).encode())

    assert (answer.status, len(answer.json["errors"])) == (400, 100)


def test_an_item_that_the_key_may_not_say_is_refused_by_itself() -> None:
    """A browser's key adds to what is known of somebody, and takes nothing away."""
    arrival = Arrival("site", 1_700_000_000.0, "an-id", Context("test"), "browser")
    items = json.dumps({"batch": [GOOD, {**BOB, "action": "delete"}, GOOD]}).encode()
    made = v2.batch(arrival, {}, parse(items, "application/json"))

    assert [message.kind for message in made.messages] == ["event", "event"]
    assert [(item.number, item.error.status) for item in made.refused] == [(1, 403)]
