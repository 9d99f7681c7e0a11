"""Track v1: merges, manual segments, forms."""

from tests.wire.row import FORM, NO_CONTENT, Row, bad, customer, link, post, put, refused

FIVE = "/api/v1/customers/5"
MERGE, SEGMENT = "/api/v1/merge_customers", "/api/v1/segments/7"


TABLE = (
    Row(
        "merge",
        [
            post(MERGE, {"primary": {"id": "5"}, "secondary": {"email": "B@x.io"}}),
            post(MERGE, {"primary": {"cio_id": "03"}, "secondary": {"id": 6}}),
        ],
        {
            "identifiers": [link("id:5", "email:b@x.io", "merge"), link("cio:03", "id:6", "merge")],
            "rejections": [refused("POST /api/v1/merge_customers", "unknown_primary")] * 2,
        },
    ),
    Row(
        "merge of nothing",
        [
            post(MERGE, {}, bad(b'{"meta":{"error":"primary is required; secondary is required"}}')),
            post(
                MERGE,
                {"primary": {"id": "5", "email": "b@x.io"}, "secondary": {"phone": "+15551234567"}},
                bad(
                    b'{"meta":{"error":"primary must have exactly one of id, email, cio_id; '
                    b'secondary must have exactly one of id, email, cio_id"}}'
                ),
            ),
        ],
    ),
    Row(
        "segment",
        [
            put(FIVE, {}),
            put("/api/v1/customers/b%40x.io", {}),
            put("/api/v1/customers/cio_03", {}),
            post(f"{SEGMENT}/add_customers", {"ids": ["5", "nobody"]}),
            post(f"{SEGMENT}/add_customers?id_type=email", {"ids": ["B@x.io"]}),
            post(f"{SEGMENT}/add_customers?id_type=cio_id", {"ids": ["03"]}),
            post("/api/v1/segments/8/add_customers?id_type=id", {"ids": ["5"]}),
            post("/api/v1/segments/8/remove_customers", {"ids": ["5", "nobody"]}),
        ],
        {
            "customers": [customer("id:5"), customer("email:b@x.io")],
            "segment_members": [
                {"segment_id": "7", "customer": "5", "customer_kind": "id"},
                {"segment_id": "7", "customer": "b@x.io", "customer_kind": "email"},
            ],
            "rejections": [
                refused("PUT /api/v1/customers/{identifier}", "unknown_cio_id"),
                refused("POST /api/v1/segments/{segment_id}/add_customers", "unknown_cio_id"),
            ],
        },
    ),
    Row(
        "segment of nobody",
        [
            post(f"{SEGMENT}/add_customers", {}, bad(b'{"meta":{"errors":["ids is required"]}}')),
            post(
                f"{SEGMENT}/remove_customers?id_type=phone",
                {"ids": []},
                bad(
                    b'{"meta":{"errors":["id_type must be id, email or cio_id","ids must have 1 to 1000 identifiers"]}}'
                ),
            ),
            post(
                f"{SEGMENT}/add_customers",
                {"ids": ["5"] * 1001},
                bad(b'{"meta":{"errors":["ids must have 1 to 1000 identifiers"]}}'),
            ),
        ],
    ),
    Row(
        "form",
        [
            post(
                "/api/v1/forms/contact/submit",
                '{"data":{"email":"B@x.io","name":"Bob","form_id":"0","form_url":"https://x.io"}}',
                NO_CONTENT,
            ),
            post("/api/v1/forms/contact/submit", "data[id]=5&data[name]=Bob", NO_CONTENT, content_type=FORM),
        ],
        {
            "customers": [
                {"customer": "b@x.io", "attributes": {"email": "B@x.io", "name": "Bob"}},
                {"customer": "5", "attributes": {"id": "5", "name": "Bob"}},
            ],
            "form_submissions": [
                {
                    "form_id": "contact",
                    "customer": "b@x.io",
                    "customer_kind": "email",
                    "data": '{"email":"B@x.io","name":"Bob","form_id":"0","form_url":"https://x.io"}',
                },
                {"form_id": "contact", "customer": "5", "customer_kind": "id", "data": '{"id":"5","name":"Bob"}'},
            ],
            "forms": [{"form_id": "contact", "submissions": 2}],
        },
    ),
    Row(
        "form of nobody",
        [
            post(
                "/api/v1/forms/a%2Fb/submit",
                {"data": {"name": "Bob"}},
                bad(b'{"meta":{"errors":["data must have exactly one of id, email"]}}'),
            ),
            post("/api/v1/forms/other/submit", {}, bad(b'{"meta":{"errors":["data is required"]}}')),
            post(
                "/api/v1/forms/other/submit",
                {"data": {"id": "5", "email": "b@x.io"}},
                bad(b'{"meta":{"errors":["data must have exactly one of id, email"]}}'),
            ),
        ],
        {"forms": [{"form_id": "a/b", "submissions": 0}, {"form_id": "other", "submissions": 0}]},
    ),
)
