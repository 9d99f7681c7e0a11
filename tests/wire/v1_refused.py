"""Track v1: what is refused, and how it is told."""

from tests.wire.row import (
    BROWSER,
    NOBODY,
    OK,
    UNAUTHORIZED,
    Row,
    Says,
    bad,
    basic,
    customer,
    delete,
    event,
    post,
    put,
    sent,
)

FIVE, EVENTS = "/api/v1/customers/5", "/api/v1/customers/5/events"
FOREIGN = Says(415, b'{"meta":{"error":"send application/json or application/x-www-form-urlencoded"}}\n')


TABLE = (
    Row(
        "several things wrong with an identify",
        [
            put(
                FIVE,
                {"id": "6", "token": "x" * 1001},
                bad(
                    b'{"meta":{"errors":["id attribute and identifier are not the same value",'
                    b"\"value for attribute 'token' cannot be longer than 1000 bytes\"]}}"
                ),
            ),
            put(FIVE, {"id": None}, bad(b'{"meta":{"errors":["id attribute must be present"]}}')),
            put(FIVE, {"id": {}}, bad(b'{"meta":{"errors":["id attribute must be a string value"]}}')),
            put(FIVE, {"id": ""}, bad(b'{"meta":{"errors":["id attribute cannot be an empty string"]}}')),
            put(
                FIVE,
                {f"a{number}": 1 for number in range(301)},
                bad(b'{"meta":{"errors":["cannot identify more than 300 attributes in one request"]}}'),
            ),
            put(
                FIVE,
                {"x" * 151: 1},
                bad(b'{"meta":{"errors":["attribute name cannot be longer than 150 bytes"]}}'),
            ),
        ],
    ),
    Row(
        "several things wrong with an event",
        [
            post(
                EVENTS,
                {"data": "", "id": [], "timestamp": "now"},
                bad(
                    b'{"meta":{"errors":["event name must not be blank",'
                    b'"event data must be a hash (e.g., send \\"data\\":{} instead of \\"data\\":\\"\\")",'
                    b'"event id must be a string","timestamp must be a number of seconds since 1970"]}}'
                ),
            ),
            post(
                EVENTS,
                {"name": "x" * 101},
                bad(b'{"meta":{"errors":["event name cannot be longer than 100 bytes"]}}'),
            ),
            post(
                EVENTS,
                {"name": "x" * 501, "type": "page"},
                bad(b'{"meta":{"errors":["event name must be less than 500 characters"]}}'),
            ),
            post(
                EVENTS,
                {"name": "x", "data": {"a": "x" * 100_000}},
                bad(b'{"meta":{"errors":["event data cannot be longer than 100000 bytes"]}}'),
            ),
        ],
    ),
    Row(
        "what is no body",
        [
            post(EVENTS, "[]", bad(b'{"meta":{"errors":["body must be a JSON object"]}}')),
            post(
                EVENTS,
                '{"name":',
                bad(
                    b'{"meta":{"errors":["body is not valid JSON: unexpected end of data: line 1 column 9 (char 8)"]}}'
                ),
            ),
            put(FIVE, "<a/>", FOREIGN, content_type="text/xml"),
            put(FIVE, b" " * 512_001, Says(413, b'{"meta":{"error":"body cannot be longer than 512000 bytes"}}\n')),
        ],
    ),
    Row(
        "who may not",
        [
            put(FIVE, {}, UNAUTHORIZED, authorization=NOBODY),
            put(FIVE, {}, UNAUTHORIZED, authorization=basic("who-may-not:wrong")),
            delete(
                FIVE,
                b"",
                Says(403, b'{"meta":{"error":"this call takes a server key, not browser"}}\n'),
                authorization=basic(f"who-may-not:{BROWSER}"),
            ),
            post(EVENTS, {"name": "seen"}, OK, authorization=basic(f"who-may-not:{BROWSER}")),
        ],
        {"customers": [customer("id:5")], "events": [event("seen")]},
    ),
    Row(
        "what is not there",
        [
            put("/api/v1/nothing", {}, Says(404, b'{"meta":{"error":"no such path"}}\n')),
            put(f"{FIVE}/", {}, Says(404, b'{"meta":{"error":"no such path"}}\n')),
            sent("PATCH", FIVE, {}, Says(405, b'{"meta":{"error":"this path takes DELETE, OPTIONS, PUT"}}\n')),
            put(
                "/api/v1/customers/%zz", {}, bad(b'{"meta":{"errors":["identifier has an invalid percent-encoding"]}}')
            ),
            put(
                f"/api/v1/customers/{'x' * 151}",
                {},
                bad(b'{"meta":{"errors":["identifier must have 1 to 150 bytes"]}}'),
            ),
        ],
    ),
)
