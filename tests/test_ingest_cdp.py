"""Data Pipelines: what each call says is kept, by the message that says it."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.messages import MUST_EXIST
from tests.calling import Answer, Called, edge

TIME = "2015-12-12T19:11:01.249Z"
AT = 1_449_947_461.249
SHORT = {"identify": "i", "track": "t", "page": "p", "screen": "s", "group": "g", "alias": "a"}
DEVICE = {"device": {"token": "abc", "type": "iOS", "model": "SE"}}
KNOWN, UNKNOWN = {"userId": "5"}, {"anonymousId": "q"}
UUID = "23adfd82-aa0f-45a7-a756-24f2a7a4c895"
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
    (
        "identify",
        KNOWN | UNKNOWN | {"traits": {"anonymous_id": "q", "cio_id": "7", "phone": "+4912", "email": "A@b.co"}},
        {
            "links": ("email:a@b.co", "phone:+4912", "cio:7", "anon:q"),
            "attributes": (("anonymous_id", '"q"'), ("phone", '"+4912"'), ("email", '"A@b.co"')),
        },
    ),
    ("identify", KNOWN | UNKNOWN | {"traits": {"anonymous_id": "r"}}, {"links": ("anon:r", "anon:q")}),
    ("identify", UNKNOWN | {"traits": {"anonymous_id": "q", "id": 6}}, {"subject": "anon:q", "links": ("id:6",)}),
    ("identify", {"userId": "A@b.co", "traits": {"email": "a@B.co"}}, {"subject": "email:a@b.co", "links": ()}),
    ("identify", {"userId": "cio_03"} | UNKNOWN, {"subject": "cio:03", "links": ("anon:q",)}),
    (
        "identify",
        KNOWN | {"traits": {"_update": "TRUE", "a": 1, "_created_in_customerio_at": 5}},
        PERSON | {"attributes": (("a", "1"), MUST_EXIST)},
    ),
    ("identify", KNOWN | {"traits": {"_update": False, "a": 1}}, PERSON | {"attributes": (("a", "1"),)}),
    ("identify", KNOWN | {"timestamp": TIME}, {"timestamp": AT, "sent_timestamp": TIME}),
    ("identify", {"userId": "A@b.co"}, {"subject": "email:a@b.co"}),
    ("identify", {"userId": "cio_03"}, {"subject": "cio:03"}),
    ("identify", {"userId": 5}, {"subject": "id:5"}),
    ("track", KNOWN | track(" Seen ", {"n": 1.0}), PERSON | {"kind": "event", "name": "Seen", "data": b'{"n": 1.0}'}),
    ("track", UNKNOWN | track("Seen"), {"subject": "anon:q", "data": b"{}"}),
    ("track", KNOWN | UNKNOWN | track("Seen"), PERSON | {"kind": "event"}),
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
    ("page", KNOWN | UNKNOWN | {"name": "Home"}, PERSON | {"kind": "page"}),
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
    ("group", KNOWN | UNKNOWN | {"groupId": "7"}, {"relationships": (("id:5", ()),), "links": ()}),
    ("group", {"groupId": "7", "traits": {"_update": True}}, {"attributes": (("_update", "true"),)}),
    ("alias", KNOWN | {"previousId": "4"}, {"kind": "merge", "subject": "id:5", "links": ("id:4",)}),
    ("alias", KNOWN | {"previousId": "a@b.co"}, {"links": ("email:a@b.co",)}),
    ("alias", KNOWN | UNKNOWN | {"previousId": "q"}, {"kind": "merge", "subject": "id:5", "links": ("anon:q",)}),
    ("alias", KNOWN | UNKNOWN | {"previousId": "4"}, {"links": ("id:4",)}),
    ("alias", KNOWN | {"anonymousId": UUID, "previousId": UUID}, {"links": (f"anon:{UUID}",)}),
    ("alias", {"userId": "A@b.co", "previousId": "cio_03"}, {"subject": "email:a@b.co", "links": ("cio:03",)}),
    (
        "track",
        KNOWN | UNKNOWN | track("Device Created or Updated", {"os": "17"}, context=DEVICE, timestamp=TIME),
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
    ("alias", {"userId": UUID, "previousId": UUID}, ["userId and previousId are the same person"]),
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


@pytest.mark.parametrize("name", ["track", "page", "screen", "group"])
def test_only_an_identify_says_who_a_visitor_is(called: Called, name: str) -> None:
    """What else has both ids is one message, said of the user."""
    send(called, name, KNOWN | UNKNOWN | {"event": "x", "name": "x", "groupId": "7"})

    [message] = called.log.messages
    assert message.links == ()
    assert "anon:q" not in {message.subject, *(other for other, _ in message.relationships)}


def test_an_alias_of_what_may_be_a_visitor_or_a_user_is_of_both(called: Called) -> None:
    """A server does not say which, and libraries call visitors by UUIDs."""
    send(called, "alias", {"userId": "5", "previousId": UUID, "messageId": "m"}, x_strict_mode="1")

    assert [(message.kind, message.subject, message.links, message.id) for message in called.log.messages] == [
        ("merge", "id:5", (f"id:{UUID}",), "m"),
        ("merge", "id:5", (f"anon:{UUID}",), "m"),
    ]
