"""Data Pipelines is answered 200 whatever was sent, unless the client wants to know; what passes is told to all."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ingest import limits
from ingest.errors import Overloaded, Unavailable
from ingest.keys.changes import add
from schemas.settings import Settings
from tests.calling import Answer, Called, edge
from tests.serving import request, serving, until_free

EVENT = {"userId": "5", "event": "x"}
JSON = "application/json"
NAMES = ("identify", "track", "page", "screen", "group", "alias", "batch")
LONG = b'{"userId":"5","event":"x","properties":{"a":"' + b"x" * 40_000 + b'"}}'


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


# What is wrong, and the status that says so.
WRONG: list[tuple[str, bytes, dict[str, str], int]] = [
    ("/v1/track", b"{", {}, 400),
    ("/v1/track", b"[]", {}, 400),
    ("/v1/track", b"\xff", {}, 400),
    ("/v1/track", b'{"event":"x"}', {}, 400),
    ("/v1/track", b"x", {"content-encoding": "gzip"}, 400),
    ("/v1/track", json.dumps(EVENT).encode(), {"idempotency-key": "x" * 151}, 400),
    ("/v1/batch", b"{}", {}, 400),
    ("/v1/batch", b'{"batch":{}}', {}, 400),
    ("/v1/batch", b'{"batch":[{"type":"x"},3]}', {}, 400),
    ("/v1/batch", b'{"batch":[{"type":"alias"}],"context":3}', {}, 400),
    ("/v1/track", json.dumps(EVENT).encode(), {"authorization": ""}, 401),
    ("/v1/track", json.dumps(EVENT | {"writeKey": "nobody's"}).encode(), {"authorization": ""}, 401),
    ("/v1/track", json.dumps(EVENT).encode(), {"authorization": basic("nobody's:")}, 401),
    ("/v1/track", json.dumps(EVENT).encode(), {"authorization": basic("site:nobody's")}, 401),
    ("/v1/track", json.dumps(EVENT | {"writeKey": "key"}).encode(), {"authorization": ""}, 403),
    ("/v1/track", LONG, {}, 413),
    ("/v1/batch", b"x", {"content-length": str(limits.BODY + 1)}, 413),
    ("/v1/track", b"<x/>", {"content-type": "text/xml"}, 415),
    ("/v1/track", b"x", {"content-encoding": "br"}, 415),
]


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def send(called: Called, path: str, body: object, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return called.send("POST", path, raw, {"content-type": JSON} | sent)


def told(called: Called) -> list[dict[str, Any]]:
    """What the rejections hold, in their order."""
    return [json.loads(bytes(message.data)) for message in called.log.messages if message.kind == "rejection"]


@pytest.mark.parametrize("strict", ["", "0", "yes", "1", "true"])
@pytest.mark.parametrize(("path", "body", "headers", "status"), WRONG)
def test_what_is_wrong_is_answered_200_unless_the_client_is_strict(
    called: Called, path: str, body: bytes, headers: dict[str, str], status: int, strict: str
) -> None:
    """Then it is an error that the Python client knows for one; else a row tells what became of the call."""
    answer = called.send("POST", path, body, {"content-type": JSON, "x-strict-mode": strict} | headers)

    if strict == "1":
        assert answer.status == status
        assert set(answer.json) == {"meta", "code", "message"}
        assert called.log.messages == []
        return
    assert (answer.status, answer.body) == (200, b"{}\n")
    assert {each["status"] for each in told(called)} == {status}
    assert {message.context.endpoint for message in called.log.messages} == {f"POST {path}"}
    assert sum(called.app.state.edge.metrics.rejections.values()) == len(called.log.messages)


@pytest.mark.parametrize("strict", ["", "1"])
def test_what_passes_is_told_to_everybody(tmp_path: Path, strict: str) -> None:
    """Else a client would not send it again."""
    called = edge(tmp_path, rate=1)
    called.log.error = Unavailable("away")
    for body in (json.dumps(EVENT).encode(), b"{"):
        answer = called.send("POST", "/v1/track", body, {"content-type": JSON, "x-strict-mode": strict})
        if strict and body == b"{":
            assert answer.status == 400
            continue
        assert (answer.status, answer.headers["retry-after"], answer.json["code"]) == (503, "1", "log")
    called.log.error = KeyError("ours")
    assert send(called, "/v1/track", EVENT, x_strict_mode=strict).status == 500
    called.log.error = Overloaded("full")

    answer = send(called, "/v1/track", EVENT, x_strict_mode=strict)

    assert (answer.status, answer.headers["retry-after"], answer.json["code"]) == (429, "1", "rate")
    assert called.log.messages == []


def test_paths_and_methods_are_never_forgiven(called: Called) -> None:
    """Whoever mistypes a path has to see it."""
    assert called.send("POST", "/v1/tracks", b"{}").status == 404
    assert called.send("GET", "/v1/track").status == 405
    assert called.log.messages == []


def test_the_items_of_a_batch_are_taken_or_refused_one_by_one(called: Called) -> None:
    """Leniently the refused ones are rows, strictly they are the answer."""
    long = {"type": "track", "userId": "5", "event": "x", "properties": {"a": "x" * 40_000}}
    body = {
        "batch": [EVENT | {"type": "track"}, EVENT | {"type": "dance"}, long, 3, {"type": "track"}, {"type": "page"}],
        "context": {"a": 1},
        "sentAt": "2015-12-12T19:11:01.249Z",
        "integrations": {"All": True},
    }

    answer = send(called, "/v1/batch", body)
    event, *rejections = called.log.messages
    assert (answer.status, answer.body) == (200, b"{}\n")
    assert (event.kind, bytes(event.context.sent)) == ("event", b'{"a": 1}')
    assert [json.loads(bytes(each.data))["index"] for each in rejections] == [1, 2, 3, 4, 5]
    assert told(called)[0]["excerpt"] == '{"userId": "5", "event": "x", "type": "dance"}'
    called.log.messages.clear()

    answer = send(called, "/v1/batch", body, x_strict_mode="1")
    assert [message.kind for message in called.log.messages] == ["event"]
    assert answer.status == 207
    assert (answer.json["code"], answer.json["message"]) == ("partial", "5 items of the batch were not taken")
    assert [(error["batch_index"], error["reason"], error["field"]) for error in answer.json["errors"]] == [
        (1, "invalid", "type"),
        (2, "invalid", ""),
        (3, "invalid", ""),
        (4, "required", "event"),
        (4, "required", "userId"),
        (5, "required", "userId"),
    ]


def test_a_strict_batch_of_which_nothing_is_right_is_a_400(called: Called) -> None:
    """It lists everything, with the number of the item."""
    answer = send(called, "/v1/b", {"batch": [{"type": "track"}, {"type": "page"}]}, x_strict_mode="1")

    assert answer.status == 400
    assert answer.json["meta"]["errors"] == [
        "item 0: event name must not be blank",
        "item 0: userId or anonymousId is required",
        "item 1: userId or anonymousId is required",
    ]


def test_a_batchs_context_is_that_of_calls_without_one(called: Called) -> None:
    """And cannot be made into many large ones."""
    items: list[dict[str, object]] = [{"type": "track", **EVENT}, {"type": "track", "context": {"b": 2}, **EVENT}]
    device = {"device": {"token": "abc", "type": "ios"}}
    send(called, "/v1/b", {"batch": items, "context": {"a": 1}})
    send(called, "/v1/b", {"batch": [items[0] | {"event": "Device Deleted"}], "context": device})

    assert [bytes(message.context.sent) for message in called.log.messages[:2]] == [b'{"a": 1}', b'{"b": 2}']
    assert called.log.messages[2].target == "abc"
    wide = {"batch": [{"type": "track", "userId": "5", "event": "x"}] * 500, "context": {"a": "x" * 5_000}}
    answer = send(called, "/v1/b", wide, x_strict_mode="1")
    assert (answer.status, answer.json["message"]) == (400, "context is too long for so many calls")


def test_a_browser_says_what_a_page_may_say(tmp_path: Path) -> None:
    """Whichever way its key comes; the rest is a row, and strictly a 403."""
    made = add(Settings(data=tmp_path), "browser", "site", "", 1_700_000_000.0)
    called = edge(tmp_path)
    may = {"identify", "track", "page", "group"}
    for name in NAMES[:-1]:
        body = EVENT | {"name": "x", "groupId": "7", "previousId": "4"}
        basic_key = send(called, f"/v1/{name}", body, authorization=basic(f"{made.plain}:"), x_strict_mode="1")
        in_body = send(called, f"/v1/{name}", body | {"writeKey": made.plain}, authorization="", x_strict_mode="1")
        assert basic_key.status == in_body.status == (200 if name in may else 403)
    called.log.messages.clear()
    items = [EVENT | {"type": "track", "event": "User Deleted"}, EVENT | {"type": "track"}]

    assert send(called, "/v1/b", {"batch": items, "writeKey": made.plain}, authorization="").body == b"{}\n"

    assert [message.kind for message in called.log.messages] == ["event", "rejection"]
    assert called.log.messages[1].name == "forbidden"
    assert send(called, "/v1/m", {"series": []}, authorization=basic(f"{made.plain}:")).body == b"{}\n"
    assert called.log.messages[-1].kind == "telemetry"


def test_whose_key_may_not_do_it_finds_the_rejection_among_his_own(called: Called) -> None:
    """Also if the key was refused before anything else was looked at."""
    send(called, "/v1/track", EVENT | {"writeKey": "key"}, authorization="")
    send(called, "/v1/track", EVENT | {"writeKey": "keys"}, authorization="")

    assert [(message.workspace, message.name) for message in called.log.messages] == [
        ("site", "forbidden"),
        ("", "unauthorized"),
    ]


def test_calls_without_a_key_use_up_their_own_rate(tmp_path: Path) -> None:
    """Not the workspace's: its calls go on, whatever anybody on the internet does."""
    called = edge(tmp_path, rate=1)
    anybody = [send(called, "/v1/m", {}, authorization="").status for _ in range(5)]
    own = [called.events(b'{"name":"x"}').status for _ in range(4)]

    assert anybody == [200, 200, 200, 429, 429]
    assert own == [200, 200, 200, 429]
    called.clock.now += 1
    answer = send(called, "/v1/m", {})
    assert (answer.status, answer.headers["ratelimit-remaining"]) == (200, "0")


def test_a_forgiven_call_tells_what_is_left_of_the_rate(tmp_path: Path) -> None:
    """As any other 200."""
    called = edge(tmp_path, rate=10)

    assert send(called, "/v1/track", b"{").headers["ratelimit-remaining"] == "29"


def test_the_connection_lives_on_behind_what_was_forgiven() -> None:
    """Whatever was left unread of it: the next request is taken for what it is."""
    good = request("POST", "/v1/track", json.dumps(EVENT).encode(), Content_Type=JSON)
    keyless = good.replace(b"Authorization: ", b"Ignored: ")
    unknown = good.replace(b"Authorization: Basic ", b"Authorization: Basic x")
    large = request("POST", "/v1/track", LONG, Content_Type=JSON)
    with serving() as served, served.wire() as wire:
        for sent in (large, good, unknown, good, keyless, good, large + good):
            wire.send(sent)
            for _ in range(sent.count(b"POST ")):
                answer = wire.answer()
                assert (answer.status, answer.body) == (200, b"{}\n")
        until_free(served.edge)
        kinds = [message.kind for message in served.log.messages]

    assert kinds == ["rejection", "event"] * 4
