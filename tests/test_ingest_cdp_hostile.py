"""Data Pipelines, sent what nobody should send: an answer, always; never our mistake, never half a call."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from ingest.api.cdp_semantic import SEMANTIC
from ingest.bodies import parse
from ingest.iso_times import iso_time
from ingest.problems import Problems
from ingest.times import EARLIEST, LATEST
from schemas.messages import encode
from tests.calling import Called, edge

JSON = {"content-type": "application/json"}
NAMES = ("identify", "track", "page", "screen", "group", "alias", "batch", "m", "i", "t", "p", "s", "g", "a", "b")

# Whatever JSON can hold, and what a field may well hold.
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
likely = st.sampled_from(["", "5", 5, "a@b.co", "cio_1", "x" * 151, "2020-01-01T00:00:00Z", "ios", "opened", None])
words = (
    "token",
    "type",
    "objectId",
    "objectTypeId",
    "deliveryId",
    "metric",
    "actionType",
    "url",
    "email",
    "id",
    "device",
)
inside = st.dictionaries(st.sampled_from([*words, "relationshipAttributes"]), likely | anything, max_size=4)
fields: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(NAMES) | anything,
    "event": st.sampled_from(list(SEMANTIC)) | likely | anything,
    "context": inside | st.dictionaries(st.just("device"), inside) | anything,
    "properties": inside | anything,
    "traits": inside | anything,
} | dict.fromkeys(
    ("userId", "anonymousId", "previousId", "groupId", "messageId", "timestamp", "name", "category", "writeKey"),
    likely | anything,
)
calls = st.fixed_dictionaries({}, optional=fields)
batches = st.fixed_dictionaries({}, optional={"batch": st.lists(calls | anything, max_size=4), "context": anything})


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


@trying(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.sampled_from(NAMES), calls | batches, st.booleans())
def test_any_json_is_answered_and_kept_or_refused(
    called: Called, name: str, body: dict[str, Any], strict: bool
) -> None:
    """Leniently always 200, and then there is something of every call, if only a row that says what was wrong."""
    called.log.messages.clear()
    called.clock.now += 10

    answer = called.send("POST", f"/v1/{name}", json.dumps(body).encode(), JSON, x_strict_mode="1" if strict else "")

    assert answer.status in ((200, 207, 400) if strict else (200,))
    assert bool(called.log.messages) is (answer.status != 400)
    for message in called.log.messages:
        json.loads(encode(message))
        assert message.id
        assert message.subject.partition(":")[2]
        assert EARLIEST <= message.timestamp <= LATEST
        assert bytes(message.data).startswith(b"{")
        assert strict <= (message.kind != "rejection")
    assert called.app.state.edge.budget.used == 0


@trying(max_examples=200, deadline=None)
@given(st.datetimes() | st.datetimes(timezones=st.timezones()) | st.dates())
def test_every_date_that_python_writes_is_read(at: Any) -> None:
    """Within what a row can hold, and the same moment."""
    problems = Problems()

    found = iso_time(parse(json.dumps({"t": at.isoformat()}).encode(), "application/json"), "t", problems)

    assert not problems
    assert found is not None
    assert EARLIEST <= found.at <= LATEST
    assert found.text == at.isoformat()


@trying(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[+-]?[0-9T:.Z+-]{4,40}", fullmatch=True))
def test_any_text_is_a_time_or_a_problem(text: str) -> None:
    """Never our mistake."""
    problems = Problems()

    found = iso_time(parse(json.dumps({"t": text}).encode(), "application/json"), "t", problems)

    assert (found is None) is (bool(problems) or not text.strip())
    assert found is None or EARLIEST <= found.at <= LATEST


@pytest.mark.parametrize(
    "body",
    [
        b'{"batch":[' + b'{"type":"track","userId":"5","event":"x"},' * 12_000 + b"1]}",
        b'{"batch":' + b"[" * 64 + b"]" * 64 + b"}",
        b'{"batch":[' + b"1," * 250_000 + b"1]}",
        b'{"context":{"a":"' + b"x" * 500_000 + b'"},"batch":[{}]}',
        b'{"batch":[{"type":["track"]},{"type":{}},{"type":null},{"type":1e400}]}',
        b'{"batch":[{"type":"track","type":"page","userId":"5","userId":"6","name":"x"}]}',
    ],
)
def test_batches_made_to_be_large_are_bounded(called: Called, body: bytes) -> None:
    """Answered, and nothing of them stays."""
    answer = called.send("POST", "/v1/batch", body, JSON)

    assert answer.status == 200
    assert called.app.state.edge.budget.used == 0
