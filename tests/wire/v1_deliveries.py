"""Track v1: what became of deliveries."""

from tests.wire.row import FORM, NOBODY, UNAUTHORIZED, Row, bad, basic, post

OPENED = {"delivery_id": "RPILAgABcRhIBqSp7kiPekGBIeVh", "timestamp": "2023-11-14 22:13:20.000"}
METRICS = "bounced, clicked, converted, deferred, delivered, dropped, opened, spammed"
NOT_YES = bad(b'{"meta":{"errors":["unsubscribe must be true or false"]}}')

TABLE = (
    Row(
        "metric",
        [
            post(
                "/api/v1/metrics",
                {
                    "delivery_id": OPENED["delivery_id"],
                    "metric": "bounced",
                    "timestamp": 1700000000,
                    "recipient": "b@x.io",
                    "reason": "full",
                    "href": "https://x.io/?a=b",
                },
                authorization=NOBODY,
            ),
            post("/api/v1/metrics", {"delivery_id": "d2", "metric": "opened", "timestamp": 1700000000}),
        ],
        {
            "deliveries": [
                OPENED
                | {"metric": "bounced", "recipient": "b@x.io", "reason": "full", "href": "https://x.io/?a=b"}
                | {"device_id": ""},
                OPENED
                | {"delivery_id": "d2", "metric": "opened", "recipient": "", "reason": "", "href": "", "device_id": ""},
            ]
        },
    ),
    Row(
        "metric twice is one",
        [
            post("/api/v1/metrics", {"delivery_id": "d", "metric": "clicked", "href": href}, authorization=NOBODY)
            for href in ("https://x.io/1", "https://x.io/2")
        ],
        {"deliveries": [{"delivery_id": "d", "metric": "clicked", "href": "https://x.io/2"}]},
    ),
    Row(
        "metric that is none",
        [
            post(
                "/api/v1/metrics",
                {},
                bad(b'{"meta":{"errors":["delivery_id is required","metric is required"]}}'),
                authorization=NOBODY,
            ),
            post(
                "/api/v1/metrics",
                {"delivery_id": "d", "metric": "eaten"},
                authorization=NOBODY,
            ),
            post("/api/v1/metrics", {"delivery_id": "d", "metric": "opened"}, UNAUTHORIZED, authorization=basic("a:b")),
        ],
        {
            "rejections": [
                {
                    "endpoint": "POST /api/v1/metrics",
                    "reason": "unknown_metric",
                    "status": 400,
                    "messages": [f"metric must be one of {METRICS}"],
                    "excerpt": '{"delivery_id":"d","metric":"eaten"}',
                    "left_out": 0,
                }
            ]
        },
    ),
    Row(
        "push events by both paths",
        [
            post(
                path,
                {"delivery_id": f"d{number}", "event": "opened", "device_id": "t1", "timestamp": 1700000000},
                authorization=NOBODY,
            )
            for number, path in enumerate(("/api/v1/push/events", "/push/events"))
        ],
        {
            "deliveries": [
                OPENED | {"delivery_id": f"d{number}", "metric": "opened", "device_id": "t1"} for number in range(2)
            ]
        },
    ),
    Row(
        "push event that is none",
        [
            post(
                "/push/events",
                {"delivery_id": "d", "event": "bounced"},
                authorization=NOBODY,
            )
        ],
        {"rejections": [{"endpoint": "POST /push/events", "reason": "unknown_metric"}]},
    ),
    Row(
        "unsubscribe",
        [
            post("/unsubscribe/d%2F1", {"unsubscribe": True}, authorization=NOBODY),
            post("/unsubscribe/d2", {"unsubscribe": True}, authorization=NOBODY),
            post("/unsubscribe/d2", {"unsubscribe": False}, authorization=NOBODY),
            post("/unsubscribe/d3", "unsubscribe=maybe", NOT_YES, content_type=FORM, authorization=NOBODY),
            post("/unsubscribe/d3", {}, bad(b'{"meta":{"errors":["unsubscribe is required"]}}'), authorization=NOBODY),
        ],
        {"unsubscribes": [{"delivery_id": "d/1"}]},
    ),
    Row(
        "calls of nobody among several",
        [
            post("/api/v1/metrics", {"delivery_id": "d", "metric": "opened"}, authorization=NOBODY),
            post("/unsubscribe/d", {"unsubscribe": True}, authorization=NOBODY),
            post("/push/events", {"delivery_id": "d", "event": "opened", "device_id": "t1"}),
        ],
        {"deliveries": [{"delivery_id": "d", "metric": "opened", "device_id": "t1"}]},
        neighbour=True,
    ),
)
