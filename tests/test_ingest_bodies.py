"""Bodies: JSON survives exactly, or is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.bodies import parse
from ingest.errors import BadRequest, UnsupportedMedia

JSON = "application/json"

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def texts(body: bytes, content_type: str = JSON) -> dict[str, str]:
    return {name: str(text, "utf-8") for name, text in parse(body, content_type).texts.items()}


@given(st.dictionaries(st.text(), documents, max_size=5), st.booleans(), st.sampled_from([None, 1]))
def test_every_json_value_keeps_its_exact_text(document: dict[str, Any], ascii_only: bool, indent: int | None) -> None:
    """Whatever Python's encoder writes; lone surrogates it can only write as escapes, and those are refused."""
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode(errors="surrogatepass")
    if any("\ud800" <= letter <= "\udfff" for letter in json.dumps(document, ensure_ascii=False)):
        with pytest.raises(BadRequest):
            parse(body, JSON)
        return
    if any(abs(number) >= 1e308 for number in _numbers(document)):
        return
    kept = texts(body)

    assert document == {name: json.loads(text) for name, text in kept.items()}
    assert all(text.encode() in body for text in kept.values())


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in _numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [value] if isinstance(value, int | float) else []


@pytest.mark.parametrize(
    "text",
    [
        "1.0",
        "1E2",
        "-0",
        "-0.0",
        "9223372036854775808",
        "18446744073709551616",
        "1180591620717411303424",
        "0.1000000000000000055511151231257827",
        "1e-400",
        "null",
        "true",
        "{}",
        "[]",
        '""',
        '"\\u0000"',
        '"\\u00e9"',
        '"é"',
        '"\\ud83d\\ude00"',
        '"😀"',
        '"\\/"',
        '{ "a" :\t1,\n"a": 2 }',
    ],
)
def test_a_value_keeps_the_text_in_which_it_was_sent(text: str) -> None:
    """Neither numbers nor escapes nor the space within are rewritten."""
    assert {"x": text} == texts(f'{{"x" : {text} }}'.encode())


def test_of_a_duplicate_name_the_last_wins() -> None:
    """However the name is escaped."""
    assert texts(b'{"a":1,"\\u0061":2}') == {"a": "2"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}{}",
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e400}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":.5}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"\xff":1}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\ude00\\ud83d"}',
        b'{"\\ud800":1}',
        b'{"a":"\x00"}',
        b'{"a":"\n"}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[]",
        b'"a"',
        b"1",
        b"null",
    ],
)
def test_json_that_could_not_be_kept_is_refused(body: bytes) -> None:
    """A clear 400, never a loss further on."""
    with pytest.raises(BadRequest, match="body"):
        parse(body, JSON)


def test_nesting_is_taken_up_to_its_limit() -> None:
    """64 levels, the outermost object counted."""
    deep = "[" * 63 + "]" * 63
    wide = "[" + ",".join(["[]"] * 1000) + "]"

    assert {"a": deep, "b": wide} == texts(f'{{"a":{deep},"b":{wide}}}'.encode())


@pytest.mark.parametrize("content_type", ["", JSON, "application/x-www-form-urlencoded", "text/xml"])
@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_an_empty_body_is_an_empty_object(body: bytes, content_type: str) -> None:
    """Whatever its type is called."""
    assert texts(body, content_type) == {}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json; charset=utf-8", b'{"name":"x"}'),
        ("Application/JSON;charset=ISO-8859-1", b'{"name":"x"}'),
        ("application/vnd.api+json", b'{"name":"x"}'),
        ("", b' {"name":"x"}'),
        ("application/x-www-form-urlencoded", b'{"name":"x"}'),
        ("application/x-www-form-urlencoded; charset=utf-8", b"name=x"),
        ("", b"name=x"),
    ],
)
def test_a_body_is_read_as_what_it_is(content_type: str, body: bytes) -> None:
    """`curl -d '{…}'` calls its JSON a form; without a type the first character tells."""
    assert texts(body, content_type) == {"name": '"x"'}


@pytest.mark.parametrize("content_type", ["", "application/x-www-form-urlencoded"])
def test_a_byte_order_mark_makes_no_form_of_an_object(content_type: str) -> None:
    """All of it would else be the name of an attribute."""
    with pytest.raises(BadRequest, match="BOM"):
        parse(b'\xef\xbb\xbf{"plan":"x"}', content_type)


@pytest.mark.parametrize("content_type", ["text/plain", "text/xml", "multipart/form-data; boundary=x", "nonsense"])
def test_other_content_types_are_refused(content_type: str) -> None:
    """415, naming those that are read."""
    with pytest.raises(UnsupportedMedia, match="application/json"):
        parse(b"name=x", content_type)
