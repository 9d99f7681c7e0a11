"""Track v1: events, and what comes twice."""

from tests.wire.row import FORM, Row, bad, customer, event, post

FIVE, EVENTS = "/api/v1/customers/5", "/api/v1/customers/5/events"
ULID, UUID = "01HF7YAT00TXYQ1V7JZC4GVSZR", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
FLAGGED = (
    '{"endpoint":"POST /api/v1/customers/{identifier}/events","ip":"192.0.2.1","flags":["timestamp_out_of_range"]}'
)


TABLE = (
    Row(
        "event",
        [
            post(
                EVENTS,
                f'{{"name":" bought ","id":"{ULID}","timestamp":1700000000,"data":{{"price": 1.50,"price":2E1}}}}',
                user_agent="Customer.io Ruby Client/6.2.0",
            )
        ],
        {
            "customers": [customer("id:5")],
            "events": [
                event(
                    "bought",
                    '{"price": 1.50,"price":2E1}',
                    kind="event",
                    id=ULID,
                    client_id="",
                    timestamp="2023-11-14 22:13:20.000",
                    context='{"endpoint":"POST /api/v1/customers/{identifier}/events","ip":"192.0.2.1",'
                    '"user_agent":"Customer.io Ruby Client/6.2.0"}',
                )
            ],
        },
    ),
    Row(
        "event of another type",
        [
            post(EVENTS, {"name": "/prices", "type": "page", "data": None}),
            post(EVENTS, {"name": "Home", "type": "screen"}),
            post(EVENTS, {"name": "e", "type": "whatever"}),
            post(EVENTS, {"name": "f", "type": 5}),
        ],
        {
            "customers": [customer("id:5")],
            "events": [
                {"name": "/prices", "kind": "page"},
                {"name": "Home", "kind": "screen"},
                {"name": "e", "kind": "event"},
                {"name": "f", "kind": "event"},
            ],
        },
    ),
    Row(
        "event as in 2013",
        [post(EVENTS, "name=purchased&data[price]=23.45&data%5Btags%5D[]=a", content_type=FORM)],
        {"customers": [customer("id:5")], "events": [event("purchased", '{"price":"23.45","tags":["a"]}')]},
    ),
    Row(
        "event in milliseconds",
        [
            post(EVENTS, {"name": "late", "timestamp": 1700000000000}),
            post(EVENTS, {"name": "early", "timestamp": "-1e10"}),
        ],
        {
            "customers": [customer("id:5")],
            "events": [
                {
                    "name": "late",
                    "sent_timestamp": "1700000000000",
                    "timestamp": "2299-12-31 23:59:59.000",
                    "context": FLAGGED,
                },
                {
                    "name": "early",
                    "sent_timestamp": "-1e10",
                    "timestamp": "1900-01-01 00:00:00.000",
                    "context": FLAGGED,
                },
            ],
        },
    ),
    Row(
        "event that comes twice",
        [
            post(EVENTS, {"name": "bought", "id": ULID, "data": {"n": 1}}),
            post(EVENTS, {"name": "bought", "id": ULID, "data": {"n": 1}}),
            post(EVENTS, {"name": "bought", "id": UUID, "data": {"n": 1}}),
            post(EVENTS, {"name": "bought", "id": UUID, "data": {"n": 2}}),
        ],
        {
            "customers": [customer("id:5")],
            "events": [event("bought", '{"n":1}', id=ULID), event("bought", '{"n":2}', id=UUID)],
            "repeats": [
                {"customer": "5", "customer_kind": "id", "id": id, "name": "bought", "kind": "event", "times": 2}
                | {"bodies": bodies}
                for id, bodies in ((ULID, 1), (UUID, 2))
            ],
        },
    ),
    Row(
        "event id that is none",
        [post(EVENTS, {"name": "bought", "id": 5}), post(EVENTS, {"name": "bought", "id": "5"})],
        {"customers": [customer("id:5")], "events": [event("bought", client_id="5")] * 2},
    ),
    Row(
        "event id of two customers",
        [post(EVENTS, {"name": "e", "id": ULID}), post("/api/v1/customers/6/events", {"name": "e", "id": ULID})],
        {
            "customers": [customer("id:5"), customer("id:6")],
            "events": [event("e", id=ULID), event("e", who="id:6", id=ULID)],
        },
    ),
    Row(
        "anonymous event",
        [
            post("/api/v1/events", {"name": "looked", "anonymous_id": 42}),
            post("/api/v1/events", {"name": "/", "anonymous_id": "a/b", "type": "page"}),
        ],
        {"events": [event("looked", who="anon:42"), event("/", who="anon:a/b")]},
    ),
    Row(
        "invite event",
        [
            post(
                "/api/v1/events", {"name": "invited", "id": ULID, "data": {"recipient": "b@x.io"}, "anonymous_id": " "}
            ),
        ],
        {"events": [event("invited", '{"recipient":"b@x.io"}', f"invite:{ULID}", id=ULID)]},
    ),
    Row(
        "one idempotency key",
        [post(EVENTS, {"name": "bought", "data": {"n": 1}}, idempotency_key="key 1")] * 2,
        {
            "customers": [customer("id:5")],
            "events": [event("bought", '{"n":1}', id="key 1", client_id="")],
            "repeats": [{"id": "key 1", "times": 2, "bodies": 1}],
        },
    ),
    Row(
        "one idempotency key with two bodies",
        [post(EVENTS, {"name": "bought", "data": {"n": n}}, idempotency_key="key 1") for n in (1, 2)],
        {
            "customers": [customer("id:5")],
            "events": [event("bought", '{"n":2}', id="key 1")],
            "repeats": [{"id": "key 1", "times": 2, "bodies": 2}],
            "rejections": [
                {"endpoint": "POST /api/v1/customers/{identifier}/events", "reason": "conflict", "id": "key 1"}
            ],
        },
    ),
    Row(
        "idempotency key that is too long",
        [
            post(
                EVENTS,
                {"name": "bought"},
                bad(b'{"meta":{"errors":["Idempotency-Key must have 1 to 150 bytes"]}}'),
                idempotency_key="x" * 151,
            )
        ],
    ),
)
