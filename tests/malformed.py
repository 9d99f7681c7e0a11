"""Malformed requests, written by hand: what nobody should send, and the status that each must get."""

import gzip
import json
import zlib
from collections.abc import Iterator

from ingest import limits
from tests.calling import EVENTS, IDENTIFY

ANONYMOUS = "/api/v1/events"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
WHOLE = b'{"name":"x","id":"01","timestamp":1.5e3,"data":{"a":[1,null,true,"\xc3\xa9\\u00e9"],"b":{"c":{}}}}'

# As bytes: what no decoder may accept, or none may keep.
NOT_JSON = [
    *(WHOLE[:length] for length in range(1, len(WHOLE))),
    *(WHOLE + tail for tail in (b"{}", b",", b"\0", b"}", b"x", b"//", b"\xff")),
    *(b'{"a":' + value + b"}" for value in (
        b"", b"nan", b"NaN", b"Infinity", b"-Infinity", b"-", b"+1", b"01", b"-01", b"1.", b".5", b"1e", b"1e+", b"0x1",
        b"1_000", b"1e400", b"-1e400", b"9" * 400 + b".0", b"True", b"None", b"undefined", b"'x'", b'"', b'"\\x"',
        b'"\\u12"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud800x"', b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"',
        b'"\xf5\x80\x80\x80"', b'"\xe2\x82"', b'"\x00"', b'"\n"', b'"\x1f"', b"[1,]", b"[,1]", b"[1 2]", b"{1:2}",
        b"{a:1}", b'{"a"}', b'{"a":}', b'{"a":1,}', b"/*x*/1", b"\xc2\xa01", b"\x0b1",
    )),
    b'{"\xff":1}', b'{"\\ud800":1}', b"\xef\xbb\xbf{}", "{}".encode("utf-16"), "{}".encode("utf-32"),
    b"{" * 1000, b"[" * limits.BODY, b'{"a":' * 100_000, b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
    b'{"a":' * 65 + b"1" + b"}" * 65, b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}",
    b"[]", b"[{}]", b"1", b"null", b"true", b'"{}"', b'""',
]  # fmt: skip
NO_DATA: list[object] = ["", "x", 0, 1, False, True, [], [{}], "{}", {"a": "x" * 100_000}]
NO_TIME: list[object] = [
    True, False, [], {}, "x", "1x", "1,5", "0x10", "1e", "nan", "inf", "-", "+", ".", "1" * 101, "2020-01-01", "\uff11",
]  # fmt: skip
NO_ID: list[object] = [True, False, [], {}, [1], "x" * 151, "é" * 76]
NO_SAME_ID: list[object] = [None, "", "6", 6, "5 ", " 5"]
NOT_AN_EVENT: list[dict[str, object]] = [
    {}, {"name": None}, {"name": ""}, {"name": " \t\n"}, {"name": 1}, {"name": True}, {"name": []}, {"name": {}},
    {"name": "x" * 101}, {"name": "é" * 51}, {"name": "x" * 501, "type": "page"}, {"name": "x" * 501, "type": "screen"},
    *({"name": "x", "data": data} for data in NO_DATA),
    *({"name": "x", "timestamp": at} for at in NO_TIME),
    *({"name": "x", "id": value} for value in NO_ID),
]  # fmt: skip
NOT_ANONYMOUS = [{"name": "x", "anonymous_id": value} for value in NO_ID]
NOT_A_CUSTOMER: list[dict[str, object]] = [
    *({"id": value} for value in [*NO_ID, *NO_SAME_ID]),
    dict.fromkeys((f"a{number}" for number in range(301)), 1), {"x" * 151: 1}, {"é" * 76: 1}, {"a": "x" * 1001},
    {"a": "é" * 501}, {"a": ["x" * 1001]}, {"a": {"b": "x" * 1001}}, {"a": list(range(500))}, {"a": int("9" * 1001)},
    *({"_timestamp": at} for at in NO_TIME),
]  # fmt: skip
NOT_A_FORM = [
    b"=", b"=x", b"[]=1", b"[a]=1", b"a[=1", b"a]=1", b"a[b=1", b"a[[b]]=1", b"a[b]c=1", b"a[]b[]=1", b"a=1&a[b]=2",
    b"a[b]=1&a=2", b"a[]=1&a[b]=2", b"a[b]=1&a[]=2", b"a=1&a[]=2", b"a[b][]=1&a[b][c]=2", b"a=%ff", b"%ff=a", b"a=\xff",
    b"a=%C0%80", b"a=%ED%A0%80", b"&".join([b"a=1"] * 1001), b"&" * 1001, b"a" + b"[b]" * 64 + b"=1",
    b"&".join(b"a" + b"[b%d]" % number * 60 + b"=1" for number in range(200)), b"a" + b"[]" * 64 + b"=1",
    b"a" * limits.BODY, b"name=&x=1", b"name=+&x=1", b"name=%20", b"name[]=x", b"name[a]=x", b"name=x&data=1",
    b"name=x&data[]=1", b"name=x&timestamp=soon", b"name=x&timestamp[]=1", b"name=x&id[]=1",
]  # fmt: skip
NO_IDENTIFIER = [
    "%", "%4", "%zz", "%g1", "a%", "a%4", "%%", "%2", "%u0041", "%ff", "%C3", "%C3%28", "%ED%A0%80", "%F5%80%80%80",
    "%C0%AF", "\xff", "x" * 151, "%41" * 151, "%C3%A9" * 76, "\xe9",
]  # fmt: skip
NO_TYPE = [
    "text/plain", "text/html", "text/xml", "application/xml", "application/octet-stream", "multipart/form-data",
    "multipart/form-data; boundary=x", "application/jsonx", "application/x-ndjson", "json", "*/*", "nonsense",
    "application/msgpack", "application/x-www-form-urlencodedx", "/", "image/gif", "\xff",
]  # fmt: skip
NO_ENCODING = ["br", "compress", "gzip, gzip", "gzip,zstd", "deflate;q=1", "*", "x", "\xff", "gzip gzip", ","]
NO_COMPRESSION = [
    b"x", b"\0", WHOLE, b"\x1f\x8b", b"\x1f\x8b\x08", b"\x78\x9c", b"\x28\xb5\x2f\xfd", gzip.compress(WHOLE)[:-1],
    gzip.compress(WHOLE) + b"x", gzip.compress(WHOLE)[:-8] + bytes(8), zlib.compress(WHOLE)[:-1], b"\xff" * 1000,
]  # fmt: skip
NO_PATH = [
    "/", "//", "/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/customers", "/api/v1/customers/",
    "/api/v1/customers/5/", "/%61pi/v1/events",
    "/api/v1/customers/5/events/", "/api/v1/customers//events", "/api/v1/customers/5/6/events", "/API/v1/events",
    "/api/v1/events/", "//api/v1/events", "/api//v1/events", "/api/v1/../v1/events", "/api/v1%2Fevents",
    "/api/v1/events%20", "/api/v1/events;x", "/live/", "/ready/", "/metrics/", "/.env", "/api/v3/events", "*", "",
    "/api/v1/customers/5/event", "/\xff", "/api/v1/customers/5/events/..", "/wp-login.php", "/" + "x" * 8000,
]  # fmt: skip

