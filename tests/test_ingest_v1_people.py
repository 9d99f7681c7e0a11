"""Track v1, who people are: relationships and links in an identify, suppression, merges, segments."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.calling import IDENTIFY, Called, edge
from tests.said import said

MERGE, SEGMENT = "/api/v1/merge_customers", "/api/v1/segments/7"
KEY = {"idempotency-key": "01BX5ZZKBKACTAV9WEVGEMMVRZ"}
ACME = {"identifiers": {"object_type_id": "1", "object_id": "acme"}}
OBJECT_ACME = ("object:1/acme", ())


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def told(called: Called, method: str, path: str, body: Any) -> list[dict[str, Any]]:
    """What the log has of a call that is taken."""
    answer = called.send(method, path, body if isinstance(body, bytes) else json.dumps(body).encode())
    assert (answer.status, answer.body) == (200, b"{}\n")
    return [said(message) for message in called.log.messages]


def refused(called: Called, method: str, path: str, body: Any) -> Any:
    """What is said of a call that is not."""
    answer = called.send(method, path, json.dumps(body).encode())
    assert (answer.status, called.log.messages) == (400, [])
    return answer.json["meta"]


def related(action: object, *relationships: object) -> dict[str, Any]:
    return {"plan": "x", "cio_relationships": {"action": action, "relationships": list(relationships)}}


def test_relationships_of_an_identify_are_added_by_it(called: Called) -> None:
    """They are no attribute, and what is said of one keeps its exact text."""
    body = (
        b'{"plan":"x","cio_relationships":{"action":"add_relationships","relationships":['
        b'{"identifiers":{"object_type_id":1,"object_id":"a/b"},"relationship_attributes":{"role":"boss","n": 1.0}},'
        b'{"identifiers":{"cio_object_id":"ob2"},"relationship_attributes":null}]}}'
    )

    assert told(called, "PUT", IDENTIFY, body) == [
        {
            "kind": "identify",
            "subject": "id:5",
            "attributes": (("plan", '"x"'),),
            "relationships": (("object:1/a/b", (("role", '"boss"'), ("n", "1.0"))), ("cio_object:ob2", ())),
        }
    ]


def test_relationships_that_end_are_a_message_of_their_own(called: Called) -> None:
    """Behind the identify, and each has its own id; with an `Idempotency-Key` both are made of it."""
    body = related("delete_relationships", ACME)
    identified = {"kind": "identify", "subject": "id:5", "attributes": (("plan", '"x"'),)}
    ended = {"kind": "delete_relationships", "subject": "id:5", "relationships": (OBJECT_ACME,)}

    assert told(called, "PUT", IDENTIFY, body) == [identified, ended]
    first, second = (message.id for message in called.log.messages)
    assert first != second
    called.log.messages.clear()
    assert called.send("PUT", IDENTIFY, json.dumps(body).encode(), KEY).status == 200
    assert [message.id for message in called.log.messages] == [KEY["idempotency-key"], KEY["idempotency-key"] + "/1"]


@pytest.mark.parametrize(
    "given", [None, {"action": "delete_relationships"}, {"action": "add_relationships", "relationships": []}]
)
def test_no_relationships_are_nothing_to_tell(called: Called, given: object) -> None:
    """The identify is one all the same."""
    assert told(called, "PUT", IDENTIFY, {"cio_relationships": given}) == [{"kind": "identify", "subject": "id:5"}]


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ("x", ["cio_relationships must be an object"]),
        ([ACME], ["cio_relationships must be an object"]),
        ({}, ["cio_relationships.action must be add_relationships or delete_relationships"]),
        (
            {"action": ["add_relationships"]},
            ["cio_relationships.action must be add_relationships or delete_relationships"],
        ),
        (
            {"action": "add_relationships", "relationships": {}},
            ["cio_relationships.relationships must be an array of relationships"],
        ),
        (
            {"action": "add_relationships", "relationships": [ACME, 5]},
            ["cio_relationships.relationships must be an array of relationships"],
        ),
        (
            {
                "action": "delete_relationships",
                "relationships": [
                    {},
                    {"identifiers": "acme"},
                    {"identifiers": {"object_id": ""}},
                    {"identifiers": {"object_type_id": True, "object_id": "x" * 151}, "relationship_attributes": []},
                    ACME | {"relationship_attributes": {str(number): 1 for number in range(301)}},
                    ACME | {"relationship_attributes": {"a": "x" * 100_000}},
                ],
            },
            [
                "cio_relationships.relationships[0].identifiers is required",
                "cio_relationships.relationships[1].identifiers must be an object",
                "cio_relationships.relationships[2].identifiers.object_type_id is required",
                "cio_relationships.relationships[2].identifiers.object_id is required",
                "cio_relationships.relationships[3].identifiers.object_type_id must be a string",
                "cio_relationships.relationships[3].identifiers.object_id cannot be longer than 150 bytes",
                "cio_relationships.relationships[3].relationship_attributes must be an object",
                *(
                    f"cio_relationships.relationships[{number}].relationship_attributes cannot have more than 300"
                    " attributes or 100000 bytes"
                    for number in (4, 5)
                ),
            ],
        ),
    ],
)
def test_relationships_that_are_none_are_refused(called: Called, given: object, errors: list[str]) -> None:
    """All that is wrong at once, and where; neither message is sent."""
    assert refused(called, "PUT", IDENTIFY, {"cio_relationships": given}) == {"errors": errors}


@pytest.mark.parametrize(
    ("path", "body", "links"),
    [
        ("5", {"email": "Bob@X.io"}, ("email:bob@x.io",)),
        ("bob@x.io", {"id": 5, "email": "BOB@x.io"}, ("id:5",)),
        ("cio_03", {"id": "5", "cio_id": "cio_03"}, ("id:5",)),
        (
            "5",
            {"id": "5", "email": "b@x.io", "phone": "+15551234567", "cio_id": "03", "anonymous_id": 42},
            ("email:b@x.io", "phone:+15551234567", "cio:03", "anon:42"),
        ),
        ("5", {"email": "n/a", "phone": "0171 5550", "cio_id": "", "anonymous_id": " "}, ()),
        ("5", {"email": None, "phone": True, "cio_id": [], "anonymous_id": {}}, ()),
        ("5", {"anonymous_id": "x" * 151}, ()),
        (
            "b@x.io",
            {"anonymous_id": "a", "cio_id": "cio_03", "phone": "+15551234567", "email": "B@x.io", "id": 5},
            ("id:5", "phone:+15551234567", "cio:03", "anon:a"),
        ),
        ("cio_03", {"email": "b@x.io", "cio_id": "03", "id": "6"}, ("id:6", "email:b@x.io")),
    ],
)
def test_an_identify_links_whom_it_names(called: Called, path: str, body: Any, links: tuple[str, ...]) -> None:
    """By each identifier that differs from the path's, in one order; what cannot be one is just an attribute. A
    `cio_id` is none: it only tells who is meant."""
    told(called, "PUT", f"/api/v1/customers/{path}", body)

    [message] = called.log.messages
    assert message.links == links
    assert [name for name, _ in message.attributes] == [name for name in body if name != "cio_id"]


@pytest.mark.parametrize("kind", ["suppress", "unsuppress"])
@pytest.mark.parametrize("headers", [{}, {"content-type": "application/x-www-form-urlencoded"}, {"content-type": "x"}])
def test_suppression_needs_no_body_and_minds_none(called: Called, kind: str, headers: dict[str, str]) -> None:
    """Python and Node send `{}`, Ruby nothing, called a form."""
    for body in (b"", b"{}", b"\xff{"):
        answer = called.send("POST", f"/api/v1/customers/Bob%40X.io/{kind}", body, headers)
        assert (answer.status, answer.body) == (200, b"{}\n")

    assert [said(message) for message in called.log.messages] == [{"kind": kind, "subject": "email:bob@x.io"}] * 3


@pytest.mark.parametrize(
    ("primary", "secondary", "subject", "link"),
    [
        ({"id": "5"}, {"email": "B@x.io"}, "id:5", "email:b@x.io"),
        ({"cio_id": "cio_03"}, {"id": 6}, "cio:03", "id:6"),
        ({"id": "bob@x.io"}, {"email": "bob@x.io"}, "id:bob@x.io", "email:bob@x.io"),
        ({"id": "5", "email": None, "cio_id": ""}, {"cio_id": 3}, "id:5", "cio:3"),
        ({"cio_id": "03"}, {"cio_id": "cio_04"}, "cio:03", "cio:04"),
    ],
)
def test_a_merge_says_who_becomes_whom(called: Called, primary: Any, secondary: Any, subject: str, link: str) -> None:
    """About the one that stays."""
    assert told(called, "POST", MERGE, {"primary": primary, "secondary": secondary}) == [
        {"kind": "merge", "subject": subject, "links": (link,)}
    ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "primary is required; secondary is required"),
        ({"primary": "5", "secondary": ["6"]}, "primary must be an object; secondary must be an object"),
        (
            {"primary": {"id": "5", "email": "b@x.io"}, "secondary": {"phone": "+15551234567"}},
            "primary must have exactly one of id, email, cio_id; secondary must have exactly one of id, email, cio_id",
        ),
        (
            {"primary": {"id": {}}, "secondary": {"id": "x" * 151}},
            "primary.id must be a string; secondary.id cannot be longer than 150 bytes",
        ),
        ({"primary": {"id": "5"}, "secondary": {"id": 5}}, "primary and secondary are the same person"),
        ({"primary": {"cio_id": "3"}, "secondary": {"cio_id": "cio_3"}}, "primary and secondary are the same person"),
    ],
)
def test_a_merge_that_is_none_is_refused_with_one_text(called: Called, body: Any, error: str) -> None:
    """`meta.error`, which no other call has for a 400."""
    assert refused(called, "POST", MERGE, body) == {"error": error}


@pytest.mark.parametrize(("call", "kind"), [("add", "add_to_segment"), ("remove", "remove_from_segment")])
@pytest.mark.parametrize(
    ("query", "ids", "subjects"),
    [
        ("", ["5", 6, "bob@x.io"], ["id:5", "id:6", "id:bob@x.io"]),
        ("?id_type=", ["5"], ["id:5"]),
        ("?id_type=id", ["5", "5"], ["id:5"]),
        ("?id_type=email", ["B@x.io", "b@X.io", "nobody"], ["email:b@x.io", "email:nobody"]),
        ("?x=1&id_type=cio%5Fid", ["03", "cio_04"], ["cio:03", "cio:04"]),
    ],
)
def test_each_of_a_segment_is_a_message(
    called: Called, call: str, kind: str, query: str, ids: list[Any], subjects: list[str]
) -> None:
    """Of its own subject, and so in the order of all that is said of that person."""
    assert told(called, "POST", f"{SEGMENT}/{call}_customers{query}", {"ids": ids}) == [
        {"kind": kind, "subject": subject, "target": "7"} for subject in subjects
    ]


def test_a_thousand_in_one_call_differ_in_their_ids(called: Called) -> None:
    """Also those made of an `Idempotency-Key`."""
    body = json.dumps({"ids": list(range(1000))}).encode()

    assert called.send("POST", f"{SEGMENT}/add_customers", body).status == 200
    assert called.send("POST", f"{SEGMENT}/add_customers", body, KEY).status == 200

    ids = [message.id for message in called.log.messages]
    assert len(set(ids)) == 2000
    assert ids[1000:] == [f"{KEY['idempotency-key']}/{number}" for number in range(1000)]


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        (SEGMENT, {}, ["ids is required"]),
        (SEGMENT, {"ids": []}, ["ids must have 1 to 1000 identifiers"]),
        (SEGMENT, {"ids": ["5"] * 1001}, ["ids must have 1 to 1000 identifiers"]),
        (SEGMENT, {"ids": "5"}, ["ids must have 1 to 1000 identifiers"]),
        (
            SEGMENT,
            {"ids": [None, "", True, ["5"], {}, "x" * 151, "5"]},
            [
                *(f"ids[{number}] is required" for number in (0, 1)),
                *(f"ids[{number}] must be a string" for number in (2, 3, 4)),
                "ids[5] cannot be longer than 150 bytes",
            ],
        ),
        ("/api/v1/segments/vip", {"ids": ["5"]}, ["segment id must be a number"]),
        ("/api/v1/segments/%D9%A7", {"ids": ["5"]}, ["segment id must be a number"]),
    ],
)
def test_a_segment_of_what_is_nobody_is_refused(called: Called, path: str, body: Any, errors: list[str]) -> None:
    """The whole call: who is wrong is named."""
    for call in ("add", "remove"):
        assert refused(called, "POST", f"{path}/{call}_customers", body) == {"errors": errors}


def test_an_unknown_id_type_is_refused(called: Called) -> None:
    """Beside all else."""
    for sent in ("phone", "ID", "%FF"):
        assert refused(called, "POST", f"{SEGMENT}/add_customers?id_type={sent}", {"ids": []}) == {
            "errors": ["id_type must be id, email or cio_id", "ids must have 1 to 1000 identifiers"]
        }
