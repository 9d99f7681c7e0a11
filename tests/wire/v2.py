"""Track v2: every type and action."""

import json
from typing import Any

from tests.wire.row import OK, Row, Says, bad, customer, event, link, named, post, refused

ENTITY, BATCH = "/api/v2/entity", "/api/v2/batch"
ULID = "01HF7YAT00TXYQ1V7JZC4GVSZR"
ACME, BOSS = {"object_type_id": "1", "object_id": "acme"}, {"role": "boss"}
OF_ACME = {"object_type_id": "1", "object_id": "acme", "cio_object_id": ""}


def person(action: str, identifiers: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "person", "identifiers": identifiers or {"id": "5"}, "action": action} | more


def thing(action: str, identifiers: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "object", "identifiers": identifiers or ACME, "action": action} | more


def related(identifiers: dict[str, Any], **attributes: Any) -> list[dict[str, Any]]:
    return [{"identifiers": identifiers, "relationship_attributes": attributes}]


def entity(what: dict[str, Any], says: Says = OK) -> Any:
    return post(ENTITY, what, says)


def wrong(*problems: tuple[str, str, str]) -> Says:
    """A 400. problems: reason, field and message of each."""
    return bad(json.dumps({"errors": [_told(problem) for problem in problems]}, separators=(",", ":")).encode())


def partly(*problems: tuple[int, str, str, str]) -> Says:
    """A 207. problems: also the number of the item."""
    errors = [{"batch_index": number, **_told(problem)} for number, *problem in problems]
    return Says(207, json.dumps({"errors": errors}, separators=(",", ":")).encode() + b"\n")


def _told(problem: Any) -> dict[str, str]:
    return dict(zip(("reason", "field", "message"), problem, strict=True))


def relationship(who: str, **attributes: str) -> dict[str, Any]:
    return named(who) | OF_ACME | {"attributes": attributes}


