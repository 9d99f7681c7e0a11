"""Requests made of the edge's own document: what is right, what is nearly right, and what nobody should send."""

import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from hypothesis import assume
from hypothesis import strategies as st

from ingest.api import cdp, v2
from ingest.api.cdp_semantic import SEMANTIC
from ingest.endpoints import ENDPOINTS, Endpoint, Takes
from tests.allowed import ANYTHING, Allowed
from tests.described import DOCUMENT, JSON

FORM = "application/x-www-form-urlencoded"
WAYS = 10
_BATCHES = (v2.batch, cdp.batch)
_OF_MANY_KINDS = (v2.entity, *_BATCHES)
_ALLOWED = Allowed(DOCUMENT)


class Request(NamedTuple):
    """right: all of it is as the document wants it. items: how many things it says, at least."""

    endpoint: Endpoint
    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    right: bool = False
    items: int = 1


class Drawn(NamedTuple):
    """What chance gave for one endpoint: a body that is right, what is put in the place of a part of it, and what
    stands in place of other things."""

    endpoint: Endpoint
    path: str
    value: Any
    wrong: Any
    at: int
    text: bytes
    method: str
    odd_path: str
    key: int
    header: tuple[str, str]


def _operation(endpoint: Endpoint) -> Mapping[str, Any]:
    operation: Mapping[str, Any] = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
    return operation


def _query(endpoint: Endpoint) -> Mapping[str, Any]:
    """All of it, as the schema of an object."""
    given = [given for given in _operation(endpoint)["parameters"] if given["in"] == "query"]
    properties = {each["name"]: each["schema"] for each in given}
    required = [each["name"] for each in given if each.get("required")]
    return {"type": "object", "properties": properties, "required": required}


def _bodies(endpoint: Endpoint) -> st.SearchStrategy[Any]:
    if endpoint.takes is Takes.NOTHING:
        return ANYTHING
    if endpoint.takes is Takes.QUERY:
        return _ALLOWED.by(_query(endpoint))
    return _ALLOWED.by(_operation(endpoint)["requestBody"]["content"][JSON]["schema"])


def _is_right(body: Any) -> bool:
    """What no schema can say: who is merged is not who stays, and an event with a meaning wants its own properties."""
    for item in body.get("batch", [body]) if isinstance(body, dict) else ():
        if item.get("event") in [*SEMANTIC]:
            return False
        names = ("primary", "secondary") if "primary" in item else ("userId", "previousId")
        one, other = (item.get(name) for name in names)
        if one is not None and _same(one) == _same(other):
            return False
    return True


def _same(name: Any) -> str:
    return json.dumps(name).lower().replace("cio_", "").replace('"', "").strip()


def _paths(endpoint: Endpoint) -> st.SearchStrategy[str]:
    parameters = [given for given in _operation(endpoint)["parameters"] if given["in"] == "path"]
    segments = st.fixed_dictionaries({given["name"]: _ALLOWED.by(given["schema"]) for given in parameters})
    return segments.map(lambda found: endpoint.path.format(**{n: quote(str(v), safe="") for n, v in found.items()}))


# What stands where something else should; what breaks whoever does not look; and what is too large.
_WRONG = st.sampled_from([None, "", " ", "cio_", "\0", "\ud800", "x" * 2_000, "é" * 76, 0, -1, 10**400, 1e308, True])
_WRONG_SHAPES: st.SearchStrategy[Any] = st.sampled_from([[], {}, [[]], [None], {"a": {}}])
_METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "post"])
_ODD_SEGMENTS = st.text(st.characters(max_codepoint=255, exclude_characters="?#"), max_size=20)
_HEADERS = st.sampled_from(
    [
        ("content-type", "text/plain"),
        ("content-type", "text/html"),
        ("content-type", "application/json; charset=latin-1"),
        ("content-type", FORM),
        ("content-encoding", "br"),
        ("content-encoding", "gzip"),
        ("content-length", "999999999"),
        ("idempotency-key", "01BX5ZZKBKACTAV9WEVGEMMVRZ"),
        ("idempotency-key", "order 5"),
        ("idempotency-key", "\xff"),
        ("idempotency-key", "x" * 500),
        ("x-strict-mode", "1"),
        ("x-strict-mode", "true"),
        ("x-strict-mode", "0"),
        ("x-request-id", "mine"),
        ("x-request-id", "\xff\xff"),
        ("origin", "https://shop.example"),
    ]
)


def _drawn(endpoint: Endpoint) -> st.SearchStrategy[Drawn]:
    return st.builds(
        Drawn,
        st.just(endpoint),
        _paths(endpoint),
        _bodies(endpoint),
        _WRONG | _WRONG_SHAPES | ANYTHING,
        st.integers(0, 1_000),
        st.binary(max_size=60) | st.text('ab[]=&%+0{}":', max_size=60).map(str.encode),
        _METHODS,
        _ODD_SEGMENTS.map(lambda segment: endpoint.path.replace("{", "").replace("}", segment)),
        st.integers(0, 100),
        _HEADERS,
    )


