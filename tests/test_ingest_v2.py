"""Track v2: each entity and action, from the request to the message on the log."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.api.v2_actions import ACTIONS
from schemas.messages import Message, encode
from tests.calling import Called, edge

ENTITY, BATCH = "/api/v2/entity", "/api/v2/batch"
TAKEN = (200, b"{}\n")
BOB: dict[str, Any] = {"type": "person", "identifiers": {"id": "42"}}
ACME: dict[str, Any] = {"type": "object", "identifiers": {"object_type_id": "1", "object_id": "acme"}}
PUSH: dict[str, Any] = {"type": "delivery", "identifiers": {"id": "RPIyMTM6OjEyMzQ="}}
TO_ACME = {"identifiers": ACME["identifiers"], "relationship_attributes": {"role": "admin"}}
TO_BOB = {"identifiers": {"id": "42"}, "relationship_attributes": {"role": "admin", "since": 1702480414}}
# Of the message: whom it is about, and what it says beside where and when it was said.
OF_BOB, OF_ACME = {"subject": "id:42"}, {"subject": "object:1/acme"}
WITH_ACME = {"relationships": [["object:1/acme", [["role", '"admin"']]]]}
WITH_BOB = {"relationships": [["id:42", [["role", '"admin"'], ["since", "1702480414"]]]]}
OF_PUSH = {"kind": "metric", "subject": "delivery:RPIyMTM6OjEyMzQ="}

# The examples of the contract's document and what else it allows, then what clients send beside it.
TAKES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {**BOB, "action": "identify", "attributes": {"first_name": "Jane", "plan": "premium"}},
        {**OF_BOB, "kind": "identify", "attributes": [["first_name", '"Jane"'], ["plan", '"premium"']]},
    ),
    ({**BOB, "action": "identify"}, {**OF_BOB, "kind": "identify"}),
    (
        {**BOB, "action": "identify", "attributes": {}, "cio_relationships": [TO_ACME]},
        {**OF_BOB, "kind": "identify", **WITH_ACME},
    ),
    (
        {**BOB, "action": "identify", "timestamp": 1772013598, "attributes": {"a": None}},
        {**OF_BOB, "kind": "identify", "timestamp": 1772013598, "sent_timestamp": "1772013598"}
        | {"attributes": [["a", "null"]]},
    ),
    (
        {**BOB, "action": "identify", "attributes": {"id": 42, "email": "Bob@Example.com", "_update": True}},
        {**OF_BOB, "kind": "identify", "links": ["email:bob@example.com"]}
        | {"attributes": [["id", "42"], ["email", '"Bob@Example.com"'], ["_update", "true"]]},
    ),
    (
        {**BOB, "action": "identify", "attributes": {"_update": "True", "a": 1, "_created_in_customerio_at": 5}},
        {**OF_BOB, "kind": "identify", "attributes": [["a", "1"], ["_update", "true"]]},
    ),
    (
        {**BOB, "action": "identify", "attributes": {"_update": False, "cio_id": "cio_7", "phone": "+14155552671"}},
        {**OF_BOB, "kind": "identify", "links": ["phone:+14155552671", "cio:7"]}
        | {"attributes": [["phone", '"+14155552671"']]},
    ),
    (
        {"type": "person", "identifiers": {"cio_id": "cio_7"}, "action": "identify"}
        | {"attributes": {"anonymous_id": "a", "email": "B@x.io", "cio_id": "7", "id": 42}},
        {"subject": "cio:7", "kind": "identify", "links": ["id:42", "email:b@x.io", "anon:a"]}
        | {"attributes": [["anonymous_id", '"a"'], ["email", '"B@x.io"'], ["id", "42"]]},
    ),
    (
        {"type": "person", "identifiers": {"phone": "+14155552671"}, "action": "identify"}
        | {"attributes": {"phone": "+14155552671", "email": "B@x.io"}},
        {"subject": "phone:+14155552671", "kind": "identify", "links": ["email:b@x.io"]}
        | {"attributes": [["phone", '"+14155552671"'], ["email", '"B@x.io"']]},
    ),
    (
        {**BOB, "action": "identify", "attributes": {"cio_subscription_preferences": {"topics": {"topic_1": False}}}},
        {**OF_BOB, "kind": "identify"}
        | {"attributes": [["cio_subscription_preferences", '{"topics": {"topic_1": false}}']]},
    ),
    (
        {**BOB, "action": "event", "name": "purchase", "attributes": {"product": "Widget", "price": 29.99}},
        {**OF_BOB, "kind": "event", "name": "purchase", "data": {"product": "Widget", "price": 29.99}},
    ),
    (
        {**BOB, "action": "event", "name": " purchase ", "id": "01BX5ZZKBKACTAV9WEVGEMMVRZ", "timestamp": 1772013598},
        {**OF_BOB, "kind": "event", "name": "purchase", "timestamp": 1772013598}
        | {"sent_timestamp": "1772013598", "filed_at": 1508808576.371},
    ),
    (
        {**BOB, "action": "event", "name": "purchase", "id": "42"},
        {**OF_BOB, "kind": "event", "name": "purchase", "client_id": "42"},
    ),
    (
        {**BOB, "action": "page", "name": "/pricing", "attributes": {"referrer": "https://example.com"}},
        {**OF_BOB, "kind": "page", "name": "/pricing", "data": {"referrer": "https://example.com"}},
    ),
    (
        {**BOB, "action": "screen", "name": "Dashboard", "attributes": {"app_version": "2.1.0"}},
        {**OF_BOB, "kind": "screen", "name": "Dashboard", "data": {"app_version": "2.1.0"}},
    ),
    (
        {**BOB, "action": "add_relationships", "cio_relationships": [TO_ACME]},
        {**OF_BOB, "kind": "add_relationships", **WITH_ACME},
    ),
    (
        {**BOB, "action": "delete_relationships", "cio_relationships": [{"identifiers": {"cio_object_id": "ob1"}}]},
        {**OF_BOB, "kind": "delete_relationships", "relationships": [["cio_object:ob1", []]]},
    ),
    (
        {**BOB, "action": "add_device", "device": {"token": "a83b", "platform": "ios", "last_used": 1713484800}},
        {**OF_BOB, "kind": "add_device", "target": "a83b", "name": "ios"}
        | {"timestamp": 1713484800, "sent_timestamp": "1713484800"},
    ),
    (
        {**BOB, "action": "add_device", "device": {"token": "t", "platform": "android", "attributes": {"app": "2"}}},
        {**OF_BOB, "kind": "add_device", "target": "t", "name": "android", "attributes": [["app", '"2"']]},
    ),
    (
        {**BOB, "action": "delete_device", "device": {"token": "a83b"}},
        {**OF_BOB, "kind": "delete_device", "target": "a83b"},
    ),
    (
        {"type": "person", "action": "merge", "primary": {"id": "42"}, "secondary": {"email": "B@x.io"}},
        {**OF_BOB, "kind": "merge", "links": ["email:b@x.io"]},
    ),
    (
        {"type": "person", "action": "merge", "primary": {"cio_id": "cio_7"}, "secondary": {"cio_id": "8"}},
        {"subject": "cio:7", "kind": "merge", "links": ["cio:8"]},
    ),
    ({**BOB, "action": "delete"}, {**OF_BOB, "kind": "delete"}),
    ({**BOB, "action": "suppress"}, {**OF_BOB, "kind": "suppress"}),
    ({**BOB, "action": "unsuppress"}, {**OF_BOB, "kind": "unsuppress"}),
    (
        {**ACME, "action": "identify", "attributes": {"name": "Acme Corp", "seats": 50}},
        {**OF_ACME, "kind": "identify", "attributes": [["name", '"Acme Corp"'], ["seats", "50"]]},
    ),
    (
        {**ACME, "action": "identify", "cio_relationships": [TO_BOB]},
        {**OF_ACME, "kind": "identify", **WITH_BOB},
    ),
    (
        {"type": "object", "identifiers": {"cio_object_id": "ob1"}, "action": "identify", "attributes": {"a": ""}},
        {"subject": "cio_object:ob1", "kind": "identify", "attributes": [["a", '""']]},
    ),
    (
        {**ACME, "action": "identify_anonymous", "anonymous_id": "anon-abc-123"},
        {**OF_ACME, "kind": "identify", "relationships": [["anon:anon-abc-123", []]]},
    ),
    (
        {**ACME, "action": "identify_anonymous", "attributes": {"a": 1}}
        | {"cio_relationships": [{"identifiers": {"anonymous_id": "b"}, "relationship_attributes": {"r": 1}}]},
        {**OF_ACME, "kind": "identify", "attributes": [["a", "1"]], "relationships": [["anon:b", [["r", "1"]]]]},
    ),
    ({**ACME, "action": "delete"}, {**OF_ACME, "kind": "delete"}),
    (
        {**ACME, "action": "add_relationships", "cio_relationships": [TO_BOB, {"identifiers": {"cio_id": "cio_7"}}]},
        {**OF_ACME, "kind": "add_relationships", "relationships": [*WITH_BOB["relationships"], ["cio:7", []]]},
    ),
    (
        {**ACME, "action": "delete_relationships", "cio_relationships": [{"identifiers": {"email": "B@x.io"}}]},
        {**OF_ACME, "kind": "delete_relationships", "relationships": [["email:b@x.io", []]]},
    ),
    (
        {**PUSH, "action": "event", "name": "opened", "attributes": {"device_token": "a83b"}},
        {**OF_PUSH, "name": "opened", "attributes": [["device_id", '"a83b"']]},
    ),
    (
        {**PUSH, "action": "event", "name": "converted", "timestamp": "1713484800", "attributes": {"device_token": 7}},
        {**OF_PUSH, "name": "converted", "attributes": [["device_id", "7"]]}
        | {"timestamp": 1713484800, "sent_timestamp": "1713484800"},
    ),
    # Ruby's readme calls an event's attributes data; null and nothing are no attributes.
    (
        {**BOB, "action": "event", "name": "x", "data": {"a": 1}},
        {**OF_BOB, "kind": "event", "name": "x", "data": {"a": 1}},
    ),
    (
        {**BOB, "action": "page", "name": "x", "attributes": None, "data": {"a": 1}},
        {**OF_BOB, "kind": "page", "name": "x", "data": {"a": 1}},
    ),
    ({**BOB, "action": "event", "name": "x", "attributes": {}, "data": None}, {**OF_BOB, "kind": "event", "name": "x"}),
    # Segment sends people without any other identifier, times with decimals, and two actions more.
    (
        {"type": "person", "identifiers": {"anonymous_id": 7}, "action": "identify", "attributes": {"a": 1}},
        {"subject": "anon:7", "kind": "identify", "attributes": [["a", "1"]]},
    ),
    (
        {"type": "person", "identifiers": {"anonymous_id": "7"}, "action": "event", "name": "x"},
        {"subject": "anon:7", "kind": "event", "name": "x"},
    ),
    (
        {"type": "person", "identifiers": {"anonymous_id": "7"}, "action": "delete"},
        {"subject": "anon:7", "kind": "delete"},
    ),
    (
        {**BOB, "action": "identify", "attributes": {"anonymous_id": "7"}, "timestamp": "1713484800.25"},
        {**OF_BOB, "kind": "identify", "links": ["anon:7"], "attributes": [["anonymous_id", '"7"']]}
        | {"timestamp": 1713484800.25, "sent_timestamp": "1713484800.25"},
    ),
    (
        {**BOB, "action": "viewed_content", "name": "viewed_content", "attributes": {"contentId": 3}},
        {**OF_BOB, "kind": "event", "name": "viewed_content", "data": {"contentId": 3}},
    ),
    (
        {**BOB, "action": "clicked_content", "name": "clicked_content"},
        {**OF_BOB, "kind": "event", "name": "clicked_content"},
    ),
    # What the contract has for people only are attributes of an object.
    (
        {**ACME, "action": "identify", "attributes": {"_update": True, "cio_id": "7", "_timestamp": 5}},
        {**OF_ACME, "kind": "identify", "attributes": [["_update", "true"], ["cio_id", '"7"'], ["_timestamp", "5"]]},
    ),
    # A company's email is nobody's, and what Segment leaves among its attributes makes it no person.
    (
        {**ACME, "action": "identify", "attributes": {"email": "office@acme.com", "anonymous_id": "7", "id": "9"}},
        {**OF_ACME, "kind": "identify"}
        | {"attributes": [["email", '"office@acme.com"'], ["anonymous_id", '"7"'], ["id", '"9"']]},
    ),
    (
        {**ACME, "action": "identify", "attributes": {"text": "x" * 30_000}},
        {**OF_ACME, "kind": "identify", "attributes": [["text", f'"{"x" * 30_000}"']]},
    ),
    # As v1 would have them.
    (
        {**BOB, "action": "identify", "attributes": {"_timestamp": 1713484800, "cio_relationships": [TO_ACME], "a": 1}},
        {**OF_BOB, "kind": "identify", "attributes": [["a", "1"]], **WITH_ACME}
        | {"timestamp": 1713484800, "sent_timestamp": "1713484800"},
    ),
    # Identifiers of every kind; numbers are their text, what is unknown is not looked at.
    (
        {"type": "person", "identifiers": {"email": "B@x.io"}, "action": "suppress", "more": [1]},
        {"subject": "email:b@x.io", "kind": "suppress"},
    ),
    (
        {"type": "person", "identifiers": {"phone": "+14155552671"}, "action": "delete", "timestamp": "never"},
        {"subject": "phone:+14155552671", "kind": "delete"},
    ),
    (
        {"type": "person", "identifiers": {"cio_id": "a5", "id": None, "x": 1}, "action": "delete"},
        {"subject": "cio:a5", "kind": "delete"},
    ),
    ({"type": "person", "identifiers": {"id": 5}, "action": "delete"}, {"subject": "id:5", "kind": "delete"}),
    (
        {"type": "object", "identifiers": {"object_type_id": 1, "object_id": "a/b"}, "action": "delete"},
        {"subject": "object:1/a/b", "kind": "delete"},
    ),
]


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def said(message: Message) -> dict[str, Any]:
    """As it is on the log, without what every message has."""
    fields = json.loads(encode(message))
    assert (fields.pop("workspace"), fields.pop("received_at")) == ("site", 1_700_000_000.0)
    if not message.sent_timestamp:
        assert fields.pop("timestamp") == 1_700_000_000.0
    del fields["id"], fields["context"]
    return dict(fields)


def test_every_action_has_its_rows() -> None:
    """No row of the API's own table is left out here."""
    assert {(entity["type"], entity["action"]) for entity, _ in TAKES} == set(ACTIONS)


@pytest.mark.parametrize(("entity", "message"), TAKES)
def test_an_entity_becomes_a_message(called: Called, entity: dict[str, Any], message: dict[str, Any]) -> None:
    """Alone or in a batch: 200 to the byte, and exactly that message on the log."""
    alone = called.send("POST", ENTITY, json.dumps(entity).encode())
    among = called.send("POST", BATCH, json.dumps({"batch": [entity]}).encode())

    assert (alone.status, alone.body) == (among.status, among.body) == TAKEN
    assert [message, message] == [said(each) for each in called.log.messages]
