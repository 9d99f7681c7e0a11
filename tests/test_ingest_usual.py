"""What is made of usual events with few steps, beside what is made of any body: the same records, to the byte."""

import random
import re
from collections import Counter

import pytest

from ingest.arrivals import Arrival
from ingest.bodies import parse
from ingest.endpoints import ENDPOINTS
from ingest.errors import ApiError
from ingest.ids import new_id
from ingest.log.groups import encoded
from ingest.usual import Client, Moment
from schemas.messages import Context
from tests.any_usual import Body, a_body

AT = 1_750_000_000.25
BODIES = 30_000
CONTEXT = Context("POST /x", "192.0.2.1", 'a "client"')
_MADE = re.compile(new_id(AT)[:13].encode() + rb"-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")
_ENDPOINTS = {endpoint.name: endpoint for endpoint in ENDPOINTS}

Records = list[tuple[bytes, bytes]] | None


def said(of: Body) -> Records:
    """The records of a body; None if there is anything to refuse."""
    arrival = Arrival("site", AT, new_id(AT), CONTEXT, "server")
    try:
        made = _ENDPOINTS[of.name].make(arrival, of.segments, parse(of.text, "application/json"))
    except ApiError:
        return None
    return None if made.refused else [(key, _same(value)) for key, value, _ in encoded(made.messages)]


def said_usually(of: Body) -> Records:
    """The same with few steps; None if it steps aside."""
    make, arrival = _ENDPOINTS[of.name].usual, Arrival("site", AT, new_id(AT), CONTEXT, "server")
    assert make is not None
    try:
        made = make(Client("site", CONTEXT), Moment(AT), of.segments, of.text, lambda _: arrival)
    except ApiError:
        return None
    return [(key, _same(value)) for key, value, _ in encoded(made)] or None


def test_usual_events_become_the_same_records_with_few_steps() -> None:
    """Or nothing, and then the longer way is taken: of what is wrong, of what is rare."""
    rng, taken, left = random.Random(7), Counter[str](), Counter[str]()
    for _ in range(BODIES):
        body = a_body(rng)
        records = said_usually(body)
        if records is None:
            left[body.name] += 1
        else:
            taken[body.name] += 1
            assert records == said(body), body.text
    assert min(taken.values()) > 0.03 * BODIES, (taken, left)
    assert len(taken) == len(left) == 7


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("POST /api/v1/customers/{identifier}/events", b'{"name":"x","data":{"n":[1]},"timestamp":1700000000}'),
        ("POST /api/v1/customers/{identifier}/events", b'{"name":"x"}'),
        ("POST /api/v2/entity", b'{"type":"person","identifiers":{"id":5},"action":"event","name":"x","timestamp":1}'),
        ("POST /v1/track", b'{"anonymousId":"a","event":"x","messageId":"m","timestamp":"2023-11-14T22:13:20Z"}'),
        (
            "POST /v1/track",
            b"""{"type":"track","userId":"5","anonymousId":"a","event":"x","properties":{"n":1},"integrations":{},
                "messageId":"ajs-next-1700000000000-6ba7b810","timestamp":"2023-11-14T22:13:20.000Z","writeKey":"k",
                "context":{"library":{"name":"analytics.js"}},"sentAt":"2023-11-14T22:13:21.000Z",
                "originalTimestamp":"2023-11-14T22:13:19.000Z","_metadata":{"bundled":["x"]}}""",
        ),
        ("PUT /api/v1/customers/{identifier}", b'{"email":"B@x.io","plan":"premium","n":1E2,"tags":["a"]}'),
        (
            "POST /api/v2/entity",
            b"""{"type":"person","identifiers":{"id":5},"action":"identify","timestamp":1,
                "attributes":{"email":"b@x.io"}}""",
        ),
        (
            "POST /v1/identify",
            b"""{"type":"identify","userId":"5","traits":{"email":"b@x.io","n":{}},"messageId":"m","integrations":{},
                "timestamp":"2023-11-14T22:13:20Z","context":{"library":{"name":"x"}},"sentAt":"x"}""",
        ),
        ("POST /v1/b", b'{"batch":[{"type":"track","userId":"5","event":"x","context":{"a":1}}],"sentAt":"x"}'),
        (
            "POST /v1/batch",
            b"""{"batch": [{"integrations": {}, "anonymousId": null, "properties": {"n": 1},
                "timestamp": "2026-11-30T08:48:21.248+00:00", "context": {"library": {"name": "analytics-python"}},
                "userId": "5", "type": "track", "event": "x", "messageId": "8239797d-1e87-4f72-a5e5-59cc50d0b633"}],
                "sentAt": "2026-11-30T08:48:21.749680+00:00"}""",
        ),
        (
            "POST /v1/batch",
            b"""{"batch":[{"timestamp":"2026-11-30T08:48:22.851Z","integrations":{},"event":"x","type":"track",
                "properties":{},"context":{"library":{"name":"@customerio/cdp-analytics-node"}},"userId":"5",
                "messageId":"node-next-1796028502851-62427467-276f-4657-ad12-19428246cd34",
                "_metadata":{"nodeVersion":"20.20.2","jsRuntime":"node"}}]}""",
        ),
        (
            "POST /api/v2/batch",
            b"""{"batch":[{"type":"person","identifiers":{"id":5},"action":"delete"},
                {"type":"person","identifiers":{"id":5},"action":"event","name":"x"}]}""",
        ),
    ],
)
def test_what_clients_say_all_day_takes_few_steps(name: str, text: bytes) -> None:
    """Alone, or in a batch beside what is rarer."""
    body = Body(name, {"identifier": "5"}, text)

    assert said_usually(body) == said(body) is not None


@pytest.mark.parametrize("type", ["track", "identify"])
@pytest.mark.parametrize("field", ["properties", "traits", "context", "integrations", "_metadata", "else"])
def test_what_is_too_deep_takes_no_short_way_wherever_it_stands(type: str, field: str) -> None:
    """Also where nobody reads it."""
    deep = "[" * 64 + "]" * 64
    said = f'{{"type":"{type}","userId":"5","event":"x","properties":{{"n":1}},"{field}":{{"x":{deep}}}}}'

    assert said_usually(Body("POST /v1/batch", {}, f'{{"batch":[{said}]}}'.encode())) is None
    assert said_usually(Body(f"POST /v1/{type}", {}, said.encode())) is None


@pytest.mark.parametrize(
    "action", [b"", b'"action":"delete",', b'"action":null,', b'"action":"event","action":"page",']
)
def test_what_has_another_action_or_none_is_no_event(action: bytes) -> None:
    """Alone and in a batch: what only says the rest of an event is none."""
    right = b'{"type":"person","action":"event","identifiers":{"id":"5"},"name":"x","attributes":{"n":1}}'
    wrong = right.replace(b'"action":"event",', action)
    for body in (
        Body("POST /api/v2/entity", {}, wrong),
        Body("POST /api/v2/batch", {}, b'{"batch":[%b,%b]}' % (right, wrong)),
    ):
        assert said_usually(body) in (None, said(body))


def _same(value: bytes) -> bytes:
    return _MADE.sub(b"(made)", value)
