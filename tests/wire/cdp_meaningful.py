"""Data Pipelines: the events that mean something else."""

from tests.wire.cdp import ACME, THEN, WHEN, call, track
from tests.wire.row import Row, customer, event

TABLE = (
    Row(
        "cdp device created",
        [track("Device Created or Updated", {"os": "17"}, context={"device": {"token": "t1", "type": "ios"}})],
        {
            "customers": [customer("id:5")],
            "devices": [{"customer": "5", "token": "t1", "platform": "ios"}],
        },
    ),
    Row(
        "cdp device deleted",
        [
            track("Device Created or Updated", context={"device": {"token": "t1", "type": "android"}}),
            track("Device Deleted", context={"device": {"token": "t1"}}),
        ],
        {"customers": [customer("id:5")]},
    ),
    Row(
        "cdp user deleted",
        [call("identify", traits={"plan": "a"}), track("bought"), track("User Deleted")],
    ),
    Row(
        "cdp user suppressed and unsuppressed",
        [track("User Suppressed"), track("lost"), track("User Unsuppressed"), track("kept")],
        {
            "customers": [customer("id:5")],
            "events": [event("kept")],
            "rejections": [{"endpoint": "POST /v1/track", "reason": "suppressed", "excerpt": ""}],
        },
    ),
    Row(
        "cdp relationship deleted",
        [
            call("group", groupId="acme"),
            track("Relationship Deleted", {"objectId": "acme", "objectTypeId": "1"}),
        ],
        {"objects": [ACME | {"attributes": {}}]},
    ),
    Row(
        "cdp object deleted",
        [
            call("group", groupId="acme"),
            track("Object Deleted", {"objectId": "acme", "objectTypeId": "1"}),
        ],
    ),
    Row(
        "cdp report delivery event",
        [
            track(
                "Report Delivery Event",
                {
                    "deliveryId": "d1",
                    "metric": "bounced",
                    "recipient": "b@x.io",
                    "reason": "full",
                    "href": "https://x.io",
                },
                **WHEN,
            )
        ],
        {
            "deliveries": [
                {
                    "delivery_id": "d1",
                    "metric": "bounced",
                    "recipient": "b@x.io",
                    "reason": "full",
                    "href": "https://x.io",
                    "timestamp": THEN,
                }
            ]
        },
    ),
    Row(
        "cdp report content event",
        [
            track("Report Content Event", {"contentId": 1, "actionType": "viewed_content"}),
            track("Report Content Event", {"contentId": 1, "actionType": "clicked_content"}),
        ],
        {
            "customers": [customer("id:5")],
            "events": [
                event("viewed_content", '{"contentId":1,"actionType":"viewed_content"}'),
                event("clicked_content", '{"contentId":1,"actionType":"clicked_content"}'),
            ],
        },
    ),
)
