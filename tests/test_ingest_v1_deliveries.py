"""Track v1, what became of deliveries: metrics, push events, unsubscribes. None of them needs a key."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.deliveries import METRICS
from tests.calling import KEYS, Called, edge
from tests.said import said

METRIC, PUSH, UNSUBSCRIBE = "/api/v1/metrics", "/api/v1/push/events", "/unsubscribe/d1"
NOBODY = {"authorization": ""}


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def told(called: Called, path: str, body: Any, headers: dict[str, str] = NOBODY) -> list[dict[str, Any]]:
    """What the log has of a call that is answered as taken."""
    answer = called.send("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)
    assert (answer.status, answer.body) == (200, b"{}\n")
    return [said(message) for message in called.log.messages]


@pytest.mark.parametrize("headers", [NOBODY, KEYS])
def test_a_metric_says_what_became_of_a_delivery(called: Called, headers: dict[str, str]) -> None:
    """With a key or without one. What else is told of it keeps its text; null is nothing."""
    body = (
        b'{"delivery_id":"d1","metric":"bounced","timestamp":1600000000,"recipient": 15551234567,"reason":"full",'
        b'"href":null,"device_id":"t","more":1}'
    )

    assert told(called, METRIC, body, headers) == [
        {
            "kind": "metric",
            "subject": "delivery:d1",
            "name": "bounced",
            "sent_timestamp": "1600000000",
            "attributes": (("recipient", "15551234567"), ("reason", '"full"'), ("device_id", '"t"')),
        }
    ]
    assert (called.log.messages[0].timestamp, called.log.messages[0].workspace) == (1_600_000_000, "site")


@pytest.mark.parametrize("name", sorted(METRICS))
def test_each_metric_of_each_channel_is_known(called: Called, name: str) -> None:
    """Eight of them."""
    assert told(called, METRIC, {"delivery_id": 5, "metric": name}) == [
        {"kind": "metric", "subject": "delivery:5", "name": name}
    ]
    assert len(METRICS) == 8


@pytest.mark.parametrize("path", [PUSH, "/push/events"])
@pytest.mark.parametrize("name", ["opened", "converted", "delivered"])
def test_a_push_event_is_a_metric_of_a_device(called: Called, path: str, name: str) -> None:
    """By both paths: Ruby's has no version."""
    assert told(called, path, {"delivery_id": "d1", "event": name, "device_id": "t", "timestamp": 1}) == [
        {
            "kind": "metric",
            "subject": "delivery:d1",
            "name": name,
            "sent_timestamp": "1",
            "attributes": (("device_id", '"t"'),),
        }
    ]


@pytest.mark.parametrize(
    ("path", "field", "known"),
    [
        (METRIC, "metric", "bounced, clicked, converted, deferred, delivered, dropped, opened, spammed"),
        (PUSH, "event", "converted, delivered, opened"),
    ],
)
@pytest.mark.parametrize("name", ["eaten", "Opened", 5])
def test_a_metric_that_nobody_knows_is_found_in_rejections(
    called: Called, path: str, field: str, known: str, name: object
) -> None:
    """The contract has no other answer than 200."""
    body = {"delivery_id": "d1", field: name, "token": "secret"}

    [row] = told(called, path, body)

    [message] = called.log.messages
    assert row.pop("subject") == f"rejection:{message.id}"
    assert json.loads(row.pop("data")) == {
        "status": 400,
        "messages": [f"{field} must be one of {known}"],
        "index": None,
        "excerpt": json.dumps(body | {"token": "..."}, separators=(",", ":")),
        "left_out": 0,
    }
    assert row == {"kind": "rejection", "name": "unknown_metric"}


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        (METRIC, {}, ["delivery_id is required", "metric is required"]),
        (PUSH, {"metric": "opened"}, ["delivery_id is required", "event is required"]),
        (
            METRIC,
            {"delivery_id": "x" * 1001, "metric": ["opened"], "timestamp": "now", "recipient": {}, "href": True},
            [
                "delivery_id cannot be longer than 1000 bytes",
                "metric must be a string",
                "timestamp must be a number of seconds since 1970",
                "recipient must be a string",
                "href must be a string",
            ],
        ),
        (UNSUBSCRIBE, {}, ["unsubscribe is required"]),
        (UNSUBSCRIBE, {"unsubscribe": None}, ["unsubscribe is required"]),
        (UNSUBSCRIBE, {"unsubscribe": "maybe"}, ["unsubscribe must be true or false"]),
        (UNSUBSCRIBE, {"unsubscribe": ["true"]}, ["unsubscribe must be true or false"]),
        (UNSUBSCRIBE, {"unsubscribe": 1.5}, ["unsubscribe must be true or false"]),
        (f"/unsubscribe/{'x' * 1001}", {"unsubscribe": True}, ["identifier must have 1 to 1000 bytes"]),
        ("/unsubscribe/%zz", {"unsubscribe": True}, ["identifier has an invalid percent-encoding"]),
    ],
)
def test_what_says_nothing_of_a_delivery_is_refused(called: Called, path: str, body: Any, errors: list[str]) -> None:
    """All that is wrong at once."""
    answer = called.send("POST", path, json.dumps(body).encode(), NOBODY)

    assert (answer.status, answer.json) == (400, {"meta": {"errors": errors}})
    assert called.log.messages == []


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"unsubscribe":true}', "true"),
        (b'{"unsubscribe":false}', "false"),
        (b'{"unsubscribe":"True"}', "true"),
        (b'{"unsubscribe":1}', "true"),
        (b"unsubscribe=0", "false"),
    ],
)
def test_who_got_a_delivery_wants_no_more(called: Called, body: bytes, value: str) -> None:
    """At the host's root; a delivery's id is taken from the raw path."""
    assert told(called, "/unsubscribe/d%2F1", body) == [
        {"kind": "unsubscribe", "subject": "delivery:d/1", "attributes": (("unsubscribe", value),)}
    ]


@pytest.mark.parametrize("path", [METRIC, PUSH, "/push/events", UNSUBSCRIBE])
def test_a_wrong_key_is_refused_where_none_is_needed(called: Called, path: str) -> None:
    """Whoever sends one means one workspace."""
    wrong = {"authorization": KEYS["authorization"][:-4] + "AAAA"}

    answer = called.send("POST", path, b'{"delivery_id":"d1","metric":"opened"}', wrong)

    assert (answer.status, called.log.messages) == (401, [])
