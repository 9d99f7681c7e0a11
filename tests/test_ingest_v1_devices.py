"""Track v1, devices: each client writes them in its own way."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.calling import IDENTIFY, Called, edge
from tests.said import said

DEVICES = f"{IDENTIFY}/devices"
ADDED = {"kind": "add_device", "subject": "id:5", "target": "t", "name": "ios"}


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


@pytest.mark.parametrize(
    ("device", "fields"),
    [
        ('"id":"t","platform":"ios"', {}),
        ('"id":"t","platform":"iOS","attributes":null,"last_used":""', {}),
        (
            '"id":"t","platform":"ios","last_used":1600000000,"cool":true,"n": 1.0',  # Python, Ruby
            {"attributes": (("cool", "true"), ("n", "1.0")), "sent_timestamp": "1600000000"},
        ),
        (
            '"id":"t","platform":"ios","last_used":"1600000000","attributes":{"cool":"yes"}',  # Go
            {"attributes": (("cool", '"yes"'),), "sent_timestamp": "1600000000"},
        ),
        (
            '"id":"t","platform":"ios","a":1,"b":2,"attributes":{"c":null,"a":{"x":[3]}}',
            {"attributes": (("a", '{"x":[3]}'), ("b", "2"), ("c", "null"))},
        ),
        (
            '"id":"t","platform":"ios","attributes":{"id":"u","platform":"?","_timestamp":1,"attributes":2}',
            {"attributes": (("id", '"u"'), ("platform", '"?"'), ("_timestamp", "1"), ("attributes", "2"))},
        ),
        ('"id":42,"platform":"android"', {"target": "42", "name": "android"}),
    ],
)
def test_a_device_is_taken_as_each_client_writes_it(called: Called, device: str, fields: dict[str, Any]) -> None:
    """What is said of it flat or in `attributes`, which decides; and the time of its last use orders the write."""
    answer = called.send("PUT", DEVICES, f'{{"device":{{{device}}}}}'.encode())

    assert (answer.status, answer.body) == (200, b"{}\n")
    [message] = called.log.messages
    assert said(message) == ADDED | fields
    assert message.timestamp == float(message.sent_timestamp or called.clock.now)


def test_a_device_may_come_as_a_form(called: Called) -> None:
    """As everything could in 2013."""
    called.send("PUT", DEVICES, b"device[id]=t&device[platform]=ios&device[attributes][a]=1")

    assert [said(message) for message in called.log.messages] == [ADDED | {"attributes": (("a", '"1"'),)}]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, ["device is required"]),
        ({"device": None}, ["device is required"]),
        ({"device": "t"}, ["device must be an object"]),
        ({"device": {}}, ["device.id is required", "device.platform is required"]),
        (
            {"device": {"id": True, "platform": ["ios"], "last_used": "lately", "attributes": "a"}},
            [
                "device.id must be a string",
                "device.platform must be a string",
                "device.last_used must be a number of seconds since 1970",
                "device.attributes must be an object",
            ],
        ),
        (
            {"device": {"id": "x" * 1001, "platform": "windows", "a": "x" * 1001, "attributes": {"b" * 151: 1}}},
            [
                "device.id cannot be longer than 1000 bytes",
                "device.platform must be one of ios, android",
                "value for attribute 'a' cannot be longer than 1000 bytes",
                "attribute name cannot be longer than 150 bytes",
            ],
        ),
        (
            {"device": {"id": "t", "platform": "ios", "a": 1, "attributes": {str(number): 1 for number in range(300)}}},
            ["cannot identify more than 300 attributes in one request"],
        ),
    ],
)
def test_a_device_that_is_none_is_refused(called: Called, body: Any, errors: list[str]) -> None:
    """All that is wrong at once."""
    answer = called.send("PUT", DEVICES, json.dumps(body).encode())

    assert (answer.status, answer.json) == (400, {"meta": {"errors": errors}})
    assert called.log.messages == []


@pytest.mark.parametrize(
    ("segment", "token"), [("t", "t"), ("a%2Fb%3A+c%25", "a/b:+c%"), ("x" * 1000, "x" * 1000), ("%C3%A9", "é")]
)
@pytest.mark.parametrize("body", [b"", b"{}", b"\xff"])
def test_a_device_is_removed_by_the_token_in_the_path(called: Called, segment: str, token: str, body: bytes) -> None:
    """Longer ones than identifiers are; Python sends a body, which nobody reads."""
    answer = called.send("DELETE", f"{DEVICES}/{segment}", body)

    assert (answer.status, answer.body) == (200, b"{}\n")
    assert [said(message) for message in called.log.messages] == [
        {"kind": "delete_device", "subject": "id:5", "target": token}
    ]


@pytest.mark.parametrize(
    ("segment", "status"), [("x" * 1001, 400), ("%zz", 400), ("%FF", 400), ("", 404), ("a/b", 404)]
)
def test_a_token_that_cannot_be_read_is_refused(called: Called, segment: str, status: int) -> None:
    """It would be another device's."""
    answer = called.send("DELETE", f"{DEVICES}/{segment}")

    assert (answer.status, called.log.messages) == (status, [])
