"""Data Pipelines: every call under both its names."""

import gzip
import json
from typing import Any

from tests.wire.row import BROWSER, NOBODY, OK, Row, Says, basic, customer, event, link, post, refused

ACME = {"object_type_id": "1", "object_id": "acme", "cio_object_id": ""}
WHEN = {"timestamp": "2023-11-14T22:13:20.5Z"}
THEN = "2023-11-14 22:13:20.500"


def call(path: str, /, says: Says = OK, **body: Any) -> Any:
    """Of customer 5, leniently, with the workspace's key as Basic auth has it."""
    return post(f"/v1/{path}", {"userId": "5"} | body, says)


def strictly(name: str, says: Says, body: Any, **headers: str) -> Any:
    return post(f"/v1/{name}", body, says, **{"x-strict-mode": "1", **headers})


def track(event: str, /, properties: dict[str, Any] | None = None, **more: Any) -> Any:
    return call("track", event=event, properties=properties or {}, **more)


def wrong(*messages: str, status: int = 400, code: str = "bad_request") -> Says:
    """As v1's errors, and what the clients of Data Pipelines look for beside them."""
    text = " ".join(messages)
    meta: dict[str, Any] = {"errors": messages} if status == 400 else {"error": text}
    answer = {"meta": meta, "code": code, "message": text}
    return Says(status, json.dumps(answer, separators=(",", ":")).encode() + b"\n")


def rejected(path: str, reason: str = "bad_request", status: int = 400, **more: Any) -> dict[str, Any]:
    return {"endpoint": f"POST /v1/{path}", "reason": reason, "status": status} | more


