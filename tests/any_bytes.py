"""Connections as clients might hold them, in bytes: requests of all kinds and nearly requests, one behind the other,
however the network cuts them."""

import gzip
import random
from base64 import b64encode
from collections.abc import Mapping

from tests import malformed, test_wire

JSON, FORM = {"content-type": "application/json"}, {"content-type": "application/x-www-form-urlencoded"}
LARGEST = 80_000  # bytes of a body: beyond what goes the hot way
RIGHT, BODY_KEY = "Basic " + b64encode(b"site:key").decode(), "Basic " + b64encode(b"key:").decode()
AUTHORIZATIONS = (RIGHT,) * 60 + ("Basic " + b64encode(b"site:other").decode(), "", "Bearer x", BODY_KEY, RIGHT.lower())
EVENT = b'{"name":"bought","data":{"price": 1.50,"n":1E2},"timestamp":1700000000}'

Asked = tuple[str, str, bytes, Mapping[str, str]]

# What a client sends all day.
USUAL: list[Asked] = [
    ("POST", "/api/v1/customers/5/events", EVENT, JSON),
    ("POST", "/api/v1/customers/b%40x.io/events", EVENT, JSON),
    ("POST", "/api/v1/customers/5/events", b"name=bought&data[price]=1.5", FORM),
    ("POST", "/api/v1/events", b'{"name":"seen","anonymous_id":"a"}', JSON),
    ("POST", "/api/v1/events", b'{"name":"invited","id":"01HF7YAT00TXYQ1V7JZC4GVSZR"}', JSON),
    ("PUT", "/api/v1/customers/5", b'{"email":"b@x.io","plan":"a","_timestamp":1700000000}', JSON),
    ("PUT", "/api/v1/customers/cio_3", b"plan=a&_update=true", FORM),
    ("POST", "/api/v2/entity", b'{"type":"person","identifiers":{"id":5},"action":"event","name":"x"}', JSON),
    ("POST", "/api/v2/entity", b'{"type":"object","identifiers":{"cio_object_id":"o"},"action":"delete"}', JSON),
    ("POST", "/v1/track", b'{"userId":"5","event":"bought","messageId":"m","properties":{"n":1}}', JSON),
    ("POST", "/v1/t", b'{"writeKey":"key","anonymousId":"a","event":"x"}', {"content-type": "text/plain"}),
    ("POST", "/v1/identify", b'{"userId":"5","traits":{"plan":"a"}}', JSON),
    ("POST", "/v1/page", b'{"userId":"5","name":"/","context":{"ip":"1.1.1.1"}}', JSON),
    ("POST", "/v1/b", b'{"batch":[{"type":"track","event":"x","userId":"5"},{"type":"page"}]}', JSON),
    ("POST", "/v1/batch", b'{"batch":[{"type":"track","event":"x","userId":"5"}]}', JSON),
    ("POST", "/api/v2/batch", b'{"batch":[{"type":"person","identifiers":{"id":"5"},"action":"delete"}]}', JSON),
    ("PUT", "/api/v1/customers/5/devices", b'{"device":{"id":"t","platform":"ios"}}', JSON),
]
_WIRE: list[Asked] = [(one.method, one.path, one.body, one.headers) for row in test_wire.TABLE for one in row.sent]
_WRONG: list[Asked] = [case[:4] for case in malformed.CASES if len(case[2]) <= LARGEST]
_ODD = (
    b"\r\n", b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.2\r\n\r\n", b"hello\r\n\r\n", b"\0",
    b"OPTIONS /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n", b"\r", b"POST /api/v1/events HTTP/1.1\r\n\r\n" + EVENT,
    b"GET http://x/live HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
)  # fmt: skip
_EXTRA = (
    "User-Agent: Customer.io Ruby Client/6.2.0", "Accept: */*", "Accept-Encoding: gzip", "Connection: keep-alive",
    "X-Request-Id: r-1", "X-Request-Id: \x7f", "Idempotency-Key: k", "Idempotency-Key: ", "X-Strict-Mode: 1",
    "X-Strict-Mode: 0", "X-Forwarded-For: 203.0.113.7, 10.0.0.1", "X-Forwarded-Proto: https", "Cookie: " + "c" * 1_500,
    "Connection: Keep-Alive, X", "Keep-Alive: timeout=5", "Origin: https://example.com", "TE: trailers", "X:",
)  # fmt: skip
_HOLDS_UP = (
    "Connection: close", "Expect: 100-continue", "Host: y", "Content-Type: text/html", "Authorization: Basic eDp5",
    "Content-Length: 3", "Transfer-Encoding: chunked", "Connection: Upgrade\r\nUpgrade: h2c", "bad header",
    "X: a\r\n b", "Content-Encoding: gzip", "Content-Encoding: identity", "Upgrade: websocket", "Expect: 200",
)  # fmt: skip


