"""What a row of the contract's tables is made of: requests, their answers to the byte, and what the views show then."""

import base64
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

NOBODY = ""  # no credentials: a header without a value is not sent
BROWSER = "a browser's key"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
ANSWERED = "application/json; charset=utf-8"

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


class Says(NamedTuple):
    """What an answer must be. media: its content type."""

    status: int
    body: bytes
    media: str = ANSWERED


OK = Says(200, b"{}\n")
NO_CONTENT = Says(204, b"", "")
UNAUTHORIZED = Says(401, b'{"meta":{"error":"Unauthorized request"}}\n')


class Sent(NamedTuple):
    """A request, and what is said to it. `headers` beside the workspace's credentials, unless they are given too."""

    method: str
    path: str
    body: bytes
    says: Says
    headers: Mapping[str, str]


def sent(method: str, path: str, body: Any = b"", says: Says = OK, headers: Mapping[str, str] | None = None) -> Sent:
    """body: bytes and text as they are, all else as JSON."""
    if not isinstance(body, bytes | str):
        body = json.dumps(body, separators=(",", ":"))
    raw = body if isinstance(body, bytes) else body.encode()
    return Sent(method, path, raw, says, {"content-type": JSON, **(headers or {})})


def get(path: str, says: Says = OK, **headers: str) -> Sent:
    return sent("GET", path, b"", says, headers)


def put(path: str, body: Any = b"", says: Says = OK, **headers: str) -> Sent:
    return sent("PUT", path, body, says, dashed(headers))


def post(path: str, body: Any = b"", says: Says = OK, **headers: str) -> Sent:
    return sent("POST", path, body, says, dashed(headers))


def delete(path: str, body: Any = b"", says: Says = OK, **headers: str) -> Sent:
    return sent("DELETE", path, body, says, dashed(headers))


def dashed(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as arguments can be called: a dash is an underscore."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def bad(body: bytes) -> Says:
    """A 400, of which a line is given."""
    return Says(400, body + b"\n")


class Row(NamedTuple):
    """What is sent one after the other, and all that the views then show of it.

    rows: of a view the rows, of which those columns are compared that the first one names.
    neighbour: whether the edge has another workspace beside this one.
    """

    name: str
    sent: Sequence[Sent]
    rows: Rows = MappingProxyType({})
    neighbour: bool = False

    @property
    def workspace(self) -> str:
        return self.name.replace(" ", "-").replace(":", "")


def named(who: str) -> dict[str, Any]:
    """The two columns of a subject, `id:5`."""
    kind, _, name = who.partition(":")
    return {"customer": name, "customer_kind": kind}


def customer(who: str, /, email: str = "", **attributes: str) -> dict[str, Any]:
    """A row of `customers`. email: what its attribute says."""
    said = {"email": email, **attributes} if email else attributes
    return named(who) | {"email": email or (who[6:] if who.startswith("email:") else ""), "attributes": said}


def event(name: str, data: str = "{}", who: str = "id:5", **columns: Any) -> dict[str, Any]:
    """A row of `events`. columns: which are to be compared too."""
    return named(who) | {"name": name, "data": data} | columns


def refused(endpoint: str, reason: str) -> dict[str, Any]:
    """A row of `rejections` of what was taken and not done."""
    return {"endpoint": endpoint, "reason": reason, "status": 200}


def link(who: str, other: str, kind: str = "identify") -> dict[str, Any]:
    """A row of `identifiers` from `id:5` to `email:b@x.io`."""
    linked = {f"linked{column[8:]}": value for column, value in named(other).items()}
    return named(who) | linked | {"kind": kind}
