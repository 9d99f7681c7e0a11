"""From the body of an identify to a message."""

import json
from typing import Any

import pytest

from ingest.api.v1 import delete, identify
from ingest.arrivals import Arrival
from ingest.bodies import parse
from ingest.errors import BadRequest
from schemas.messages import MUST_EXIST, Context, Message

ARRIVAL = Arrival("site", 1_700_000_000.5, "an-id", Context("test"), "server")
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def made(body: dict[str, Any] | bytes, identifier: str = "5", content_type: str = JSON) -> Message:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    [message] = identify(ARRIVAL, {"identifier": identifier}, parse(raw, content_type)).messages
    return message


def refused(body: dict[str, Any] | bytes, identifier: str = "5") -> list[str]:
    with pytest.raises(BadRequest) as error:
        made(body, identifier)
    return list(error.value.messages)


def too_long(name: str) -> str:
    return f"value for attribute '{name}' cannot be longer than 1000 bytes"


def test_an_identify_holds_its_attributes_as_exact_text() -> None:
    """In the order sent; null and "" are kept, for they unset."""
    message = made(
        b'{"plan":"premium","n":1.0,"big":18446744073709551616,"o":{"a": 1E2},"u":null,"e":"","t":"\\u00e9"}'
    )

    assert (
        message.id,
        message.kind,
        message.subject,
        message.timestamp,
        message.sent_timestamp,
    ) == ("an-id", "identify", "id:5", 1_700_000_000.5, "")
    assert message.attributes == (
        ("plan", '"premium"'),
        ("n", "1.0"),
        ("big", "18446744073709551616"),
        ("o", '{"a": 1E2}'),
        ("u", "null"),
        ("e", '""'),
        ("t", '"\\u00e9"'),
    )


def test_a_form_makes_attributes_of_strings() -> None:
    """The example of 2013, and a nested one."""
    message = made(b"email=customer@example.com&name=Bob&a[b]=%22", content_type=FORM)

    assert message.attributes == (("email", '"customer@example.com"'), ("name", '"Bob"'), ("a", '{"b":"\\""}'))


@pytest.mark.parametrize(
    ("body", "identifier"),
    [
        ({}, "5"),
        ({"id": "5"}, "5"),
        ({"id": 5}, "5"),
        ({"id": "5"}, "bob@example.com"),
        ({"id": "5"}, "cio_1"),
        ({"id": "a/b"}, "a%2Fb"),
        ({str(number): 1 for number in range(300)}, "5"),
        ({"x" * 150: 1, "é" * 75: 1}, "5"),
        ({"a": "x" * 1000, "b": "é" * 500, "c": "\0" * 1000, "d": [1] * 333}, "5"),
        ({"cio_subscription_preferences": {"a": "x" * 2000}}, "5"),
    ],
)
def test_an_identify_within_the_limits_is_taken(body: dict[str, Any], identifier: str) -> None:
    """A string counts by the bytes it stands for, everything else by its text."""
    assert tuple(body) == tuple(name for name, _ in made(body, identifier).attributes)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"id": "6"}, ["id attribute and identifier are not the same value"]),
        ({"id": "05"}, ["id attribute and identifier are not the same value"]),
        ({"id": 5.0}, ["id attribute and identifier are not the same value"]),
        ({"id": ""}, ["id attribute cannot be an empty string"]),
        ({"id": None}, ["id attribute must be present"]),
        ({"id": True}, ["id attribute must be a string value"]),
        ({"id": ["5"]}, ["id attribute must be a string value"]),
        ({str(number): 1 for number in range(301)}, ["cannot identify more than 300 attributes in one request"]),
        ({"x" * 151: 1, "é" * 76: 1}, ["attribute name cannot be longer than 150 bytes"]),
        ({"a": "x" * 1001, "b": "é" * 501}, [too_long("a"), too_long("b")]),
        ({"a": {"b": "x" * 1000}}, [too_long("a")]),
        ({"_timestamp": "soon"}, ["_timestamp must be a number of seconds since 1970"]),
        (
            {"id": "6", "token": "x" * 1001},
            ["id attribute and identifier are not the same value", too_long("token")],
        ),
    ],
)
def test_an_identify_that_breaks_the_contract_is_refused(body: dict[str, Any], said: list[str]) -> None:
    """In the words of the catalogue, all that is wrong at once."""
    assert said == refused(body)


