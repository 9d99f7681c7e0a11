"""Refusals: in the shape of each API, with a number, and nothing in the log that a client would mind."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ingest.answers import rendered
from ingest.door import Door
from ingest.errors import (
    ApiError,
    BadRequest,
    Failed,
    Forbidden,
    HeadersTooLarge,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    TooLarge,
    TooManyRequests,
    TooSlow,
    Unauthorized,
    Unavailable,
    UnsupportedEncoding,
    UnsupportedMedia,
)
from tests.calling import EVENTS, IDENTIFY, Called, edge

V2, CDP = "/api/v2/entity", "/v1/track"
BODY = b'{"name":"x"}'
SECRET = "mellon"
ERRORS = [
    (BadRequest("a", "b"), 400),
    (Unauthorized(), 401),
    (Forbidden("no"), 403),
    (NotFound(), 404),
    (MethodNotAllowed(["GET"]), 405),
    (TooSlow("too slow"), 408),
    (TooLarge("too large"), 413),
    (UnsupportedMedia("no"), 415),
    (UnsupportedEncoding(), 415),
    (TooManyRequests("slower", {}), 429),
    (HeadersTooLarge("too much"), 431),
    (Failed(), 500),
    (Unavailable("away"), 503),
    (Overloaded("full"), 503),
]


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def subclasses(of: type[ApiError]) -> Iterator[type[ApiError]]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def test_each_kind_of_refusal_has_a_name_for_metrics_and_log() -> None:
    """A closed list: few values for a label."""
    for kind in subclasses(ApiError):
        assert kind.reason.isidentifier()
        assert 400 <= kind.status <= 505


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda value: type(value).__name__)
def test_each_api_has_one_shape(error: ApiError, status: int) -> None:
    """v1 lists what is wrong with a 400 and has one text for the rest; v2 lists always; CDP has `code`, `message`."""
    shown = {path: rendered(error, path, "7") for path in (IDENTIFY, "", V2, CDP)}
    v1, unknown, v2, cdp = (json.loads(each.body) for each in shown.values())
    text = " ".join(error.messages)
    meta = {"errors": list(error.messages)} if status == 400 else {"error": text}

    assert v1 == unknown == {"meta": meta}
    assert [entry["message"] for entry in v2["errors"]] == list(error.messages)
    assert {tuple(entry) for entry in v2["errors"]} == {("reason", "field", "message")}
    assert cdp == {"meta": meta, "code": error.reason, "message": text}
    for answer in shown.values():
        headers = dict(answer.headers)
        assert answer.status == status
        assert headers[b"content-type"] == b"application/json; charset=utf-8"
        assert int(headers[b"content-length"]) == len(answer.body)
        assert headers[b"x-request-id"] == b"7"
        assert (headers.get(b"retry-after") == b"1") is (status in (429, 503))


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", V2, {}, 400),
        ("POST", "/api/v2/nowhere", {}, 404),
        ("POST", CDP, {"x-strict-mode": "1"}, 400),
        ("POST", "/v1/nowhere", {}, 404),
        ("POST", "/nowhere", {}, 404),
        ("POST", "/api/v1/nowhere", {}, 404),
        ("PATCH", EVENTS, {}, 405),
        ("PUT", "/live", {}, 405),
        ("PUT", "/metrics", {}, 405),
        ("POST", EVENTS, {"authorization": ""}, 401),
        ("GET", "/metrics", {"authorization": ""}, 401),
        ("POST", EVENTS, {"content-type": "text/xml"}, 415),
        ("POST", EVENTS, {"content-length": "512001"}, 413),
        ("PUT", "/api/v1/customers/%zz", {}, 400),
    ],
)
def test_the_path_decides_the_shape(
    called: Called, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Known or not, and whatever refuses it."""
    answer = called.send(method, path, BODY, headers)

    assert answer.status == status
    v2, cdp = path.startswith("/api/v2/"), path.startswith("/v1/")
    assert (set(answer.json) == {"errors"}) is v2
    assert (set(answer.json) == {"meta", "code", "message"}) is cdp
    assert (set(answer.json) == {"meta"}) is not (v2 or cdp)


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ("a", True),
        ("trace-1/2;3", True),
        ("x" * 100, True),
        ("x" * 101, False),
        ("", False),
        ("two words", False),
        ("é", False),
        ("\x1b[31m", False),
        ("\x7f", False),
    ],
)
def test_a_refusal_has_a_number_that_the_log_has_too(called: Called, sent: str, echoed: bool) -> None:
    """The client's own if it is short, printable and ASCII."""
    with capture_logs() as lines:
        answer = called.send("POST", EVENTS, b"", x_request_id=sent)

    number = answer.headers["x-request-id"]
    assert (number == sent) is echoed
    assert [(line["request_id"], line["status"], line["reason"]) for line in lines] == [(number, 400, "bad_request")]


def test_a_flood_of_nonsense_writes_few_lines(called: Called) -> None:
    """A few a second for each reason, and how many were left out."""
    with capture_logs() as lines:
        for _ in range(500):
            called.events(b"{")
        called.send("GET", "/nowhere")
        called.clock.now += 1
        called.events(b"{")

    bad = [line["left_out"] for line in lines if line["reason"] == "bad_request"]
    assert bad == [0, 0, 0, 0, 0, 495]
    assert [line["left_out"] for line in lines if line["reason"] == "not_found"] == [0]


def test_nothing_that_was_sent_is_logged(called: Called) -> None:
    """No path, for it may hold a key; no message, for it may quote a body."""
    with capture_logs() as lines:
        called.send("GET", f"/v1/projects/{SECRET}/settings?key={SECRET}")
        called.send("PUT", IDENTIFY, json.dumps({SECRET: "x" * 1001}).encode())
        called.send("POST", EVENTS, BODY, authorization=f"Basic {SECRET}")
        called.log.error = RuntimeError(SECRET)
        called.send("PUT", IDENTIFY, json.dumps({"a": SECRET}).encode())

    assert [line["event"] for line in lines] == ["refused"] * 3 + ["request_failed"]
    assert SECRET not in repr(lines)


def test_our_own_mistake_is_a_500_whose_place_the_log_tells(called: Called) -> None:
    """The client learns a number; every API has its shape of it."""
    called.log.error = KeyError(SECRET)

    with capture_logs() as lines:
        answer = called.events(BODY)

    assert (answer.status, answer.json) == (500, {"meta": {"error": "internal error"}})
    [line] = lines
    assert (line["error"], line["log_level"], line["request_id"]) == (
        "KeyError",
        "error",
        answer.headers["x-request-id"],
    )
    assert any("fakes.py" in place and place.endswith("append") for place in line["trace"])
    called.log.error = None
    assert called.events(BODY).status == 200


def test_an_answer_that_was_begun_is_not_begun_again(called: Called) -> None:
    """The server has to cut it off; nothing can be said any more."""

    async def breaks(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("in the middle")

    edge = called.app.state.edge
    called.app.middleware_stack = Door(breaks, edge.metrics, edge.refusals)

    with pytest.raises(RuntimeError, match="in the middle"):
        called.events(BODY)
