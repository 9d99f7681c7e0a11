"""Track v1, forms: who filled one in, and what is left of a submission by nobody."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.calling import Called, edge
from tests.said import said

SUBMIT = "/api/v1/forms/contact/submit"
REGISTERED = {"kind": "form", "subject": "form:contact", "target": "contact"}


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ('{"email":"B@x.io"}', {"subject": "email:b@x.io", "attributes": (("email", '"B@x.io"'),)}),
        ('{"id":12345}', {"subject": "id:12345", "attributes": (("id", "12345"),)}),
        (
            '{"id": "5", "email":"", "n":"1" ,"form_id":7,"form_name":null,"form_type":[]}',
            {"subject": "id:5", "attributes": (("id", '"5"'), ("email", '""'), ("n", '"1"'))},
        ),
        ('{"id":"5","form_url":"u","form_url_param":{}}', {"subject": "id:5", "attributes": (("id", '"5"'),)}),
        (
            '{"email":"b@x.io","phone":"+15551234567","anonymous_id":"a"}',
            {
                "subject": "email:b@x.io",
                "attributes": (("email", '"b@x.io"'), ("phone", '"+15551234567"'), ("anonymous_id", '"a"')),
                "links": ("phone:+15551234567", "anon:a"),
            },
        ),
        (
            '{"cio_id":"cio_7","id":"5","_update":"true","_created_in_customerio_at":"5"}',
            {"subject": "id:5", "attributes": (("id", '"5"'),), "links": ("cio:7",)},
        ),
    ],
)
def test_a_submission_is_about_whom_its_fields_name(called: Called, data: str, fields: dict[str, Any]) -> None:
    """204 and no body. The fields are kept as they were sent, and become attributes but for those about the form and
    those that are nobody's."""
    answer = called.send("POST", SUBMIT, f'{{"data":{data}}}'.encode())

    assert (answer.status, answer.body) == (204, b"")
    assert "content-type" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"
    assert [said(message) for message in called.log.messages] == [
        {"kind": "form", "target": "contact", "data": data} | fields
    ]


def test_a_form_may_be_sent_as_a_form(called: Called) -> None:
    """Its id is taken from the raw path."""
    answer = called.send("POST", "/api/v1/forms/a%2Fb+c/submit", b"data[id]=5&data[name]=Bob")

    assert answer.status == 204
    [message] = called.log.messages
    assert (message.target, bytes(message.data)) == ("a/b+c", b'{"id":"5","name":"Bob"}')


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, ["data is required"]),
        ({"data": None}, ["data is required"]),
        ({"data": "a=b"}, ["data must be an object"]),
        ({"data": {}}, ["data must have exactly one of id, email"]),
        ({"data": {"email_address": "b@x.io"}}, ["data must have exactly one of id, email"]),
        ({"data": {"email": "b@x.io", "id": "5"}}, ["data must have exactly one of id, email"]),
        ({"data": {"email": ["b@x.io"]}}, ["data.email must be a string"]),
        (
            {"data": {"email": "x" * 151, "age": 42, "ok": True, "none": None, "more": {}, "long": "x" * 1001}},
            [
                "data.email cannot be longer than 150 bytes",
                *(f"value for form field '{name}' must be a string" for name in ("age", "ok", "none", "more")),
                "value for attribute 'long' cannot be longer than 1000 bytes",
            ],
        ),
    ],
)
def test_a_refused_submission_makes_the_form_known(called: Called, body: Any, errors: list[str]) -> None:
    """400, as the contract has it; but nothing that was filled in is kept, for it is nobody's."""
    answer = called.send("POST", SUBMIT, json.dumps(body).encode())

    assert (answer.status, answer.json) == (400, {"meta": {"errors": errors}})
    assert [said(message) for message in called.log.messages] == [REGISTERED]


@pytest.mark.parametrize(
    ("path", "body"), [(SUBMIT, b"{"), (SUBMIT, b"[]"), ("/api/v1/forms/%zz/submit", b'{"data":{"id":"5"}}')]
)
def test_what_cannot_be_read_makes_nothing_known(called: Called, path: str, body: bytes) -> None:
    """Nor what names no form."""
    assert called.send("POST", path, body).status == 400
    assert called.log.messages == []
