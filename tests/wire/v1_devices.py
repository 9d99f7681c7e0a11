"""Track v1: devices of customers, and suppression."""

from tests.wire.row import Row, bad, customer, delete, post, put

FIVE = "/api/v1/customers/5"
DEVICE = {"customer": "5", "token": "t1", "platform": "ios", "attributes": {}}


TABLE = (
    Row(
        "device",
        [
            put(
                f"{FIVE}/devices",
                {
                    "device": {
                        "id": "t1",
                        "platform": "ios",
                        "last_used": 1700000000,
                        "attributes": {"app_version": "1.2", "push_enabled": "true"},
                    }
                },
            )
        ],
        {
            "customers": [customer("id:5")],
            "devices": [
                DEVICE
                | {
                    "last_used_at": "2023-11-14 22:13:20.000",
                    "attributes": {"app_version": "1.2", "push_enabled": "true"},
                }
            ],
        },
    ),
    Row(
        "device with flat extras",
        [put(f"{FIVE}/devices", {"device": {"id": "t1", "platform": "ios", "last_used": "1700000000", "cool": True}})],
        {
            "customers": [customer("id:5")],
            "devices": [DEVICE | {"last_used_at": "2023-11-14 22:13:20.000", "attributes": {"cool": "true"}}],
        },
    ),
    Row(
        "device whose attributes are null",
        [put(f"{FIVE}/devices", {"device": {"id": "t1", "platform": "ios", "attributes": None}})],
        {"customers": [customer("id:5")], "devices": [DEVICE]},
    ),
    Row(
        "device removed",
        [
            put(f"{FIVE}/devices", {"device": {"id": "t/1", "platform": "android"}}),
            delete(f"{FIVE}/devices/t%2F1", {}),
            delete(f"{FIVE}/devices/never"),
        ],
        {"customers": [customer("id:5")]},
    ),
    Row(
        "device moves",
        [
            put("/api/v1/customers/4/devices", {"device": {"id": "t1", "platform": "ios"}}),
            put(f"{FIVE}/devices", {"device": {"id": "t1", "platform": "ios"}}),
            delete("/api/v1/customers/4/devices/t1"),
        ],
        {"customers": [customer("id:4"), customer("id:5")], "devices": [DEVICE]},
    ),
    Row(
        "device that is none",
        [
            put(f"{FIVE}/devices", {}, bad(b'{"meta":{"errors":["device is required"]}}')),
            put(
                f"{FIVE}/devices",
                {"device": {"last_used": "lately"}},
                bad(
                    b'{"meta":{"errors":["device.id is required","device.platform is required",'
                    b'"device.last_used must be a number of seconds since 1970"]}}'
                ),
            ),
        ],
    ),
    Row(
        "suppress",
        [
            put(FIVE, {"plan": "x"}),
            post(f"{FIVE}/suppress"),
            post(f"{FIVE}/events", {"name": "bought", "data": {"secret": 1}}),
            put(FIVE, {"plan": "y"}),
        ],
        {
            "rejections": [
                {"endpoint": f"{method} /api/v1/customers/{{identifier}}{path}", "reason": "suppressed", "excerpt": ""}
                for method, path in (("POST", "/events"), ("PUT", ""))
            ]
        },
    ),
    Row(
        "unsuppress",
        [
            put(FIVE, {"plan": "x"}),
            post(f"{FIVE}/suppress", {}),
            put(FIVE, {"lost": 1}),
            post(f"{FIVE}/unsuppress", {}),
            put(FIVE, {"kept": 1}),
        ],
        {
            "customers": [customer("id:5", kept="1")],
            "rejections": [{"endpoint": "PUT /api/v1/customers/{identifier}", "reason": "suppressed"}],
        },
    ),
    Row("unsuppress of nobody", [post(f"{FIVE}/unsuppress", "whatever", content_type="text/html")]),
)
