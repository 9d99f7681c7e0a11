"""Requests that nobody should send: each gets the one right answer, and leaves nothing behind."""

import json
import resource
import sys
import tracemalloc
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import limits
from tests.calling import Answer, Called, edge
from tests.malformed import CASES, FORM, JSON


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Called:
    return edge(tmp_path_factory.mktemp("data"))


def well_formed(answer: Answer) -> bool:
    """JSON in v1's shape with a number; only what passes may be asked for again."""
    texts = answer.json["meta"]
    key = "errors" if answer.status == 400 else "error"
    said = texts[key] if answer.status == 400 else [texts[key]]
    return (
        list(texts) == [key]
        and all(isinstance(text, str) and text for text in said)
        and answer.headers["content-type"] == "application/json; charset=utf-8"
        and bool(answer.headers["x-request-id"])
        and "retry-after" not in answer.headers
    )


def test_there_are_more_than_five_hundred() -> None:
    """Written by hand."""
    assert len(CASES) > 500


@pytest.mark.parametrize(("method", "path", "body", "headers", "status"), CASES, ids=range(len(CASES)))
def test_a_malformed_request_gets_its_answer(
    called: Called, method: str, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    """The status that says what is wrong, in JSON; nothing is taken."""
    answer = called.send(method, path, body, headers)

    assert answer.status == status, answer
    assert well_formed(answer)
    assert called.log.messages == []
    assert called.app.state.edge.budget.used == 0


def test_thousands_of_them_leave_no_memory_behind(called: Called, capfd: pytest.CaptureFixture[str]) -> None:
    """Nor a traceback. Once around warms up."""
    for round_ in range(4):
        for method, path, body, headers, _ in CASES:
            called.send(method, path, body, headers)
        if round_ == 0:
            before = peak()

    assert peak() - before < 16 * 1024 * 1024
    written = capfd.readouterr()
    assert written.err == ""
    assert "Traceback" not in written.out
    assert "request_failed" not in written.out


def hostile() -> Iterator[tuple[bytes, str]]:
    """As large as a body may be, and many times as large once it is read."""
    size = limits.BODY - 100
    for unit in (b"[],", b"[[]],", b'{"":0},', b"1,", b"1000,", b"null,", b'"",', b"1e1,"):
        yield b'{"name":"x","data":{"a":[' + unit * (99_000 // len(unit)) + b"1]}}", JSON
        yield b'{"name":"x","other":[' + unit * (size // len(unit)) + b"1]}", JSON
    yield b"[" * size, JSON
    yield b"{" + b'"a":1,' * (size // 6) + b'"name":"x"}', JSON
    yield b"{" + b",".join(b'"%x":1' % number for number in range(50_000)) + b',"name":"x"}', JSON
    yield b"name=x&" + b"&".join(b"a[%d]=1" % number for number in range(990)), FORM
    yield b"name=x&a=" + b"%41" * (size // 3), FORM
    yield b'{"name":"x","a":"' + b"x" * (size - 50) + "😀".encode() + b'"}', JSON


def test_hostile_bodies_take_bounded_memory(called: Called) -> None:
    """One at a time is read, and what is read is forgotten before the log is waited for."""
    bodies = list(hostile())
    called.events(b'{"name":"x"}')
    tracemalloc.start()
    for body, kind in bodies:
        assert called.events(body, content_type=kind).status in (200, 400)
        called.log.messages.clear()

    left, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 48 * 1024 * 1024
    assert left < 1024 * 1024


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
named = st.dictionaries(
    st.sampled_from(["name", "data", "type", "id", "timestamp", "_timestamp", "anonymous_id", "a"]), anything
)
bodies = st.one_of(
    st.binary(max_size=200),
    named.map(lambda value: json.dumps(value).encode()),
    named.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.text("ab[]=&%+0", max_size=60).map(str.encode),
)
segments = st.text(max_size=60).map(lambda text: quote(text.encode("utf-8", "surrogatepass"), safe=""))
odd_segments = st.text(st.characters(max_codepoint=255, exclude_characters="?#"), max_size=20)
kinds = st.sampled_from([JSON, FORM, "", "text/plain", "application/json; charset=latin-1"])
encodings = st.sampled_from(["", "", "", "identity", "gzip", "deflate", "zstd", "br"])


@settings(max_examples=1_000, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(["PUT", "POST", "DELETE"]), segments | odd_segments, bodies, kinds, encodings)
def test_whatever_is_sent_is_taken_or_refused(
    called: Called, method: str, segment: str, body: bytes, kind: str, encoding: str
) -> None:
    """200 and a message, or a refusal and none: never our mistake."""
    called.log.messages.clear()
    path = f"/api/v1/customers/{segment}" + ("/events" if method == "POST" else "")

    answer = called.send(method, path, body, {"content-type": kind, "content-encoding": encoding})

    if answer.status == 200:
        assert len(called.log.messages) == 1
    else:
        assert answer.status in (400, 404, 405, 415)
        assert well_formed(answer)
        assert called.log.messages == []
    called.log.messages.clear()
