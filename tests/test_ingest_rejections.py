"""Rows of `rejections`: bounded in number and size, and without what may be a key."""

import base64
import json
from pathlib import Path
from timeit import timeit
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from ingest import limits
from ingest.rejections import _without_keys
from schemas.messages import Message, encode
from tests.calling import Called, edge

JSON = {"content-type": "application/json"}
SECRET = "mellon-5f9c"
AT_ONCE = int(limits.REJECTIONS_AT_ONCE)


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def track(called: Called, body: bytes, **headers: str) -> int:
    return called.send("POST", "/v1/track", body, JSON, **headers).status


def told(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(message.data))
    return found


def test_a_row_tells_when_whose_where_why_and_what(called: Called) -> None:
    """All that somebody needs who asks where his call is."""
    track(called, b'{"userId":"5"}', user_agent="x")

    [row] = called.log.messages
    assert (row.kind, row.subject, row.workspace, row.name) == (
        "rejection",
        f"rejection:{row.id}",
        "site",
        "bad_request",
    )
    assert row.received_at == row.timestamp == called.clock.now
    assert (row.context.endpoint, row.context.ip, row.context.user_agent) == ("POST /v1/track", "192.0.2.1", "x")
    assert told(row) == {
        "status": 400,
        "messages": ["event name must not be blank"],
        "index": None,
        "excerpt": '{"userId":"5"}',
        "left_out": 0,
    }


def test_a_flood_of_nonsense_makes_few_rows(called: Called) -> None:
    """A hundred at once, then one a second; the next tells of the others, and the metric counts all of them."""
    for _ in range(AT_ONCE + 50):
        assert track(called, b"{") == 200
    assert len(called.log.messages) == AT_ONCE
    called.clock.now += 1
    for _ in range(10):
        track(called, b"{")
    called.clock.now += 1
    track(called, b"{")

    assert [told(row)["left_out"] for row in called.log.messages[AT_ONCE:]] == [50, 9]
    assert called.app.state.edge.metrics.rejections == {"bad_request": AT_ONCE + 61}


def test_nobody_can_drown_the_rows_of_a_workspace(called: Called) -> None:
    """Calls that are nobody's share a bound of their own."""
    for number in range(AT_ONCE * 3):
        header = base64.b64encode(f"{number}:".encode()).decode()
        assert track(called, b"{}", authorization=f"Basic {header}") == 200
    track(called, b"{")

    assert [row.workspace for row in called.log.messages] == [""] * AT_ONCE + ["site"]


def test_a_batch_of_nonsense_is_bounded_as_well(called: Called) -> None:
    """Ten thousand items make no more rows than ten thousand calls."""
    body = json.dumps({"batch": [1] * 10_000}).encode()

    assert called.send("POST", "/v1/batch", body, JSON).body == b"{}\n"

    assert len(called.log.messages) == AT_ONCE
    assert called.app.state.edge.metrics.rejections == {"bad_request": 10_000}
    called.clock.now += 2
    called.send("POST", "/v1/batch", body, JSON)
    assert told(called.log.messages[AT_ONCE])["left_out"] == 10_000 - AT_ONCE


def test_nothing_at_all_is_no_append(called: Called) -> None:
    """When all of a batch was refused, and no row was due."""
    called.send("POST", "/v1/batch", json.dumps({"batch": [1] * 200}).encode(), JSON)
    called.log.messages.clear()
    appends = sum(called.app.state.edge.metrics.appends.counts)

    assert called.send("POST", "/v1/batch", b'{"batch":[1]}', JSON).status == 200
    assert called.log.messages == []
    assert sum(called.app.state.edge.metrics.appends.counts) == appends


def test_a_row_is_small_whatever_was_sent(called: Called) -> None:
    """Its text, and what is said of it."""
    names = {"x" * 140 + str(number): "y" * 1001 for number in range(25)}
    called.send("POST", "/v1/identify", json.dumps({"userId": "5", "traits": names}).encode(), JSON)
    track(called, b'{"a":"' + b"\x01" * 30_000)
    track(called, b"\xff" * 30_000)

    assert [row.name for row in called.log.messages] == ["bad_request"] * 3
    assert len(told(called.log.messages[0])["messages"]) == limits.REJECTION_MESSAGES
    for row in called.log.messages:
        assert len(told(row)["excerpt"]) <= limits.EXCERPT
        assert len(encode(row)) < 10_000


NAMES = ("writeKey", "write_key", "apiKey", "api-key", "token", "deviceToken", "secret", "password", "Authorization")
QUOTED = [b'{"%b":"%b"}', b'{"%b" : "%b', b"{'%b': '%b'}", b'{"x":"{\\"%b\\":\\"%b\\"}"}', b"%b=%b&x=1", b"%b: %b"]
ODD = [
    b'{"wr\\u0069te\\u004bey":"' + SECRET.encode() + b'"}',
    b'{"writeKey":"m\\u0065llon-5f9c"',
    b'{"writeKey":"a\\"' + SECRET.encode() + b'"',
    b'{"writeKey":["a","' + SECRET.encode() + b'"]',
    b'{"writeKey":{"a":"' + SECRET.encode() + b'"}',
    b"traits%5BapiKey%5D=" + SECRET.encode(),
    b"traits[apiKey]=" + SECRET.encode(),
    f'{{"writeKey":"{SECRET}"}}'.encode("utf-16-le"),
    b'{"writeKey":' + b" " * 50 + b'"' + SECRET.encode() + b'"',
    b'{"a":"' + b"x" * 960 + b'","writeKey":"' + SECRET.encode() + b'"}',
    b'{"a":"' + b"x" * 480 + b'","writeKey":"' + SECRET.encode() + b'"}',
]


@pytest.mark.parametrize(
    "body", [*(form % (name.encode(), SECRET.encode()) for name in NAMES for form in QUOTED), *ODD]
)
def test_no_key_gets_into_a_row(called: Called, body: bytes) -> None:
    """However it is written, also in what is no JSON."""
    for headers in ({}, {"authorization": ""}):
        for path in ("/v1/track", "/v1/batch"):
            called.send("POST", path, body, JSON, **headers)
        called.send("POST", "/v1/batch", b'{"batch":[' + body + b"]}", JSON, **headers)

    assert called.log.messages
    for row in called.log.messages:
        assert SECRET not in json.dumps(told(row)).replace("\\u0000", "")
        assert SECRET.encode() not in encode(row)


def test_what_is_no_key_stays_readable(called: Called) -> None:
    """The rest is there to be looked at."""
    track(called, b'{"writeKey":"x","userId":"5","properties":{"price":1.0}}')

    [row] = called.log.messages
    assert told(row)["excerpt"] == '{"writeKey":"...","userId":"5","properties":{"price":1.0}}'


@trying(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(st.binary(max_size=2_000) | st.text(max_size=500).map(str.encode))
def test_any_bytes_become_a_row(called: Called, body: bytes) -> None:
    """Which is a message like any other: bounded, and readable as JSON."""
    called.clock.now += 1
    called.log.messages.clear()

    assert track(called, body + b"\x80") == 200

    [row] = called.log.messages
    assert len(told(row)["excerpt"]) <= limits.EXCERPT
    json.loads(encode(row))


@pytest.mark.parametrize("text", [b"key" * 400, b"key\\" * 300, b"key=" * 300, b'token"' + b" " * 990, b"key[" * 300])
def test_looking_for_keys_takes_no_time(text: bytes) -> None:
    """Whoever makes up text for it does not stop the edge."""
    assert timeit(lambda: _without_keys(text), number=10) < 0.2
