"""Data Pipelines: a call's id, its time, the client's context, and how its body may be written."""

import gzip
import json
import time
from pathlib import Path

import pytest

from schemas.messages import Message
from tests.calling import Answer, Called, edge

TIME = "2015-12-12T19:11:01.249Z"
AT = 1_449_947_461.249
KNOWN = {"userId": "5"}


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def send(called: Called, name: str, body: object, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
    return called.send("POST", f"/v1/{name}", raw, sent)


def only(called: Called) -> Message:
    [message] = called.log.messages
    return message


@pytest.mark.parametrize("name", ["track", "identify", "group", "alias"])
def test_a_message_id_of_any_form_is_the_id(called: Called, name: str) -> None:
    """Also of what is no event: `trace` finds it by that."""
    body = KNOWN | {"event": "x", "groupId": "7", "previousId": "4"}
    for id in ("ajs-next-1", "node-next-1-x", 5):
        send(called, name, body | {"messageId": id}, idempotency_key="other")

    assert [message.id for message in called.log.messages] == ["ajs-next-1", "node-next-1-x", "5"]
    assert {(message.client_id, message.fingerprint) for message in called.log.messages} == {("", "")}


def test_the_month_of_a_message_is_one_that_a_repeat_repeats(called: Called) -> None:
    """The time inside its id, else its timestamp; without either the first month of all."""
    ulid = "01HF7YAT00" + "0" * 16
    for body in ({"messageId": ulid}, {"messageId": ulid, "timestamp": TIME}, {"messageId": "x", "timestamp": TIME}):
        send(called, "track", KNOWN | {"event": "x"} | body)
    send(called, "track", KNOWN | {"event": "x", "messageId": "x"})
    send(called, "track", KNOWN | {"event": "x"})

    assert [message.filed_at for message in called.log.messages] == [1_700_000_000.0, 1_700_000_000.0, AT, 0.0, None]


@pytest.mark.parametrize(
    ("sent", "at", "flagged"),
    [
        (TIME, AT, False),
        ("2015-12-12T20:11:01.249+01:00", AT, False),
        ("2015-12-12T19:11:01.249", AT, False),
        ("20151212T191101.249Z", AT, False),
        (" 2015-12-12T19:11:01.249000000Z ", AT, False),
        ("2015-12-12", 1_449_878_400.0, False),
        (1_449_947_461, 1_449_947_461.0, False),
        ("1449947461.5", 1_449_947_461.5, False),
        ("0001-01-01T00:00:00Z", -2_208_988_800.0, True),
        ("0000-01-01T00:00:00Z", -2_208_988_800.0, True),
        ("-000001-01-01T00:00:00.000Z", -2_208_988_800.0, True),
        ("9999-12-31T23:59:59Z", 10_413_791_999.0, True),
        ("+055840-01-01T00:00:00.000Z", 10_413_791_999.0, True),
        ("55840-01-01T00:00:00+01:00", 10_413_791_999.0, True),
        ("+10000-01-01T00:00:00Z", 10_413_791_999.0, True),
        ("-0001-11-30T00:00:00+00:00", -2_208_988_800.0, True),
        ("+002015-12-12T19:11:01.249Z", AT, False),
        (1_449_947_461_249, 10_413_791_999.0, True),
        (None, 1_700_000_000.0, False),
        ("", 1_700_000_000.0, False),
    ],
)
def test_timestamps_are_iso_8601_or_seconds(called: Called, sent: object, at: float, flagged: bool) -> None:
    """Out of range they are taken and flagged, never rescaled; the text stays."""
    send(called, "track", KNOWN | {"event": "x", "timestamp": sent, "context": {"a": 1}})

    message = only(called)
    assert message.timestamp == at
    assert message.sent_timestamp == ("" if sent is None else str(sent).strip())
    assert message.context.flags == (("timestamp_out_of_range",) if flagged else ())
    assert bytes(message.context.sent) == b'{"a": 1}'


@pytest.mark.parametrize(
    "sent",
    [
        *(True, [], "x", "12/12/2015", "2015-13-01", "2015-12-12T25:00:00Z", "2015-12-12T19:11:01Z,", "2" * 200),
        *("\uff11", "02015-12-12T19:11:01Z", "+002015-13-12T19:11:01Z"),
    ],
)
def test_what_is_no_time_is_refused(called: Called, sent: object) -> None:
    """It would else be now."""
    answer = send(called, "track", KNOWN | {"event": "x", "timestamp": sent}, x_strict_mode="1")

    assert answer.status == 400
    assert answer.json["meta"]["errors"][0].startswith("timestamp must be ")


def test_a_time_without_an_offset_is_utc_wherever_the_edge_is(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same call means the same on every machine."""
    with monkeypatch.context() as there:
        there.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        send(called, "track", KNOWN | {"event": "x", "timestamp": TIME.removesuffix("Z")})
    time.tzset()

    assert only(called).timestamp == AT


def test_who_backdates_by_the_original_timestamp_is_believed(called: Called) -> None:
    """As long as there is no other."""
    send(called, "track", KNOWN | {"event": "x", "originalTimestamp": TIME})
    send(called, "track", KNOWN | {"event": "x", "originalTimestamp": "x", "timestamp": TIME, "sentAt": "x"})

    assert [message.timestamp for message in called.log.messages] == [AT, AT]


def test_the_clients_context_is_kept_to_the_byte(called: Called) -> None:
    """Its address and browser are its word, ours are what we saw."""
    context = b'{ "ip":"8.8.8.8",  "userAgent": "\\u00e9", "n": 1.0 }'
    send(called, "track", b'{"userId":"5","event":"x","context":' + context + b"}", user_agent="ours")

    found = only(called).context
    assert (bytes(found.sent), found.ip, found.user_agent) == (context, "192.0.2.1", "ours")
    assert found.endpoint == "POST /v1/track"


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain;charset=UTF-8", "", "application/json"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_browser_may_call_its_json_plain_text(called: Called, content_type: str, packed: bool) -> None:
    """So it need not ask first; and anybody may pack it."""
    body = b'{"userId":"5","event":"x"}'
    headers = {"content_type": content_type, "content_encoding": "gzip" if packed else ""}

    assert send(called, "track", gzip.compress(body) if packed else body, x_strict_mode="1", **headers).status == 200
    assert only(called).name == "x"


def test_plain_text_stays_unknown_to_the_track_api(called: Called) -> None:
    """There a browser has no business with it."""
    assert called.events(b'{"name":"x"}', content_type="text/plain").status == 415


def test_telemetry_is_kept_and_needs_no_key(called: Called) -> None:
    """What a library counts of itself, whatever it is."""
    for headers in ({"authorization": ""}, {}):
        assert send(called, "m", b'{"series":[{"n": 1.0}]}', **headers).body == b"{}\n"

    for message in called.log.messages:
        assert (message.kind, message.subject) == ("telemetry", f"telemetry:{message.id}")
        assert bytes(message.data) == b'{"series":[{"n": 1.0}]}'
