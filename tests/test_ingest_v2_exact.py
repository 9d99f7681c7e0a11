"""Track v2: what was sent, exactly, the ids that messages get, and how much may come."""

import json
from pathlib import Path

import pytest

from ingest import limits
from tests.calling import Called, edge
from tests.test_ingest_v2 import BATCH, BOB, ENTITY, TAKEN, said

ULID = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
EVENT = {**BOB, "action": "event", "name": "x"}


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


@pytest.mark.parametrize("field", ["attributes", "data"])
def test_the_text_of_an_event_survives(called: Called, field: str) -> None:
    """White space, order, duplicates and numbers, also within a batch."""
    text = b'{ "b":1.0, "a":18446744073709551616,"a":1E2, "\\u00e9":[ ] }'
    entity = b'{"type":"person","identifiers":{"id":"5"},"action":"event","name":"x","%s":%s}' % (field.encode(), text)

    called.send("POST", ENTITY, entity)
    called.send("POST", BATCH, b'{"batch":[ %s ,%s]}' % (entity, entity))

    assert [bytes(message.data) for message in called.log.messages] == [text] * 3


def test_the_text_of_attributes_survives(called: Called) -> None:
    """Of people, objects, relationships and devices."""
    text = '{ "b":1.0}'
    of_bob = '"type":"person","identifiers":{"id":"5"}'
    called.send("POST", BATCH, b'{"batch":[{%s},{%s},{%s}]}' % (
        f'{of_bob},"action":"identify","attributes":{{"a":{text}}}'.encode(),
        f'{of_bob},"action":"add_device","device":{{"token":"t","platform":"ios","a":{text}}}'.encode(),
        f'{of_bob},"action":"add_relationships","cio_relationships":[{{"identifiers":{{"cio_object_id":"c"}},'
        f'"relationship_attributes":{{"a":{text}}}}}]'.encode(),
    ))  # fmt: skip

    identify, device, relation = called.log.messages
    assert identify.attributes == device.attributes == relation.relationships[0][1] == (("a", text),)


def test_a_repeat_of_an_event_keeps_its_id(called: Called) -> None:
    """A ULID makes the message; without one each item of a batch gets an id of its own."""
    event = {**BOB, "action": "event", "name": "x"}
    called.send(
        "POST", BATCH, json.dumps({"batch": [event | {"id": ULID}, event | {"id": ULID}, event, event]}).encode()
    )

    first, repeat, other, another = (message.id for message in called.log.messages)
    assert first == repeat == ULID
    assert len({first, other, another}) == 3


def test_a_request_s_key_becomes_the_ids_of_its_items(called: Called) -> None:
    """And a repeat of the batch repeats them."""
    body = json.dumps({"batch": [EVENT | {"id": ULID}, {**BOB, "action": "delete"}]})
    for _ in range(2):
        called.send("POST", BATCH, body.encode(), idempotency_key="once")

    assert [message.id for message in called.log.messages] == [ULID, "once/1"] * 2


def test_an_entity_may_be_a_form(called: Called) -> None:
    """As every body."""
    form = b"type=person&action=event&name=x&identifiers[id]=5&attributes[a]=1"
    answer = called.send("POST", ENTITY, form, content_type="application/x-www-form-urlencoded")

    assert (answer.status, answer.body) == TAKEN
    assert said(called.log.messages[0]) == {"kind": "event", "subject": "id:5", "name": "x", "data": {"a": "1"}}


def padded(size: int) -> bytes:
    """An entity of so many bytes."""
    entity = json.dumps({**EVENT, "data": {"a": ""}}).encode()
    return entity[:-3] + b"x" * (size - len(entity)) + entity[-3:]


def test_an_entity_may_have_32_kb(called: Called) -> None:
    """One byte more is a 413 alone, and a refused item in a batch."""
    largest, more = padded(limits.ENTITY), padded(limits.ENTITY + 1)
    assert called.send("POST", ENTITY, largest).status == 200
    assert called.send("POST", ENTITY, more).status == 413

    assert called.send("POST", BATCH, b'{"batch":[ %s ]}' % largest).status == 200
    answer = called.send("POST", BATCH, b'{"batch":[%s,%s]}' % (more, largest))
    message = f"an item of a batch cannot be longer than {limits.ENTITY} bytes"
    assert answer.json == {"errors": [{"batch_index": 0, "reason": "invalid", "field": "", "message": message}]}
    assert len(called.log.messages) == 3


def test_a_batch_may_have_500_kb(called: Called) -> None:
    """One byte more is a 413, and nothing of it is taken."""
    item = padded(30_000)
    body = b'{"batch":[%s' % b",".join([item] * 17)
    assert called.send("POST", BATCH, body.ljust(limits.BODY - 1) + b"]}").status == 413
    assert called.log.messages == []

    assert called.send("POST", BATCH, body.ljust(limits.BODY - 2) + b"]}").status == 200
    assert len(called.log.messages) == 17