def _asked(rng: random.Random) -> Asked:
    from_where = rng.random()
    if from_where < 0.8:
        return rng.choice(USUAL)
    return rng.choice(_WIRE if from_where < 0.93 else _WRONG)


def a_request(rng: random.Random) -> bytes:
    if rng.random() < 0.03:
        return rng.choice(_ODD)
    method, path, body, headers = _asked(rng)
    if rng.random() < 0.02:
        path += rng.choice(("?a=b", "?", "#x", "/", "%20", "//"))
    lines = [f"{name}: {value}" for name, value in headers.items() if name not in ("authorization", "content-length")]
    authorization = headers.get("authorization") or rng.choice(AUTHORIZATIONS)
    lines += ["Host: x", *([f"Authorization: {authorization}"] if authorization else [])]
    lines += rng.sample(_EXTRA, rng.choice((0, 0, 0, 1, 2, 4)))
    if rng.random() < 0.04:
        lines.append(rng.choice(_HOLDS_UP))
    if rng.random() < 0.3:
        rng.shuffle(lines)
    if rng.random() < 0.03:
        body = gzip.compress(body, mtime=0)
        lines.append("Content-Encoding: gzip")
    version = "1.0" if rng.random() < 0.02 else "1.1"
    return _framed(rng, f"{method} {path} HTTP/{version}", lines, body)


def _framed(rng: random.Random, first: str, lines: list[str], body: bytes) -> bytes:
    how = rng.random()
    if how < 0.05:
        at = rng.randrange(len(body) + 1)
        lines.append("Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:at], body[at:]) if part) + b"0\r\n\r\n"
    elif how < 0.98:
        size = len(body) if how < 0.97 else rng.choice((0, 1, 10**6, len(body) + 1))
        lines.insert(rng.choice((0, len(lines))), f"Content-Length: {size}")
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1") + body


def a_connection(rng: random.Random) -> tuple[int, list[tuple[bytes, int]]]:
    """How many requests it has, and its bytes in pieces, each with how long the next one takes."""
    requests = [a_request(rng) for _ in range(rng.choice((1, 2, 3, 3, 5, 8)))]
    pieces: list[bytes] = []
    cut = rng.random()
    if cut < 0.15:  # at once
        pieces = [b"".join(requests)]
    elif cut < 0.3:  # anywhere
        whole = b"".join(requests)
        cuts = sorted(rng.sample(range(len(whole) + 1), min(len(whole), rng.choice((1, 3, 10)))))
        pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    else:  # as it was written: whole, or head and body by themselves
        for request in requests:
            head, end, body = request.partition(b"\r\n\r\n")
            pieces += [head + end, body] if cut < 0.45 else [request]
    if rng.random() < 0.05:
        pieces[-1] = pieces[-1][: rng.randrange(len(pieces[-1]) + 1)]
    patient = rng.choice((0, 0, 2, 4, 40))
    return len(requests), [(piece, rng.randint(0, patient) if patient < 40 else 40) for piece in pieces if piece]
