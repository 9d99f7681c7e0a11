"""Track v2: batches, and what is refused."""

from tests.wire.row import Row, Says, basic, customer, event, post
from tests.wire.v2 import BATCH, ENTITY, OF_ACME, entity, partly, person, thing, wrong

ACTIONS = (
    "identify, event, page, screen, viewed_content, clicked_content, add_relationships, delete_relationships, "
    "add_device, delete_device, merge, delete, suppress, unsuppress"
)

TABLE = (
    Row(
        "v2 batch",
        [
            post(
                BATCH,
                {
                    "batch": [
                        person("identify", attributes={"plan": "a"}),
                        person("event", name="bought"),
                        thing("identify"),
                    ]
                },
            )
        ],
        {"customers": [customer("id:5", plan="a")], "events": [event("bought")], "objects": [OF_ACME]},
    ),
    Row(
        "v2 batch of which some is wrong",
        [
            post(
                BATCH,
                {
                    "batch": [
                        person("identify", attributes={"plan": "a"}),
                        person("identify", attributes={"plan": "x" * 1001, "y" * 151: 1}),
                        person("event", name="bought"),
                        person("dance"),
                        5,
                        person("identify", attributes={str(number): "x" * 990 for number in range(40)}),
                    ]
                },
                partly(
                    (1, "invalid", "attributes.plan", "value for attribute 'plan' cannot be longer than 1000 bytes"),
                    (1, "invalid", "attributes", "attribute name cannot be longer than 150 bytes"),
                    (3, "invalid", "action", f"action must be one of {ACTIONS}"),
                    (4, "invalid", "", "an item of a batch must be an object"),
                    (5, "invalid", "", "an item of a batch cannot be longer than 32768 bytes"),
                ),
            )
        ],
        {"customers": [customer("id:5", plan="a")], "events": [event("bought")]},
    ),
    Row(
        "v2 batch of which all is wrong",
        [post(BATCH, {"batch": [person("event")]}, partly((0, "required", "name", "event name must not be blank")))],
    ),
    Row(
        "v2 batch that is none",
        [
            post(BATCH, {}, wrong(("required", "batch", "batch must be an array of objects"))),
            post(BATCH, {"batch": []}, wrong(("invalid", "batch", "batch must not be empty"))),
            post(BATCH, {"batch": {}}, wrong(("invalid", "batch", "batch must be an array of objects"))),
        ],
    ),
    Row(
        "v2 batch with an idempotency key",
        [post(BATCH, {"batch": [person("event", name="a"), person("event", name="b")]}, idempotency_key="k")] * 2,
        {
            "customers": [customer("id:5")],
            "events": [event("a", id="k/0"), event("b", id="k/1")],
            "repeats": [{"id": f"k/{number}", "times": 2, "bodies": 1} for number in range(2)],
        },
    ),
    Row(
        "v2 entity that is none",
        [
            entity({}, wrong(("required", "type", "type is required"), ("required", "action", "action is required"))),
            entity(person("event"), wrong(("required", "name", "event name must not be blank"))),
            entity(
                {"type": "delivery", "identifiers": {"id": "d"}, "action": "event", "name": "opened"}
                | {"attributes": {}},
                wrong(("required", "attributes.device_token", "attributes.device_token is required")),
            ),
            entity(
                person("merge", primary={"id": "5"}, secondary={"id": "5"}),
                wrong(("invalid", "secondary", "primary and secondary are the same person")),
            ),
            entity(
                person("add_device", {"phone": "5551234567"}, device={"token": "t"}),
                wrong(
                    ("invalid", "identifiers.phone", "phone must be a number in E.164, like +15551234567"),
                    ("required", "device.platform", "device.platform is required"),
                ),
            ),
            post(ENTITY, "[]", wrong(("invalid", "", "body must be a JSON object"))),
        ],
    ),
    Row(
        "v2 errors of every kind",
        [
            post(
                ENTITY,
                person("delete"),
                Says(401, b'{"errors":[{"reason":"unauthorized","field":"","message":"Unauthorized request"}]}\n'),
                authorization=basic("another:key"),
            ),
            post(
                ENTITY,
                b" " * 32_769,
                Says(
                    413,
                    b'{"errors":[{"reason":"too_large","field":"",'
                    b'"message":"body cannot be longer than 32768 bytes"}]}\n',
                ),
            ),
            post(
                "/api/v2/nothing",
                {},
                Says(404, b'{"errors":[{"reason":"not_found","field":"","message":"no such path"}]}\n'),
            ),
        ],
    ),
)