TABLE = (
    Row(
        "v2 person identified",
        [
            entity(person("identify", attributes={"email": "B@x.io", "plan": "a", "old": 1})),
            entity(person("identify", attributes={"plan": "b", "old": None}, cio_relationships=related(ACME, **BOSS))),
        ],
        {
            "customers": [customer("id:5", email="B@x.io", plan="b")],
            "identifiers": [link("id:5", "email:b@x.io")],
            "relationships": [relationship("id:5", **BOSS)],
        },
    ),
    Row(
        "v2 person identified out of order",
        [
            entity(person("identify", attributes={"plan": "new"}, timestamp=1700000100)),
            entity(person("identify", attributes={"plan": "old", "more": 1}, timestamp="1700000000.5")),
        ],
        {"customers": [customer("id:5", plan="new", more="1")]},
    ),
    Row(
        "v2 person changed who is there",
        [
            entity(person("identify", attributes={"plan": "a", "_update": "false"})),
            entity(person("identify", attributes={"plan": "b", "_update": "TRUE", "_created_in_customerio_at": 5})),
        ],
        {"customers": [customer("id:5", plan="b")]},
    ),
    Row(
        "v2 person by each identifier",
        [
            entity(person("identify", {"id": 5})),
            entity(person("identify", {"email": "B@x.io"})),
            entity(person("identify", {"phone": "+15551234567"})),
            entity(person("identify", {"cio_id": "03"})),
            entity(person("identify", {"anonymous_id": "a1"})),
        ],
        {
            "customers": [
                {"customer": "5", "customer_kind": "id"},
                {"customer": "b@x.io", "customer_kind": "email"},
                {"customer": "+15551234567", "customer_kind": "phone"},
                {"customer": "a1", "customer_kind": "anon"},
            ],
            "rejections": [refused("POST /api/v2/entity", "unknown_cio_id")],
        },
    ),
    Row(
        "v2 event page and screen",
        [
            entity(
                person("event", name="bought", id=ULID, timestamp=1700000000, attributes={"price": 2.50, "n": [1, {}]})
            ),
            entity(person("page", {"email": "b@x.io"}, name="/", data={"width": 1})),
            entity(person("screen", {"anonymous_id": "a1"}, name="Home", attributes=None)),
        ],
        {
            "customers": [customer("id:5"), customer("email:b@x.io")],
            "events": [
                {"kind": "event", **event("bought", '{"price":2.5,"n":[1,{}]}')},
                {"kind": "page", **event("/", '{"width":1}', "email:b@x.io")},
                {"kind": "screen", **event("Home", who="anon:a1")},
            ],
        },
    ),
    Row(
        "v2 event twice",
        [entity(person("event", name="bought", id=ULID))] * 2,
        {
            "customers": [customer("id:5")],
            "events": [event("bought", id=ULID)],
            "repeats": [{"id": ULID, "times": 2, "bodies": 1}],
        },
    ),
    Row(
        "v2 relationships",
        [
            entity(person("add_relationships", cio_relationships=related(ACME, role="boss", since=1))),
            entity(person("add_relationships", cio_relationships=related(ACME, since=None))),
            entity(person("add_relationships", {"id": "6"}, cio_relationships=related(ACME))),
            entity(person("delete_relationships", {"id": "6"}, cio_relationships=related(ACME))),
        ],
        {"customers": [customer("id:5"), customer("id:6")], "relationships": [relationship("id:5", **BOSS)]},
    ),
    Row(
        "v2 devices",
        [
            entity(person("add_device", device={"token": "t1", "platform": "ios", "attributes": {"os": 1}})),
            entity(person("add_device", device={"token": "t2", "platform": "android", "last_used": 1700000000})),
            entity(person("delete_device", device={"token": "t2"})),
        ],
        {
            "customers": [customer("id:5")],
            "devices": [{"customer": "5", "token": "t1", "platform": "ios", "attributes": {"os": "1"}}],
        },
    ),
    Row(
        "v2 merge",
        [
            entity({"type": "person", "action": "merge", "primary": {"id": "5"}, "secondary": {"email": "b@x.io"}}),
        ],
        {
            "identifiers": [link("id:5", "email:b@x.io", "merge")],
            "rejections": [refused("POST /api/v2/entity", "unknown_primary")],
        },
    ),
    Row(
        "v2 delete",
        [entity(person("identify", attributes={"plan": "a"})), entity(person("delete")), entity(person("delete"))],
    ),
    Row(
        "v2 suppress and unsuppress",
        [
            entity(person("identify", attributes={"plan": "a"})),
            entity(person("suppress")),
            entity(person("event", name="lost")),
            entity(person("unsuppress")),
            entity(person("event", name="kept")),
        ],
        {
            "customers": [customer("id:5")],
            "events": [event("kept")],
            "rejections": [{"endpoint": "POST /api/v2/entity", "reason": "suppressed", "excerpt": ""}],
        },
    ),
    Row(
        "v2 object identified",
        [
            entity(thing("identify", attributes={"name": "Acme", "seats": 3}, cio_relationships=related({"id": "5"}))),
            entity(thing("identify", attributes={"seats": ""})),
            entity(thing("identify", {"cio_object_id": "ob2"}, attributes={"name": "Two"})),
        ],
        {
            "objects": [
                OF_ACME | {"attributes": {"name": "Acme"}, "attributes_json": '{"name":"Acme"}'},
                {"object_type_id": "", "object_id": "", "cio_object_id": "ob2"}
                | {"attributes": {"name": "Two"}, "attributes_json": '{"name":"Two"}'},
            ],
            "relationships": [relationship("id:5")],
        },
    ),
    Row(
        "v2 object has what is no attribute of a person",
        [entity(thing("identify", attributes={"_update": True, "cio_id": "7"}))],
        {"objects": [OF_ACME | {"attributes": {"_update": "true", "cio_id": "7"}}]},
    ),
    Row(
        "v2 object of somebody anonymous",
        [
            entity(thing("identify_anonymous", cio_relationships=related({"anonymous_id": "a1"}))),
            entity(thing("identify_anonymous", anonymous_id="a2", attributes={"name": "Acme"})),
        ],
        {
            "objects": [OF_ACME | {"attributes": {"name": "Acme"}}],
            "relationships": [relationship("anon:a1"), relationship("anon:a2")],
        },
    ),
    Row(
        "v2 object of relationships",
        [
            entity(thing("identify")),
            entity(thing("add_relationships", cio_relationships=related({"id": "5"}, **BOSS))),
            entity(thing("add_relationships", cio_relationships=related({"email": "b@x.io"}))),
            entity(thing("delete_relationships", cio_relationships=related({"email": "b@x.io"}))),
        ],
        {"objects": [OF_ACME], "relationships": [relationship("id:5", **BOSS)]},
    ),
    Row(
        "v2 object deleted",
        [
            entity(thing("identify", attributes={"name": "Acme"}, cio_relationships=related({"id": "5"}))),
            entity(thing("delete")),
        ],
    ),
    Row(
        "v2 delivery",
        [
            entity(
                {
                    "type": "delivery",
                    "identifiers": {"id": "d1"},
                    "action": "event",
                    "name": "opened",
                    "timestamp": 1700000000,
                    "attributes": {"device_token": "t1"},
                }
            )
        ],
        {
            "deliveries": [
                {
                    "delivery_id": "d1",
                    "metric": "opened",
                    "device_id": "t1",
                    "recipient": "",
                    "timestamp": "2023-11-14 22:13:20.000",
                }
            ]
        },
    ),
)
