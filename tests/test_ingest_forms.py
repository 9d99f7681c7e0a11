"""Form-encoded bodies, as the API of 2013 took them."""

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import BadRequest
from ingest.forms import Value, parse_form


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("email=a%40b.c&name=Bob", {"email": "a@b.c", "name": "Bob"}),
        ("email=a@b.c", {"email": "a@b.c"}),
        ("data[price]=23.45", {"data": {"price": "23.45"}}),
        ("data%5Bprice%5D=23.45", {"data": {"price": "23.45"}}),
        ("a[b][c]=1&a[b][d]=2&a[e]=3", {"a": {"b": {"c": "1", "d": "2"}, "e": "3"}}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[0]=1&a[1]=2", {"a": ["1", "2"]}),
        ("a[2]=c&a[0]=a&a[10]=d", {"a": ["a", "c", "d"]}),
        ("a[999999999]=x&a[3]=y", {"a": ["y", "x"]}),
        ("a[0]=1&a[b]=2", {"a": {"0": "1", "b": "2"}}),
        ("a[00]=1", {"a": {"00": "1"}}),
        ("a[][x]=1&a[][y]=2&a[][x]=3", {"a": [{"x": "1", "y": "2"}, {"x": "3"}]}),
        ("a[][t][]=1&a[][t][]=2", {"a": [{"t": ["1", "2"]}]}),
        ("a[0][x]=1&a[0][y]=2&a[1][x]=3", {"a": [{"x": "1", "y": "2"}, {"x": "3"}]}),
        ("a[][]=1&a[][]=2", {"a": [["1"], ["2"]]}),
        ("a[]=1&a[][x]=2", {"a": ["1", {"x": "2"}]}),
        ("a=x+y%20z%2B", {"a": "x y z+"}),
        ("a+b=1", {"a b": "1"}),
        ("a=1&a=2", {"a": "2"}),
        ("a[b]=1&a[b]=2", {"a": {"b": "2"}}),
        ("0=a&1=b", {"0": "a", "1": "b"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("&&a=1&", {"a": "1"}),
        ("discount=50%", {"discount": "50%"}),
        ("a=%00%F0%9F%98%80", {"a": "\0😀"}),
        ("price[eur]=1&_proto_[x]=2", {"price": {"eur": "1"}, "_proto_": {"x": "2"}}),
    ],
)
def test_a_form_becomes_an_object(form: str, expected: dict[str, Value]) -> None:
    """Nested by its brackets, raw or encoded; all values strings; nothing lost."""
    assert expected == parse_form(form.encode())


@pytest.mark.parametrize(
    "form",
    [
        "a=1&a[b]=2",
        "a[b]=2&a=1",
        "a=1&a[]=2",
        "a[]=1&a=2",
        "a[]=1&a[b]=2",
        "a[b]=1&a[]=2",
        "a[]=1&a[0]=2",
        "a[b]=1&a[b][c]=2",
        "a[b][c]=1&a[b]=2",
    ],
)
def test_fields_that_contradict_each_other_are_refused(form: str) -> None:
    """One of them would have to be lost."""
    with pytest.raises(BadRequest, match="contradicts"):
        parse_form(form.encode())


@pytest.mark.parametrize("form", ["a[b=1", "a]=1", "[a]=1", "[]=1", "a[b]c=1", "a[[b]]=1", "=1", "[1,2]"])
def test_a_field_without_a_name_or_with_stray_brackets_is_refused(form: str) -> None:
    """Guessing would put the value where nobody looks for it."""
    with pytest.raises(BadRequest, match="stray brackets"):
        parse_form(form.encode())


@pytest.mark.parametrize("form", [b"a=%ff", b"a=\xff", b"%ff=a", b"a=%ED%A0%80"])
def test_a_form_that_is_not_utf_8_is_refused(form: bytes) -> None:
    """In names and in values."""
    with pytest.raises(BadRequest, match="UTF-8"):
        parse_form(form)


def test_the_number_of_fields_is_bounded() -> None:
    """A thousand are taken."""
    fields = [b"a%d=1" % number for number in range(1001)]

    assert len(parse_form(b"&".join(fields[:1000]))) == 1000
    with pytest.raises(BadRequest, match="1000 fields"):
        parse_form(b"&".join(fields))


def test_nesting_is_bounded_as_in_json() -> None:
    """64 levels, the outermost object counted."""
    parse_form(b"a" + b"[b]" * 63 + b"=1")
    with pytest.raises(BadRequest, match="64 levels"):
        parse_form(b"a" + b"[b]" * 64 + b"=1")
    with pytest.raises(BadRequest, match="64 levels"):
        parse_form(b"a" + b"[]" * 100_000 + b"=1")


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]"), min_size=1)
nodes = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(names.filter(lambda name: not name.isdigit()), inner, min_size=1, max_size=3)
    ),
    max_leaves=10,
)


def fields(key: str, value: Value) -> list[str]:
    if isinstance(value, str):
        return [f"{quote_plus(key)}={quote_plus(value)}"]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [field for name, item in items for field in fields(f"{key}[{name}]", item)]


@given(st.dictionaries(names, nodes, max_size=3))
def test_what_the_browser_snippet_encodes_comes_back(document: dict[str, Value]) -> None:
    """Objects by name, lists by index, keys and values encoded."""
    form = "&".join(field for name, value in document.items() for field in fields(name, value))

    assert document == parse_form(form.encode())
