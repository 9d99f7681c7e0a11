"""Track v2: whatever JSON somebody sends, what is answered is what was done."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.api.v2_actions import ACTIONS, TYPES
from schemas.messages import encode
from tests.calling import Answer, Called, edge
from tests.test_ingest_v2 import BATCH, ENTITY, TAKES

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
IDENTIFIERS = st.dictionaries(
    st.sampled_from(["id", "email", "phone", "cio_id", "anonymous_id", "object_type_id", "object_id", "cio_object_id"]),
    VALUE | TEXT | st.sampled_from(["42", "bob@example.com", "+14155552671"]),
    max_size=3,
)
RELATIONSHIP = st.fixed_dictionaries(
    {}, optional={"identifiers": IDENTIFIERS | VALUE, "relationship_attributes": VALUE}
)
DEVICE = st.dictionaries(st.sampled_from(["token", "platform", "last_used", "attributes", "x"]), VALUE, max_size=5)
# Fields that the API reads, some of them as it expects them.
ENTITIES = st.fixed_dictionaries(
    {"type": st.sampled_from([*TYPES]) | VALUE, "action": st.sampled_from([action for _, action in ACTIONS]) | VALUE},
    optional={
        "identifiers": IDENTIFIERS | VALUE,
        "attributes": st.dictionaries(TEXT | st.sampled_from(["id", "email", "_timestamp", "device_token"]), VALUE)
        | VALUE,
        "data": VALUE,
        "name": TEXT | VALUE,
        "id": VALUE,
        "timestamp": VALUE,
        "cio_relationships": st.lists(RELATIONSHIP | VALUE, max_size=3) | VALUE,
        "device": DEVICE | VALUE,
        "primary": IDENTIFIERS | VALUE,
        "secondary": IDENTIFIERS | VALUE,
        "anonymous_id": VALUE,
    },
)
# And those that are right but for one field.
BENT = st.builds(
    lambda taken, name, value: taken | {name: value},
    st.sampled_from([entity for entity, _ in TAKES]),
    st.sampled_from(
        ["type", "action", "identifiers", "attributes", "name", "id", "timestamp", "cio_relationships", "device"]
    ),
    VALUE | IDENTIFIERS,
)
ITEMS = ENTITIES | BENT | VALUE
hostile = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Called:
    return edge(tmp_path_factory.mktemp("data"))


def sent(called: Called, path: str, body: Any) -> tuple[Answer, int]:
    """The answer, and how many messages there are for it. Each can be written and read."""
    called.log.messages.clear()
    answer = called.send("POST", path, json.dumps(body).encode())
    for message in called.log.messages:
        assert json.loads(encode(message))["subject"] == message.subject
        assert message.subject.partition(":")[2]
    return answer, len(called.log.messages)


def well_formed(errors: list[dict[str, Any]]) -> bool:
    return all(error["reason"] in {"invalid", "required"} and error["message"] for error in errors)


@hostile
@given(entity=ITEMS)
def test_an_entity_is_taken_or_refused(called: Called, entity: Any) -> None:
    """200 and one message, or 400 with a reason and none."""
    answer, messages = sent(called, ENTITY, entity)

    assert (answer.status, messages) in {(200, 1), (400, 0)}
    assert answer.status == 200 or (answer.json["errors"] and well_formed(answer.json["errors"]))


@hostile
@given(items=st.lists(ITEMS, min_size=1, max_size=6))
def test_a_batch_acknowledges_just_what_is_on_the_log(called: Called, items: list[Any]) -> None:
    """Every item is a message or is named, and each is judged as it would be alone."""
    alone = [sent(called, ENTITY, item)[0].json.get("errors", []) for item in items]
    answer, messages = sent(called, BATCH, {"batch": items})

    told = answer.json.get("errors", [])
    refused = {error["batch_index"] for error in told}
    assert answer.status == (207 if refused else 200)
    assert messages == len(items) - len(refused)
    assert refused == {number for number, errors in enumerate(alone) if errors}
    assert well_formed(told)


@hostile
@given(body=VALUE | st.fixed_dictionaries({"batch": VALUE}))
def test_what_is_hardly_a_batch_is_never_our_mistake(called: Called, body: Any) -> None:
    """Whatever it is, it has its answer, and leaves nothing unless it is told."""
    answer, messages = sent(called, BATCH, body)

    assert answer.status in {207, 400}
    assert messages == 0
