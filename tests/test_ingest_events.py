"""From the body of an event to a message."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.api.v1 import anonymous_event, event
from ingest.arrivals import Arrival
from ingest.bodies import parse
from ingest.errors import BadRequest
from ingest.ids import new_id, new_ids
from schemas.messages import Context, Message, encode

NOW = 1_700_000_000.5
EDGE_ID = new_id(NOW, 7)
ARRIVAL = Arrival("site", NOW, EDGE_ID, Context("test"), "server")
ULID = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
ULID_AT = 1508808576.371
UUID4 = "0e1d2c3b-4a59-4687-9fed-cba987654321"
UUID7 = "018bcfe5-6864-7c1f-8ce4-31578e039e1f"
UUID7_AT = 1700000000.1
BLANK = "event name must not be blank"
HASH = 'event data must be a hash (e.g., send "data":{} instead of "data":"")'
SECONDS = "timestamp must be a number of seconds since 1970"


def made(body: dict[str, Any] | bytes, make: Any = event) -> Message:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    [message] = make(ARRIVAL, {"identifier": "5"}, parse(raw, "application/json")).messages
    assert isinstance(message, Message)
    return message


def refused(body: dict[str, Any] | bytes, make: Any = event) -> list[str]:
    with pytest.raises(BadRequest) as error:
        made(body, make)
    return list(error.value.messages)


def test_the_least_event_has_defaults() -> None:
    """Our id, our time, an empty object."""
    message = made({"name": " purchased  "})

    assert (
        message.id,
        message.client_id,
        message.kind,
        message.subject,
        message.name,
    ) == (EDGE_ID, "", "event", "id:5", "purchased")
    assert (message.timestamp, message.received_at, message.sent_timestamp, message.filed_at) == (NOW, NOW, "", None)
    assert bytes(message.data) == b"{}"
    assert encode(message).startswith(b'{"id":')


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_data_reaches_the_log_as_the_text_that_was_sent(data: dict[str, Any]) -> None:
    """Byte for byte, within the message as it is written."""
    text = json.dumps(data).encode()

    message = made(b'{"name":"x","data":' + text + b"}")

    assert text == bytes(message.data)
    assert b'"data":' + text in encode(message)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, [BLANK]),
        ({"name": None}, [BLANK]),
        ({"name": ""}, [BLANK]),
        ({"name": " \t"}, [BLANK]),
        ({"name": 5}, ["event name must be a string"]),
        ({"name": "x" * 101}, ["event name cannot be longer than 100 bytes"]),
        ({"name": "é" * 51}, ["event name cannot be longer than 100 bytes"]),
        ({"name": "x" * 101, "type": "other"}, ["event name cannot be longer than 100 bytes"]),
        ({"name": "x" * 501, "type": "page"}, ["event name must be less than 500 characters"]),
        ({"name": "x" * 501, "type": "screen"}, ["event name must be less than 500 characters"]),
        ({"name": "x", "data": ""}, [HASH]),
        ({"name": "x", "data": []}, [HASH]),
        ({"name": "x", "data": 5}, [HASH]),
        ({"name": "x", "data": {"a": "x" * 100_000}}, ["event data cannot be longer than 100000 bytes"]),
        ({"name": "x", "timestamp": "yesterday"}, [SECONDS]),
        ({"name": "x", "timestamp": True}, [SECONDS]),
        ({"name": "x", "timestamp": []}, [SECONDS]),
        ({"name": "x", "timestamp": "nan"}, [SECONDS]),
        ({"name": "x", "timestamp": "1_000"}, [SECONDS]),
        ({"name": "x", "timestamp": "\u0661"}, [SECONDS]),
        ({"name": "x", "timestamp": "1" * 101}, [SECONDS]),
        ({"name": "x", "timestamp": "2023-11-14T22:13:20Z"}, [SECONDS]),
        ({"name": "x", "id": {}}, ["event id must be a string"]),
        ({"name": "x", "id": False}, ["event id must be a string"]),
        ({"name": "x", "id": "x" * 151}, ["event id cannot be longer than 150 bytes"]),
        ({"data": [], "id": [], "timestamp": "?"}, [BLANK, HASH, "event id must be a string", SECONDS]),
    ],
)
def test_an_event_that_breaks_the_contract_is_refused(body: dict[str, Any], said: list[str]) -> None:
    """In the words of the catalogue, all that is wrong at once."""
    assert said == refused(body)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x" * 100},
        {"name": " " + "é" * 50 + " "},
        {"name": "é" * 500, "type": "page"},
        {"name": "x", "data": {"a": "x" * (100_000 - len('{"a": ""}'))}},
        {"name": "x", "data": None, "timestamp": None, "id": None},
        {"name": "x", "timestamp": "", "id": ""},
    ],
)
def test_an_event_at_its_limits_is_taken(body: dict[str, Any]) -> None:
    """Nothing is wrong with it, and null is as good as absent."""
    assert made(body).id == EDGE_ID


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ("page", "page"),
        ("screen", "screen"),
        ("event", "event"),
        ("Page", "event"),
        (None, "event"),
        ([], "event"),
        (1, "event"),
    ],
)
def test_whatever_is_no_page_and_no_screen_is_an_event(sent: object, kind: str) -> None:
    """Unknown types are not refused."""
    assert kind == made({"name": "x", "type": sent}).kind


@pytest.mark.parametrize(
    ("sent", "at", "text"),
    [
        ("1600000000", 1600000000, "1600000000"),
        ("1600000000.25", 1600000000.25, "1600000000.25"),
        ('"1600000000"', 1600000000, "1600000000"),
        ('" 1600000000.5 "', 1600000000.5, "1600000000.5"),
        ("1.6e9", 1600000000, "1.6e9"),
        ("0", 0, "0"),
        ("-1", -1, "-1"),
    ],
)
def test_a_timestamp_is_unix_seconds_and_its_text_is_kept(sent: str, at: float, text: str) -> None:
    """An integer, a decimal, or either in a string."""
    message = made(f'{{"name":"x","timestamp":{sent}}}'.encode())

    assert (at, text, ()) == (message.timestamp, message.sent_timestamp, message.context.flags)


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("1600000000000", 10_413_791_999),
        ("10413792000", 10_413_791_999),
        ("-2208988801", -2_208_988_800),
        ("1e300", 10_413_791_999),
        ('"1e999"', 10_413_791_999),
        ("1" * 90, 10_413_791_999),
    ],
)
def test_a_timestamp_out_of_range_is_clamped_and_flagged(sent: str, at: float) -> None:
    """Milliseconds are never rescaled: we would have to guess."""
    message = made(f'{{"name":"x","timestamp":{sent}}}'.encode())

    assert (at, sent.strip('"'), ("timestamp_out_of_range",)) == (
        message.timestamp,
        message.sent_timestamp,
        message.context.flags,
    )


@pytest.mark.parametrize(
    ("sent", "timestamp", "filed_at"),
    [
        (ULID, None, ULID_AT),
        (ULID, 1600000000, ULID_AT),
        (ULID.lower(), None, ULID_AT),
        (UUID7, None, UUID7_AT),
        (UUID7.upper(), 1600000000, UUID7_AT),
        (UUID4, None, 0),
        (UUID4, 1600000000, 1600000000),
        (UUID4, 1600000000000, 0),
    ],
)
def test_a_ulid_or_uuid_makes_the_message_and_its_month(sent: str, timestamp: int | None, filed_at: float) -> None:
    """As it was sent; the month comes of what a repeat repeats, never of the time of receipt."""
    message = made({"name": "x", "id": sent, "timestamp": timestamp})

    assert (sent, "", filed_at) == (message.id, message.client_id, message.filed_at)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('"5"', "5"),
        ("5", "5"),
        ("18446744073709551616", "18446744073709551616"),
        ('"8' + ULID[1:] + '"', "8" + ULID[1:]),
        ('"' + ULID[:-1] + 'U"', ULID[:-1] + "U"),
        ('"' + UUID4.replace("-", "") + '"', UUID4.replace("-", "")),
        ('"' + UUID4 + '\\n"', UUID4 + "\n"),
    ],
)
def test_another_id_is_kept_and_tells_no_repeats(sent: str, kept: str) -> None:
    """It often is the customer's id by mistake: all later events would vanish."""
    message = made(f'{{"name":"x","id":{sent}}}'.encode())

    assert (EDGE_ID, kept, None) == (message.id, message.client_id, message.filed_at)


