"""`Idempotency-Key`: the id of a message that has none of its own, and what shows that it was used twice."""

import gzip
import json
from pathlib import Path

import pytest

from tests.calling import EVENTS, IDENTIFY, Answer, Called, edge

EVENT = b'{"name":"x"}'
ULID = "01HF7YAT00" + "0" * 16
JSON = {"content-type": "application/json"}


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def send(called: Called, path: str, body: object, key: str, method: str = "POST", **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return called.send(method, path, raw, JSON | {"idempotency-key": key} | sent)


def test_the_key_is_the_id_of_any_message(called: Called) -> None:
    """Of whatever form: the client chose it for this."""
    for method, path in (("POST", EVENTS), ("PUT", IDENTIFY), ("DELETE", IDENTIFY), ("POST", "/v1/track")):
        body = {"name": "x", "event": "x", "userId": "5"}
        assert send(called, path, body, " order 7 ", method).status == 200

    assert [message.id for message in called.log.messages] == ["order 7"] * 4
    assert {message.client_id for message in called.log.messages} == {""}


def test_an_id_in_the_body_wins(called: Called) -> None:
    """It is of that event; an id that tells no repeats is kept, and the key is the id."""
    send(called, EVENTS, {"name": "x", "id": ULID}, "k")
    send(called, EVENTS, {"name": "x", "id": "order 7"}, "k")
    send(called, "/v1/track", {"userId": "5", "event": "x", "messageId": "m"}, "k")

    found = [(message.id, message.client_id, bool(message.fingerprint)) for message in called.log.messages]
    assert found == [(ULID, "", False), ("k", "order 7", True), ("m", "", False)]


def test_another_body_shows(called: Called) -> None:
    """The same one has the same fingerprint, however it was packed; without a key there is none."""
    for body in (EVENT, EVENT, b'{"name":"y"}'):
        send(called, EVENTS, body, "k")
    for mtime in (1, 2):
        send(called, EVENTS, gzip.compress(EVENT, mtime=mtime), "k", content_encoding="gzip")
    called.events(EVENT)

    first, again, other, packed, repacked, none = (message.fingerprint for message in called.log.messages)
    assert first == again == packed == repacked
    assert other not in (first, "")
    assert none == ""


def test_a_body_that_is_not_looked_at_is_no_other_body(called: Called) -> None:
    """Clients delete with `{}` or with nothing."""
    for body in (b"", b"{}"):
        send(called, IDENTIFY, body, "k", "DELETE")

    assert len({message.fingerprint for message in called.log.messages}) == 1


def test_the_month_of_an_event_is_that_inside_the_key(called: Called) -> None:
    """Else a repeat in the next month would be another event."""
    send(called, EVENTS, EVENT, ULID)
    send(called, EVENTS, {"name": "x", "timestamp": 1_600_000_000}, "k")
    send(called, EVENTS, EVENT, "k")

    assert [message.filed_at for message in called.log.messages] == [1_700_000_000.0, 1_600_000_000.0, 0.0]


@pytest.mark.parametrize("path", ["/v1/batch", "/api/v2/batch"])
def test_the_items_of_a_batch_have_an_id_each(called: Called, path: str) -> None:
    """Made of the key and their number, so that a repeat of the batch repeats them."""
    items = [
        {"type": "track", "userId": "5", "event": "x"},
        {"type": "person", "action": "event", "identifiers": {"id": "5"}, "name": "x"},
    ]
    item = items[path.startswith("/api/")]
    for _ in range(2):
        send(called, path, {"batch": [item, {}, item]}, "k")

    kept = [message for message in called.log.messages if message.kind == "event"]
    assert [message.id for message in kept] == ["k/0", "k/2"] * 2
    assert len({message.fingerprint for message in kept}) == 1


@pytest.mark.parametrize("key", ["x" * 151, "\xc3\xa9" * 76, "\xff", " "])
def test_a_key_that_cannot_be_one_is_refused(called: Called, key: str) -> None:
    """Its client relies on it."""
    answer = send(called, EVENTS, EVENT, key)

    assert answer.status == 400
    assert answer.json["meta"]["errors"][0].startswith("Idempotency-Key ")
    assert called.log.messages == []


def test_the_longest_key_is_taken(called: Called) -> None:
    """In bytes of UTF-8."""
    assert send(called, EVENTS, EVENT, "\xc3\xa9" * 75).status == 200
    assert called.log.messages[0].id == "é" * 75