# Some say more than others.
_DRAWN = [_drawn(endpoint) for endpoint in ENDPOINTS for _ in range(4 if endpoint.make in _OF_MANY_KINDS else 1)]


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    """Of any endpoint."""
    case = draw(_DRAWN[draw(st.integers(0, len(_DRAWN) - 1))])
    assume(_is_right(case.value))
    return case


def requests(case: Drawn, keys: Mapping[str, str]) -> Iterator[Request]:
    """The same in ten ways, the first of which is right."""
    if case.endpoint.takes is Takes.QUERY:
        yield from _queries(case, keys)
        return
    endpoint, path = case.endpoint, case.path
    body = _json(case.value)
    plain = {"authorization": keys["server"], "content-type": JSON}
    name, value = case.header
    packed, packing = _packed(body, case.at)

    def sent(body: bytes, headers: Mapping[str, str] = plain, **more: Any) -> Request:
        return Request(
            **{"endpoint": endpoint, "method": endpoint.method, "path": path, "body": body, "headers": headers} | more
        )

    broken, elsewhere = (_broken(case.value, case.wrong, at) for at in (case.at, case.at + 1))
    right: dict[str, Any] = {"right": True, "items": _items(endpoint, case.value)}
    yield sent(body, **right)
    yield sent(packed, plain | {"content-encoding": packing}, **right)
    yield sent(_json(broken), items=_items(endpoint, broken))
    yield sent(_json(elsewhere), plain | {"x-strict-mode": "1"}, items=_items(endpoint, elsewhere))
    yield sent(_form(case.value), plain | {"content-type": FORM})
    yield sent(case.text, plain | {"content-type": FORM if case.at % 2 else JSON})
    yield sent(body[: case.at % (len(body) + 1)] + case.text[: case.at % 5], plain | {name: value})
    yield sent(packed[:-1], plain | {"content-encoding": packing})
    yield sent(_with_key(case.value, case.at, keys), plain | {"authorization": [*keys.values()][case.key % len(keys)]})
    yield sent(body, plain | {name: value}, method=case.method, path=case.odd_path if case.at % 2 else path)


def _queries(case: Drawn, keys: Mapping[str, str]) -> Iterator[Request]:
    """What is said in a query, in eight ways, the first of which is right. What else a request has does not matter."""
    endpoint, (name, value) = case.endpoint, case.header
    of_browser = {"site_id": keys["in_body"]}
    plain = {"authorization": [*keys.values()][case.key % len(keys)]}

    def sent(query: bytes, path: str = case.path, **more: Any) -> Request:
        asked = f"{path}?{query.decode('latin-1')}"
        return Request(
            **{"endpoint": endpoint, "method": endpoint.method, "path": asked, "body": b"", "headers": plain} | more
        )

    query = _form(case.value | of_browser)
    broken = _broken(case.value, case.wrong, case.at)
    yield sent(query, right=True)
    yield sent(query, body=case.text, headers=plain | {name: value})
    yield sent(_form({**broken, **of_browser} if isinstance(broken, dict) else of_browser))
    yield sent(_form(case.value | {"site_id": case.wrong}))
    yield sent(_form(case.value | {"site_id": "key"}))
    yield sent(case.text + b"&" + _form(of_browser))
    yield sent(query[: case.at % (len(query) + 1)] + case.text[: case.at % 5])
    yield sent(query, case.odd_path if case.at % 2 else case.path, method=case.method)


def _items(endpoint: Endpoint, value: Any) -> int:
    """Of a batch, as many as it has; an empty one is refused as a whole."""
    batch = value.get("batch") if endpoint.make in _BATCHES and isinstance(value, dict) else None
    return max(1, len(batch)) if isinstance(batch, list) else 1


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _packed(body: bytes, at: int) -> tuple[bytes, str]:
    return (gzip.compress(body, 1), "gzip") if at % 2 else (zlib.compress(body, 1), "deflate")


def _form(value: Any) -> bytes:
    return urlencode(list(_flat(value, "")), errors="surrogatepass").encode()


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}[{key}]" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, f"{name}[]")
    else:
        yield name, str(value)


def _broken(value: Any, wrong: Any, at: int) -> Any:
    """The same with something else in one place, or without what was there. at: which."""
    if not isinstance(value, dict | list) or not value or at % 7 == 0:
        return wrong
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[at % len(keys)]
    copy = value.copy()
    if at % 5 == 0:
        del copy[key]
    else:
        copy[key] = _broken(value[key], wrong, at // len(keys))
    return copy


def _with_key(value: Any, at: int, keys: Mapping[str, str]) -> bytes:
    """A browser sends its key so."""
    return _json({**value, "writeKey": keys["in_body"]} if isinstance(value, dict) and at % 2 else value)


def basic(pair: str) -> str:
    return f"Basic {b64encode(pair.encode()).decode()}"