@pytest.mark.parametrize(
    ("sent", "subject"),
    [
        ("a b/c", "anon:a b/c"),
        (42, "anon:42"),
        ("Bob@Example.com", "anon:Bob@Example.com"),
        ("x" * 150, "anon:" + "x" * 150),
        (None, f"invite:{EDGE_ID}"),
        ("", f"invite:{EDGE_ID}"),
        ("  ", f"invite:{EDGE_ID}"),
    ],
)
def test_an_anonymous_event_is_about_its_anonymous_id_or_an_invite(sent: object, subject: str) -> None:
    """An invite is a subject of its own."""
    assert subject == made({"name": "x", "anonymous_id": sent}, anonymous_event).subject


def test_a_repeated_invite_keeps_its_subject() -> None:
    """The subject is made of the client's id if that makes the message."""
    assert f"invite:{ULID}" == made({"name": "x", "id": ULID}, anonymous_event).subject


def test_an_anonymous_id_that_is_none_is_refused() -> None:
    """Together with whatever else is wrong."""
    assert refused({"anonymous_id": []}, anonymous_event) == ["anonymous_id must be a string", BLANK]
    assert refused({"name": "x", "anonymous_id": "x" * 151}, anonymous_event) == [
        "anonymous_id cannot be longer than 150 bytes"
    ]


@given(st.floats(0, 4e9), st.integers(0, (1 << 80) - 1))
def test_our_ids_are_version_7_uuids_in_the_order_of_time(at: float, noise: int) -> None:
    """RFC 9562: 48 bits of milliseconds, the version, the variant."""
    made_id = new_id(at, noise)

    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", made_id)
    assert int(at * 1000) == int(made_id[:8] + made_id[9:13], 16)


def test_our_ids_differ() -> None:
    """Even in the same millisecond."""
    assert len({new_id(NOW) for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize("count", [0, 1, 4096, 4097, 10_000])
def test_ids_made_at_once_are_as_many_as_were_asked_for_and_differ(count: int) -> None:
    """Version 7 of that time, as JSON; also those made at once a second time differ."""
    made = new_ids(NOW, count)

    assert len({*made, *new_ids(NOW, count)}) == 2 * count
    assert all(
        re.fullmatch(rb'"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"', each) for each in made
    )
    assert all(each[1:14].decode() == new_id(NOW)[:13] for each in made)
