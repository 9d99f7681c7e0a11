"""Data Pipelines: what is refused, leniently and strictly."""

from tests.wire.cdp import rejected, strictly, wrong
from tests.wire.row import NOBODY, OK, Row, Says, basic, customer, event, post

NAMELESS = {"type": "track", "userId": "5"}
PARTIAL = Says(
    207,
    b'{"errors":[{"batch_index":1,"reason":"required","field":"event","message":"event name must not be blank"}],'
    b'"code":"partial","message":"1 items of the batch were not taken"}\n',
)

TABLE = (
    Row(
        "cdp what is wrong is answered all the same",
        [
            post("/v1/track", {"userId": "5", "writeKey": "secret"}),
            post("/v1/track", "no JSON"),
            post("/v1/identify", {"traits": []}),
            post("/v1/t", {"event": "x" * 101, "userId": "5"}),
            post("/v1/page", "<a/>", content_type="text/xml", x_strict_mode="true"),
            post("/v1/track", b"{" + b" " * 32_768),
        ],
        {
            "rejections": [
                rejected("track", excerpt='{"userId":"5","writeKey":"..."}'),
                rejected("track", excerpt="no JSON"),
                rejected("identify", excerpt='{"traits":[]}'),
                rejected("t", excerpt='{"event":"' + "x" * 101 + '","userId":"5"}'),
                rejected("page", "unsupported", 415, excerpt="<a/>"),
                rejected("track", "too_large", 413, excerpt=""),
            ]
        },
    ),
    Row(
        "cdp batch of which some is wrong",
        [
            post(
                "/v1/batch",
                {
                    "batch": [
                        {"type": "track", "userId": "5", "event": "bought"},
                        {"type": "track", "userId": "5"},
                        {"type": "dance", "userId": "5"},
                        {"type": "track", "userId": "5", "event": "again"},
                    ]
                },
            )
        ],
        {
            "customers": [customer("id:5")],
            "events": [event("bought"), event("again")],
            "rejections": [
                rejected("batch", excerpt='{"type":"track","userId":"5"}'),
                rejected("batch", excerpt='{"type":"dance","userId":"5"}'),
            ],
        },
    ),
    Row(
        "cdp whose key nobody knows",
        [
            post("/v1/track", {"userId": "5", "event": "lost"}, authorization=basic("bogus:")),
            post("/v1/track", {"userId": "5", "event": "lost", "writeKey": "bogus"}, authorization=NOBODY),
            post("/v1/track", {"userId": "5", "event": "lost"}, authorization=NOBODY),
        ],
    ),
    Row(
        "cdp strictly",
        [
            strictly("track", OK, {"userId": "5", "event": "bought"}),
            strictly("track", wrong("event name must not be blank"), {"userId": "5"}),
            strictly("identify", wrong("userId or anonymousId is required"), {"traits": {}}),
            strictly(
                "track",
                wrong("Unauthorized request", status=401, code="unauthorized"),
                {"userId": "5", "event": "lost"},
                authorization=basic("bogus:"),
            ),
            strictly("page", wrong("body must be a JSON object"), "[]"),
            strictly(
                "page",
                wrong("body cannot be longer than 32768 bytes", status=413, code="too_large"),
                b" " * 32_769,
            ),
        ],
        {"customers": [customer("id:5")], "events": [event("bought")]},
    ),
    Row(
        "cdp batch strictly",
        [
            strictly(
                "batch",
                PARTIAL,
                {
                    "batch": [
                        {"type": "track", "userId": "5", "event": "bought"},
                        NAMELESS,
                    ]
                },
            ),
            strictly("batch", wrong("item 0: event name must not be blank"), {"batch": [NAMELESS]}),
            strictly("batch", wrong("batch must be an array of objects"), {}),
        ],
        {"customers": [customer("id:5")], "events": [event("bought")]},
    ),
    Row(
        "cdp what is not there",
        [post("/v1/dance", {}, wrong("no such path", status=404, code="not_found"))],
    ),
)