Case = tuple[str, str, bytes, dict[str, str], int]
AS_JSON, AS_FORM = {"content-type": JSON}, {"content-type": FORM}
EVENT = b'{"name":"x"}'
CALLS = (("PUT", IDENTIFY), ("POST", EVENTS), ("DELETE", IDENTIFY))


def cases() -> Iterator[Case]:
    """Method, path, body, headers, status."""
    yield from _bodies()
    yield from _values()
    yield from _headers()
    yield from _compressed()
    yield from _lines()


def _bodies() -> Iterator[Case]:
    for body in NOT_JSON:
        yield "POST", EVENTS, body, AS_JSON, 400
        yield "PUT", IDENTIFY, body, AS_JSON, 400
    for form in NOT_A_FORM:
        yield "POST", EVENTS, form, AS_FORM, 400
    for method, path in CALLS:
        yield method, path, b" " * (limits.BODY + 1), AS_JSON, 413


def _values() -> Iterator[Case]:
    for path in (EVENTS, ANONYMOUS):
        for values in NOT_AN_EVENT:
            yield "POST", path, json.dumps(values).encode(), AS_JSON, 400
    for values in NOT_ANONYMOUS:
        yield "POST", ANONYMOUS, json.dumps(values).encode(), AS_JSON, 400
    for values in NOT_A_CUSTOMER:
        yield "PUT", IDENTIFY, json.dumps(values).encode(), AS_JSON, 400


def _headers() -> Iterator[Case]:
    for name in NO_TYPE:
        yield "POST", EVENTS, EVENT, {"content-type": name}, 415
    for encoding in NO_ENCODING:
        yield "POST", EVENTS, EVENT, AS_JSON | {"content-encoding": encoding}, 415
    for method, path in CALLS:
        yield method, path, b"", {"content-length": "9" * 30}, 413
        for header in ("", "Basic", "Basic ", "Bearer x", "Basic !!", "Basic Og==", "Basic \xff", "x" * 8000):
            yield method, path, EVENT, {"authorization": header}, 401


def _compressed() -> Iterator[Case]:
    for encoding in ("gzip", "deflate", "zstd"):
        for body in NO_COMPRESSION:
            yield "POST", EVENTS, body, AS_JSON | {"content-encoding": encoding}, 400
    for encoding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        yield "POST", EVENTS, pack(bytes(50_000_000)), AS_JSON | {"content-encoding": encoding}, 413


def _lines() -> Iterator[Case]:
    for identifier in NO_IDENTIFIER:
        for method, path in CALLS:
            yield method, path.replace("5", identifier), EVENT, AS_JSON, 400
    for path in NO_PATH:
        yield "POST", path, EVENT, AS_JSON, 404
    for method in ("GET", "HEAD", "PATCH", "TRACE", "CONNECT", "PROPFIND", "post", "", "X" * 100):
        yield method, EVENTS, b"", {}, 405


CASES = list(cases())