def test_an_id_given_beside_an_email_is_bounded_as_an_identifier() -> None:
    """It becomes one."""
    assert refused({"id": "x" * 151}, "bob@example.com") == ["id attribute cannot be longer than 150 bytes"]


@pytest.mark.parametrize(
    ("sent", "at", "text", "flags"),
    [
        ("1600000000", 1600000000, "1600000000", ()),
        ('"1600000000.5"', 1600000000.5, "1600000000.5", ()),
        ("1600000000000", 10_413_791_999, "1600000000000", ("timestamp_out_of_range",)),
        ("null", ARRIVAL.at, "", ()),
        ('""', ARRIVAL.at, "", ()),
    ],
)
def test_timestamp_orders_the_write_and_is_no_attribute(
    sent: str, at: float, text: str, flags: tuple[str, ...]
) -> None:
    """`_timestamp` is taken out."""
    message = made(f'{{"_timestamp":{sent},"a":1}}'.encode())

    assert (at, text, flags) == (message.timestamp, message.sent_timestamp, message.context.flags)
    assert message.attributes == (("a", "1"),)


@pytest.mark.parametrize("sent", ["true", '"true"', '"True"', '"TRUE"', "1", '"1"', "1.0"])
@pytest.mark.parametrize("before", ["", '"a":1,'])
def test_an_update_is_for_who_is_there(sent: str, before: str) -> None:
    """Whichever way it is said it is said in one, last."""
    message = made(f'{{{before}"_update":{sent},"b":"1"}}'.encode())

    assert message.attributes[-1] == MUST_EXIST == ("_update", "true")
    assert message.attributes[:-1] == made(f'{{{before}"b":"1"}}'.encode()).attributes


@pytest.mark.parametrize(
    "sent", ["false", '"false"', "0", '"0"', "null", '""', "2", '"yes"', '" true"', "[true]", '{"a":1}', "-1"]
)
def test_what_is_no_update_leaves_nothing(sent: str) -> None:
    """Such a call creates, as one without."""
    assert made(f'{{"a":1,"_update":{sent}}}'.encode()).attributes == (("a", "1"),)


def test_a_form_may_say_that_it_is_an_update() -> None:
    """All of its values are strings."""
    assert made(b"_update=true&name=Bob", content_type=FORM).attributes == (("name", '"Bob"'), MUST_EXIST)


def test_what_is_no_attribute_does_not_count_as_one() -> None:
    """Nor is it measured."""
    most = {str(number): 1 for number in range(300)}
    others = {"_update": True, "_timestamp": 1, "cio_id": "3", "_created_in_customerio_at": "x" * 1001}

    assert [name for name, _ in made(most | others).attributes] == [*most, "_update"]
    assert refused(most | others | {"300": 1}) == ["cannot identify more than 300 attributes in one request"]


def test_what_a_client_may_only_read_is_no_attribute() -> None:
    """The `cio_id` tells who is meant; when somebody was created is nobody's to say."""
    message = made({"cio_id": "cio_3", "created_at": 5, "_created_in_customerio_at": 5})

    assert (message.links, message.attributes) == (("cio:3",), (("created_at", "5"),))


def test_a_delete_says_no_more_than_whom() -> None:
    """The identifier is taken as in an identify."""
    [message] = delete(ARRIVAL, {"identifier": "Bob%40Example.com"}, parse(b"", "")).messages

    assert (message.kind, message.subject, message.attributes) == ("delete", "email:bob@example.com", ())
