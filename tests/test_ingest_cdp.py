"""Data Pipelines: what each call says is kept, by the message that says it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.calling import Answer, Called, edge

TIME = "2015-12-12T19:11:01.249Z"
AT = 1_449_947_461.249
SHORT = {"identify": "i", "track": "t", "page": "p", "screen": "s", "group": "g", "alias": "a"}
DEVICE = {"device": {"token": "abc", "type": "iOS", "model": "SE"}}
KNOWN, UNKNOWN = {"userId": "5"}, {"anonymousId": "q"}
PERSON = {"subject": "id:5", "links": ()}


def track(event: str, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"event": event} | ({} if properties is None else {"properties": properties}) | more


# The call, its body, and of its message what is named here.
CALLS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("identify", KNOWN | {"traits": {"a": 1.0}}, PERSON | {"kind": "identify", "attributes": (("a", "1.0"),)}),
    ("identify", KNOWN | {"traits": {"a": None}}, PERSON | {"attributes": (("a", "null"),)}),
    ("identify", KNOWN | {"traits": None}, PERSON | {"kind": "identify", "attributes": ()}),
    ("identify", KNOWN | UNKNOWN, {"subject": "id:5", "links": ("anon:q",)}),
    ("identify", KNOWN | {"traits": {"id": "6"}}, PERSON | {"attributes": (("id", '"6"'),)}),
    ("identify", KNOWN | {"traits": {"email": "A@b.co"}}, {"subject": "id:5", "links": ("email:a@b.co",)}),
    ("identify", UNKNOWN | {"traits": {"email": "A@b.co"}}, {"subject": "email:a@b.co", "links": ("anon:q",)}),
    ("identify", UNKNOWN | {"userId": "", "traits": {"email": "n/a"}}, {"subject": "anon:q", "links": ()}),
    ("identify", UNKNOWN | {"userId": None, "traits": {}}, {"subject": "anon:q"}),
    ("identify", KNOWN | {"timestamp": TIME}, {"timestamp": AT, "sent_timestamp": TIME}),
    ("identify", {"userId": "A@b.co"}, {"subject": "email:a@b.co"}),
    ("identify", {"userId": "cio_03"}, {"subject": "cio:03"}),
    ("identify", {"userId": 5}, {"subject": "id:5"}),
    ("track", KNOWN | track(" Seen ", {"n": 1.0}), PERSON | {"kind": "event", "name": "Seen", "data": b'{"n": 1.0}'}),
    ("track", UNKNOWN | track("Seen"), {"subject": "anon:q", "data": b"{}"}),
    ("track", KNOWN | UNKNOWN | track("Seen"), {"subject": "id:5", "links": ("anon:q",)}),
    ("track", KNOWN | track("Seen", type="identify"), {"kind": "event"}),
    ("page", KNOWN | {"name": "Home"}, PERSON | {"kind": "page", "name": "Home", "data": b"{}"}),
    ("page", KNOWN | {"name": "Home", "category": "Docs"}, {"name": "Home", "data": b'{"category":"Docs"}'}),
    (
        "page",
        KNOWN | {"name": "Home", "category": "Docs", "properties": {"a": 1}},
        {"name": "Home", "data": b'{"category":"Docs","a": 1}'},
    ),
    (
        "page",
        KNOWN | {"name": "Home", "category": "Docs", "properties": {"category": "x"}},
        {"name": "Home", "data": b'{"category": "x"}'},
    ),
    ("page", KNOWN | {"name": " ", "category": "Docs"}, {"name": "Docs", "data": b"{}"}),
    ("page", KNOWN | {"properties": {"path": "/x", "url": "https://x"}}, {"name": "https://x"}),
    ("page", KNOWN | {"properties": {"url": "x" * 600}}, {"name": "x" * 500}),
    ("page", KNOWN | {"properties": {"url": 5, "path": "/x"}}, {"name": "/x"}),
    ("page", KNOWN, {"name": ""}),
    ("screen", UNKNOWN | {"name": "Home"}, {"kind": "screen", "subject": "anon:q", "name": "Home"}),
    (
        "group",
        KNOWN | {"groupId": "acme", "traits": {"a": 1, "relationshipAttributes": {"role": "x"}}},
        {
            "kind": "identify",
            "subject": "object:1/acme",
            "attributes": (("a", "1"),),
            "relationships": (("id:5", (("role", '"x"'),)),),
            "links": (),
        },
    ),
    ("group", KNOWN | {"groupId": 7, "traits": {"objectTypeId": 2}}, {"subject": "object:2/7", "attributes": ()}),
    ("group", KNOWN | {"groupId": "7", "traits": {"object_type_id": "a/b"}}, {"subject": "object:a%2Fb/7"}),
    ("group", {"groupId": "7", "traits": {"email": "x@y.zz"}}, {"relationships": (), "links": ()}),
    ("group", UNKNOWN | {"groupId": "7"}, {"relationships": (("anon:q", ()),)}),
    ("alias", KNOWN | {"previousId": "4"}, {"kind": "merge", "subject": "id:5", "links": ("id:4",)}),
    ("alias", KNOWN | {"previousId": "a@b.co"}, {"links": ("email:a@b.co",)}),
    ("alias", KNOWN | UNKNOWN | {"previousId": "q"}, {"links": ("anon:q",)}),
    (
        "track",
        KNOWN | track("Device Created or Updated", {"os": "17"}, context=DEVICE, timestamp=TIME),
        PERSON
        | {
            "kind": "add_device",
            "target": "abc",
            "name": "ios",
            "attributes": (("os", '"17"'), ("model", '"SE"')),
            "timestamp": AT,
            "sent_timestamp": TIME,
        },
    ),
    (
        "track",
        KNOWN | track("Device Created or Updated", {"device": {"token": "abc", "platform": "android"}}),
        {"kind": "add_device", "target": "abc", "name": "android", "attributes": ()},
    ),
    ("track", KNOWN | track("Device Deleted", context=DEVICE), {"kind": "delete_device", "target": "abc"}),
    ("track", KNOWN | UNKNOWN | track("User Deleted"), PERSON | {"kind": "delete"}),
    ("track", KNOWN | track("User Suppressed", timestamp=TIME), {"kind": "suppress", "sent_timestamp": ""}),
    ("track", KNOWN | track("User Unsuppressed"), PERSON | {"kind": "unsuppress"}),
    (
        "track",
        KNOWN | track("Relationship Deleted", {"objectId": "7"}),
        {"kind": "delete_relationships", "subject": "id:5", "relationships": (("object:1/7", ()),)},
    ),
    ("track", UNKNOWN | track("Object Deleted", {"objectId": 7, "objectTypeId": 2}), {"subject": "object:2/7"}),
    ("track", track("Object Deleted", groupId="7"), {"kind": "delete", "subject": "object:1/7"}),
    (
        "track",
        track("Report Delivery Event", {"deliveryId": "d", "metric": "clicked", "recipient": "x", "actionValue": "/"}),
        {
            "kind": "metric",
            "subject": "delivery:d",
            "name": "clicked",
            "attributes": (("recipient", '"x"'), ("action_value", '"/"')),
        },
    ),
    (
        "track",
        UNKNOWN | track("Report Content Event", {"actionType": "viewed_content"}),
        {"kind": "event", "subject": "anon:q", "name": "viewed_content", "data": b'{"actionType": "viewed_content"}'},
    ),
]

# What nobody can do anything with, and all that is said of it.
WRONG: list[tuple[str, dict[str, Any], list[str]]] = [
    ("identify", {}, ["userId or anonymousId is required"]),
    ("identify", {"userId": " ", "anonymousId": None}, ["userId or anonymousId is required"]),
    ("identify", {"userId": []}, ["userId must be a string"]),
    ("identify", KNOWN | {"traits": []}, ["traits must be an object"]),
    ("identify", KNOWN | {"context": "x"}, ["context must be an object"]),
    ("identify", KNOWN | {"messageId": {}}, ["messageId must be a string"]),
    ("identify", KNOWN | {"messageId": "x" * 151}, ["messageId cannot be longer than 150 bytes"]),
    ("identify", KNOWN | {"timestamp": "soon"}, ["timestamp must be an ISO 8601 date and time"]),
    ("track", {}, ["event name must not be blank", "userId or anonymousId is required"]),
    ("track", KNOWN | track("x", []), ["properties must be an object"]),  # type: ignore[arg-type]
    ("track", KNOWN | {"event": 5}, ["event name must be a string"]),
    ("track", KNOWN | track("x" * 101), ["event name cannot be longer than 100 bytes"]),
    ("page", KNOWN | {"name": "x" * 501}, ["event name must be less than 500 characters"]),
    ("group", KNOWN, ["groupId is required"]),
    ("alias", KNOWN, ["previousId is required"]),
    ("alias", KNOWN | {"previousId": "5"}, ["userId and previousId are the same person"]),
    (
        "track",
        track("Device Created or Updated"),
        ["userId or anonymousId is required", "context.device.token is required", "context.device.type is required"],
    ),
    ("track", KNOWN | track("Device Deleted"), ["context.device.token is required"]),
    ("track", track("User Deleted"), ["userId or anonymousId is required"]),
    ("track", KNOWN | track("Relationship Deleted"), ["properties.objectId is required"]),
    ("track", track("Object Deleted", {"objectId": ""}), ["properties.objectId is required"]),
    ("track", track("Report Delivery Event"), ["properties.deliveryId is required", "properties.metric is required"]),
    (
        "track",
        track("Report Content Event", {"actionType": "x"}),
        ["properties.actionType must be one of viewed_content, clicked_content"],
    ),
]


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def send(called: Called, name: str, body: object, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
    return called.send("POST", f"/v1/{name}", raw, sent)


@pytest.mark.parametrize(("name", "body", "expected"), CALLS)
def test_a_call_becomes_its_message(called: Called, name: str, body: dict[str, Any], expected: dict[str, Any]) -> None:
    """Under both names, strictly or not, and as an item of a batch: the same."""
    for path in (name, SHORT[name]):
        for strict in ("1", ""):
            answer = send(called, path, body, x_strict_mode=strict)
            assert (answer.status, answer.body) == (200, b"{}\n")
    assert send(called, "b", {"batch": [body | {"type": name}]}, x_strict_mode="1").body == b"{}\n"

    assert len(called.log.messages) % 5 == 0
    for message in called.log.messages[:: len(called.log.messages) // 5]:
        shown = {field: getattr(message, field) for field in expected}
        assert shown == {
            field: value if field != "data" else message.data.__class__(value) for field, value in expected.items()
        }


@pytest.mark.parametrize(("name", "body", "messages"), WRONG)
def test_a_call_without_sense_is_told_all_that_is_wrong(
    called: Called, name: str, body: dict[str, Any], messages: list[str]
) -> None:
    """With `code` and `message`, without which the Python client would try again ten times."""
    answer = send(called, name, body, x_strict_mode="1")

    assert answer.status == 400
    assert answer.json["meta"] == {"errors": messages}
    assert (answer.json["code"], answer.json["message"]) == ("bad_request", " ".join(messages))
    assert called.log.messages == []


def test_a_group_says_of_its_person_what_else_it_is_called(called: Called) -> None:
    """In a message of its own: an object is not called that."""
    send(called, "group", KNOWN | UNKNOWN | {"groupId": "7", "messageId": "m"})

    thing, person = called.log.messages
    assert (thing.subject, thing.relationships, thing.links) == ("object:1/7", (("id:5", ()),), ())
    assert (person.kind, person.subject, person.links, person.attributes) == ("identify", "id:5", ("anon:q",), ())
    assert thing.id == person.id == "m"
