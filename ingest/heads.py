"""What a request's head must be for its body to have one beginning and one end, whoever reads it.

The parser (llhttp, strict) refuses by itself two or odd `Content-Length`s, one beside a `Transfer-Encoding`, folded
lines, bare CR or LF, control characters and a NUL. Here is what it lets through and a proxy may read differently.
"""

import re
from collections.abc import Sequence

from ingest import limits
from ingest.errors import ApiError, HeadersTooLarge, Malformed, NotFound, VersionNotSupported

# A proxy may go by the first of two and the edge by the last.
ONCE = (b"authorization", b"content-type", b"content-encoding")

END_OF_HEAD = b"\r\n\r\n"

Headers = Sequence[tuple[bytes, bytes]]


def too_large() -> ApiError:
    return HeadersTooLarge(f"the head of a request takes {limits.HEAD} bytes and {limits.HEADERS} headers at most")


def check_size(url: bytes, headers: Headers) -> None:
    """Raises `HeadersTooLarge`. The four bytes are the colon, the space and the line's end."""
    if len(url) + sum(len(name) + len(value) + 4 for name, value in headers) > limits.HEAD:
        raise too_large()


def check_head(method: bytes, url: bytes, version: str, headers: Headers) -> None:
    """Raises an `ApiError`. Names of headers are in lower case."""
    if len(headers) > limits.HEADERS:
        raise too_large()
    if version not in ("1.1", "1.0"):
        raise VersionNotSupported
    if method == b"CONNECT":
        raise NotFound
    if b"#" in url:
        raise Malformed("a # in the path must be sent as %23")
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if hosts != 1 and (hosts or version == "1.1"):
        raise Malformed("a request needs exactly one Host header")
    if any(names.count(name) > 1 for name in ONCE):
        raise Malformed("a request takes one Authorization, one Content-Type and one Content-Encoding header at most")
    if b"transfer-encoding" in names:
        _check_chunked(version, headers)


def _check_chunked(version: str, headers: Headers) -> None:
    codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    if codings != [b"chunked"] or version == "1.0":
        raise Malformed("the only Transfer-Encoding is chunked, and only in HTTP/1.1")


def announces_body(headers: Headers) -> bool:
    """Whether one comes behind this head."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b" 0")) for name, value in headers
    )


def without_upgrade(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """The same head, of a client that asks for no other protocol."""
    lines = [b"%b: %b\r\n" % header for header in headers if header[0] != b"upgrade"]
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, url, version.encode(), b"".join(lines))


def target(url: bytes) -> bytes:
    """A request target that the URL parser takes: `http://host` without a path is its root."""
    scheme, separator, rest = url.partition(b"://")
    if not separator or b"/" in scheme or b"?" in scheme or b"/" in rest.partition(b"?")[0]:
        return url
    authority, mark, query = rest.partition(b"?")
    return scheme + separator + authority + b"/" + mark + query


def path_of(url: bytes) -> str:
    """Of a request target, for whoever tells what was refused."""
    return re.sub(r"^https?://[^/]*", "", url.decode("latin-1"))


def first_head(held: bytearray) -> bytes:
    """Taken off what came, with its end; all of it if there is none."""
    cut = held.find(END_OF_HEAD) + len(END_OF_HEAD)
    piece = bytes(held[:cut]) if cut >= len(END_OF_HEAD) else bytes(held)
    del held[: len(piece)]
    return piece
