"""Compressed bodies, unpacked as far as they may be large, and no byte further."""

import zlib
from collections.abc import Callable
from typing import Protocol

from ingest import limits
from ingest.errors import BadRequest, TooLarge, UnsupportedEncoding
from ingest.zstandard import ZstdError, zstd_decompressor

_GZIP, _ZLIB, _RAW = 31, 15, -15  # what zlib's `wbits` calls them


class Decompressor(Protocol):
    """One member of a compressed body. `unused_data`: what follows it."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


def unpacked(body: bytes, encoding: bytes, limit: int) -> bytes:
    """The body that was compressed. Raises `TooLarge`, `BadRequest` and `UnsupportedEncoding`.

    Takes one encoding: nobody packs twice but to hide how large something is. A body may be several members, as
    `cat a.gz b.gz` makes them.
    """
    encoding = encoding.strip().lower()
    if encoding in (b"", b"identity"):
        return body
    make = _DECOMPRESSORS.get(encoding)
    if make is None:
        raise UnsupportedEncoding
    parts, room = [], limit
    # Bounded, because each member copies what follows it.
    for _ in range(limits.MEMBERS):
        part, body = _member(make(body), body, room)
        if len(part) > room:
            raise TooLarge(f"body cannot be longer than {limit} bytes, unpacked")
        parts.append(part)
        room -= len(part)
        if not body:
            return parts[0] if len(parts) == 1 else b"".join(parts)
    raise BadRequest(f"body has more than {limits.MEMBERS} compressed parts, or something else behind them")


def _member(inner: Decompressor, body: bytes, room: int) -> tuple[bytes, bytes]:
    """The first member, or one byte more of it than there is room for; and what follows."""
    try:
        part = inner.decompress(body, room + 1)
    except (zlib.error, ZstdError):
        raise BadRequest("body is not what its Content-Encoding says, or something follows it") from None
    if not inner.eof and len(part) <= room:
        raise BadRequest("body is compressed and ends too early")
    return part, inner.unused_data


def _gzip(_body: bytes) -> Decompressor:
    return zlib.decompressobj(_GZIP)


def _deflate(body: bytes) -> Decompressor:
    """By the book zlib's format; the bare one is as common. No compressor begins a bare stream like zlib's header."""
    has_header = len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return zlib.decompressobj(_ZLIB if has_header else _RAW)


def _zstd(_body: bytes) -> Decompressor:
    return zstd_decompressor()


_DECOMPRESSORS: dict[bytes, Callable[[bytes], Decompressor]] = {
    b"gzip": _gzip,
    b"x-gzip": _gzip,
    b"deflate": _deflate,
    b"zstd": _zstd,
}
