"""Track v1, customers: who calls, what is said of somebody, their devices, suppression."""

import gzip

from tests.wire.row import (
    FORM,
    NO_CONTENT,
    NOBODY,
    UNAUTHORIZED,
    Row,
    Says,
    basic,
    customer,
    delete,
    event,
    get,
    link,
    post,
    put,
    refused,
)

FIVE, ENCODED = "/api/v1/customers/5", "/api/v1/customers/a%2Fb%20c%2Bd%40x.io%25%C3%A9"

RELATED = {
    "action": "add_relationships",
    "relationships": [{"identifiers": {"object_type_id": "1", "object_id": "acme"}}],
}

TABLE = (
    Row(
        "region",
        [
            get(
                "/api/v1/accounts/region",
                Says(200, b'{"url":"http://127.0.0.1:8080","region":"us","environment_id":1665919308}\n'),
            ),
            get("/api/v1/accounts/region", UNAUTHORIZED, authorization=basic("region:wrong")),
        ],
    ),
    Row(
        "auth",
        [
            get("/auth", Says(200, b'{"meta":{"message":"nice credentials."}}\n')),
            get("/auth", UNAUTHORIZED, authorization=NOBODY),
            get("/auth", UNAUTHORIZED, authorization=basic("another:key")),
        ],
    ),
    Row(
        "identify creates and changes",
        [
            put(FIVE, {"email": "Bob@Example.com", "age": 42, "plan": "basic", "old": True}),
            put(FIVE, {"plan": "premium", "old": None, "empty": ""}),
        ],
        {
            "customers": [customer("id:5", email="Bob@Example.com", age="42", plan="premium")],
            "identifiers": [link("id:5", "email:bob@example.com")],
        },
    ),
    Row("identify with nothing", [put(FIVE, {})], {"customers": [customer("id:5")]}),
    Row("identify without a body", [put(FIVE)], {"customers": [customer("id:5")]}),
    Row(
        "identify by what needs encoding",
        [put(ENCODED, {"n": 1.50}, user_agent="x")],
        {"customers": [customer("id:a/b c+d@x.io%é", n="1.5")]},
    ),
    Row(
        "identify by email in any case",
        [put("/api/v1/customers/Bob@X.io", {"id": "5"}), put("/api/v1/customers/bob%40x.io", {"n": 2})],
        {
            "customers": [customer("email:bob@x.io", id="5", n="2")],
            "identifiers": [link("email:bob@x.io", "id:5")],
        },
    ),
    Row(
        "identify by cio_id",
        [put("/api/v1/customers/cio_03000001", {"email": "b@x.io"})],
        {
            "identifiers": [link("cio:03000001", "email:b@x.io")],
            "rejections": [refused("PUT /api/v1/customers/{identifier}", "unknown_cio_id")],
        },
    ),
    Row(
        "identify by phone is an id",
        [put("/api/v1/customers/+15551234567", {})],
        {"customers": [customer("id:+15551234567")]},
    ),
    Row(
        "identify tells who was anonymous",
        [put(FIVE, {"anonymous_id": 42, "phone": "+15551234567"})],
        {
            "customers": [customer("id:5", anonymous_id="42", phone="+15551234567")],
            "identifiers": [link("id:5", "anon:42"), link("id:5", "phone:+15551234567")],
        },
    ),
    Row(
        "identify as in 2013",
        [put(FIVE, "email=b%40x.io&name=Bob+B&a[b]=1", content_type=FORM)],
        {
            "customers": [customer("id:5", email="b@x.io", name="Bob B", a='{"b":"1"}')],
            "identifiers": [link("id:5", "email:b@x.io")],
        },
    ),
    Row(
        "identify packed",
        [put(FIVE, gzip.compress(b'{"plan":"x"}'), content_encoding="gzip")],
        {"customers": [customer("id:5", plan="x")]},
    ),
    Row(
        "identify out of order",
        [
            put(FIVE, {"plan": "new", "_timestamp": 1700000100}),
            put(FIVE, {"plan": "old", "more": 1, "_timestamp": "1700000000"}),
        ],
        {"customers": [customer("id:5", plan="new", more="1")]},
    ),
    Row(
        "identify changes who is there",
        [
            put(FIVE, {"plan": "a", "_created_in_customerio_at": 5}),
            put(FIVE, {"plan": "b", "_update": True}),
            put(FIVE, "more=c&_update=1", content_type=FORM),
            put(FIVE, {"last": "d", "_update": False}),
        ],
        {"customers": [customer("id:5", plan="b", more="c", last="d")]},
    ),
    Row(
        "subscription preferences",
        [
            put(FIVE, {"cio_subscription_preferences": {"topics": {"topic_1": True, "topic_2": False}}}),
            put(FIVE, {"cio_subscription_preferences.topics.topic_1": False}),
        ],
        {
            "customers": [
                customer("id:5")
                | {
                    "attributes": {
                        "cio_subscription_preferences": '{"topics":{"topic_1":true,"topic_2":false}}',
                        "cio_subscription_preferences.topics.topic_1": "false",
                    }
                }
            ],
            "subscription_preferences": [
                {"customer": "5", "customer_kind": "id", "preference": "topics.topic_1", "value": "false"},
                {"customer": "5", "customer_kind": "id", "preference": "topics.topic_2", "value": "false"},
            ],
        },
    ),
    Row(
        "subscription preferences replaced",
        [
            put(FIVE, '{"cio_subscription_preferences":{"topics":{"topic_1":true}}}'),
            put(FIVE, '{"cio_subscription_preferences":{"topics":{"topic_2":false}}}'),
        ],
        {
            "customers": [customer("id:5", cio_subscription_preferences='{"topics":{"topic_2":false}}')],
            "subscription_preferences": [{"customer": "5", "preference": "topics.topic_2", "value": "false"}],
        },
    ),
    Row(
        "identify with relationships",
        [
            put(
                FIVE,
                {
                    "plan": "x",
                    "cio_relationships": {
                        "action": "add_relationships",
                        "relationships": [
                            {
                                "identifiers": {"object_type_id": "1", "object_id": "acme"},
                                "relationship_attributes": {"role": "boss"},
                            },
                            {"identifiers": {"cio_object_id": "ob2"}},
                        ],
                    },
                },
            )
        ],
        {
            "customers": [customer("id:5", plan="x")],
            "relationships": [
                {
                    "customer": "5",
                    "customer_kind": "id",
                    "object_type_id": "1",
                    "object_id": "acme",
                    "cio_object_id": "",
                    "attributes": {"role": "boss"},
                },
                {
                    "customer": "5",
                    "customer_kind": "id",
                    "object_type_id": "",
                    "object_id": "",
                    "cio_object_id": "ob2",
                    "attributes": {},
                },
            ],
        },
    ),
    Row(
        "identify ends a relationship",
        [
            put(
                FIVE,
                {
                    "cio_relationships": {
                        "action": action,
                        "relationships": [{"identifiers": {"object_type_id": "1", "object_id": "acme"}}],
                    }
                },
            )
            for action in ("add_relationships", "delete_relationships")
        ],
        {"customers": [customer("id:5")]},
    ),
    Row(
        "delete",
        [put(FIVE, {"email": "b@x.io"}), post(f"{FIVE}/events", {"name": "bought"}), delete(FIVE, {})],
    ),
    Row("delete of nobody", [delete("/api/v1/customers/nobody"), delete("/api/v1/customers/b%40x.io", "no JSON")]),
    Row(
        "delete takes all that is known of somebody",
        [
            put(FIVE, {"cio_subscription_preferences.topics.topic_1": True, "cio_relationships": RELATED}),
            put(f"{FIVE}/devices", {"device": {"id": "t1", "platform": "ios"}}),
            post("/api/v1/segments/7/add_customers", {"ids": ["5"]}),
            post("/api/v1/forms/contact/submit", {"data": {"id": "5"}}, NO_CONTENT),
            post("/api/v1/metrics", {"delivery_id": "d", "metric": "opened", "recipient": "5"}),
            post("/api/v1/merge_customers", {"primary": {"id": "5"}, "secondary": {"id": "6"}}),
            delete(FIVE),
        ],
    ),
    Row(
        "back after a deletion",
        [put(FIVE, {"plan": "x"}), delete(FIVE), post(f"{FIVE}/events", {"name": "again"})],
        {"customers": [customer("id:5")], "events": [event("again")]},
    ),
)