TABLE = (
    Row(
        "cdp identify",
        [
            call("identify", traits={"email": "B@x.io", "plan": "a", "n": 1.50}),
            call("i", traits={"plan": "b", "n": None}),
            call("identify", userId="", anonymousId="a1", traits={"x": 1}),
            call("identify", userId="", traits={"email": "c@x.io"}),
        ],
        {
            "customers": [
                customer("id:5", email="B@x.io", plan="b"),
                customer("anon:a1", x="1"),
                customer("email:c@x.io", "c@x.io"),
            ],
            "identifiers": [link("id:5", "email:b@x.io")],
        },
    ),
    Row(
        "cdp identify of who is there",
        [
            call("identify", traits={"plan": "a", "_update": "no", "_created_in_customerio_at": 5}),
            call("identify", traits={"plan": "b", "_update": 1}),
        ],
        {"customers": [customer("id:5", plan="b")]},
    ),
    Row(
        "cdp identify of who was anonymous",
        [call("identify", anonymousId="a1", traits={})],
        {"customers": [customer("id:5")], "identifiers": [link("id:5", "anon:a1")]},
    ),
    Row(
        "cdp track",
        [track("bought", {"price": 2}, messageId="any form", **WHEN, context={"ip": "1.2.3.4", "locale": "de"})],
        {
            "customers": [customer("id:5")],
            "events": [
                event(
                    "bought",
                    '{"price":2}',
                    id="any form",
                    client_id="",
                    timestamp=THEN,
                    sent_timestamp=WHEN["timestamp"],
                    context='{"endpoint":"POST /v1/track","ip":"192.0.2.1","sent":{"ip":"1.2.3.4","locale":"de"}}',
                )
            ],
        },
    ),
    Row(
        "cdp track of somebody",
        [
            call("t", event="bought", anonymousId="a1", userId="B@x.io"),
            post("/v1/track", {"anonymousId": 42, "event": "looked", "properties": None}),
        ],
        {
            "customers": [customer("email:b@x.io")],
            "events": [event("bought", who="email:b@x.io"), event("looked", who="anon:42")],
        },
    ),
    Row(
        "cdp track twice",
        [track("bought", {"n": 1}, messageId="any form")] * 2,
        {
            "customers": [customer("id:5")],
            "events": [event("bought", '{"n":1}', id="any form", client_id="")],
            "repeats": [{"id": "any form", "times": 2, "bodies": 1}],
        },
    ),
    Row(
        "cdp page and screen",
        [
            call("page", name="Prices", category="Docs", properties={"url": "https://x.io/"}),
            call("p", properties={"url": "https://x.io/"}),
            call("screen", name="Home"),
            call("s", category="Docs"),
        ],
        {
            "customers": [customer("id:5")],
            "events": [
                {"kind": "page", "name": "Prices"},
                {"kind": "page", "name": "https://x.io/"},
                {"kind": "screen", "name": "Home"},
                {"kind": "screen", "name": "Docs"},
            ],
        },
    ),
    Row(
        "cdp group",
        [
            call("group", groupId="acme", traits={"name": "Acme", "relationshipAttributes": {"role": "boss"}}),
            call("g", groupId=7, traits={"object_type_id": 2, "seats": 3}),
        ],
        {
            "objects": [
                ACME | {"attributes": {"name": "Acme"}},
                {"object_type_id": "2", "object_id": "7", "cio_object_id": "", "attributes": {"seats": "3"}},
            ],
            "relationships": [
                {"customer": "5", "customer_kind": "id", **ACME, "attributes": {"role": "boss"}},
                {"customer": "5", "customer_kind": "id", "object_type_id": "2", "object_id": "7", "cio_object_id": ""}
                | {"attributes": {}},
            ],
        },
    ),
    Row(
        "cdp alias",
        [call("alias", previousId="old"), call("a", previousId="b@x.io")],
        {
            "identifiers": [link("id:5", "id:old", "merge"), link("id:5", "email:b@x.io", "merge")],
            "rejections": [refused("POST /v1/alias", "unknown_primary"), refused("POST /v1/a", "unknown_primary")],
        },
    ),
    Row(
        "cdp batch",
        [
            post(
                "/v1/batch",
                {
                    "batch": [
                        {"type": "identify", "userId": "5", "traits": {"plan": "a"}},
                        {"type": "track", "userId": "5", "event": "bought"},
                        {"type": "page", "anonymousId": "a1", "name": "/"},
                        {"type": "screen", "userId": "5", "name": "Home"},
                        {"type": "group", "userId": "5", "groupId": "acme"},
                        {"type": "alias", "userId": "5", "previousId": "old"},
                    ],
                    "sentAt": "2023-11-14T22:13:20Z",
                },
            ),
            post("/v1/b", {"batch": [{"type": "track", "userId": "5", "event": "again"}]}),
        ],
        {
            "customers": [customer("id:5", plan="a")],
            "events": [event("bought"), event("/", who="anon:a1"), event("Home"), event("again")],
            "objects": [ACME | {"attributes": {}}],
            "relationships": [{"customer": "5", "customer_kind": "id", **ACME, "attributes": {}}],
            "identifiers": [link("id:5", "id:old", "merge")],
            "rejections": [refused("POST /v1/batch", "unknown_secondary")],
        },
    ),
    Row(
        "cdp telemetry",
        [post("/v1/m", {"series": [{"type": "Counter", "metric": "x", "value": 1}]}, content_type="text/plain")],
    ),
    Row(
        "cdp from a browser",
        [
            post(
                "/v1/t",
                {"writeKey": BROWSER, "userId": "5", "event": "seen"},
                content_type="text/plain;charset=UTF-8",
                authorization=NOBODY,
            ),
            post("/v1/i", {"userId": "5", "traits": {"plan": "a"}}, authorization=basic(f"{BROWSER}:")),
            post(
                "/v1/b",
                gzip.compress(
                    b'{"writeKey":"%b","batch":[{"type":"page","userId":"5","name":"/"}]}' % BROWSER.encode()
                ),
                content_encoding="gzip",
                authorization=NOBODY,
            ),
        ],
        {"customers": [customer("id:5", plan="a")], "events": [event("seen"), event("/")]},
    ),
    Row(
        "cdp what a browser may not",
        [
            strictly(
                "track",
                wrong("sending delete takes a server key, not browser", status=403, code="forbidden"),
                {"userId": "5", "event": "User Deleted"},
                authorization=basic(f"{BROWSER}:"),
            ),
            strictly(
                "track",
                wrong("this call takes a browser key, not server", status=403, code="forbidden"),
                {"userId": "5", "event": "seen", "writeKey": "key"},
                authorization=NOBODY,
            ),
            post("/v1/track", {"userId": "5", "event": "User Suppressed"}, authorization=basic(f"{BROWSER}:")),
        ],
        {"rejections": [rejected("track", "forbidden", 403)]},
    ),
    Row(
        "cdp timestamps",
        [
            track("a", timestamp="2023-11-14T23:13:20+01:00"),
            track("b", timestamp="0001-01-01T00:00:00Z"),
            track("c", timestamp=None, originalTimestamp=WHEN["timestamp"]),
        ],
        {
            "customers": [customer("id:5")],
            "events": [
                {
                    "name": "a",
                    "sent_timestamp": "2023-11-14T23:13:20+01:00",
                    "timestamp": "2023-11-14 22:13:20.000",
                    "context": '{"endpoint":"POST /v1/track","ip":"192.0.2.1"}',
                },
                {
                    "name": "b",
                    "sent_timestamp": "0001-01-01T00:00:00Z",
                    "timestamp": "1900-01-01 00:00:00.000",
                    "context": '{"endpoint":"POST /v1/track","ip":"192.0.2.1","flags":["timestamp_out_of_range"]}',
                },
                {
                    "name": "c",
                    "sent_timestamp": WHEN["timestamp"],
                    "timestamp": THEN,
                    "context": '{"endpoint":"POST /v1/track","ip":"192.0.2.1"}',
                },
            ],
        },
    ),
)
