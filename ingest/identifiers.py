"""Who is meant: from an identifier as it stands in the raw path to a message's subject."""

import re
from urllib.parse import unquote_to_bytes

from ingest import limits
from ingest.errors import BadRequest

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_CIO = "cio_"


def subject(segment: str) -> str:
    """The subject that a segment of the raw path names; see `of_customer` for its kinds. Raises `BadRequest`."""
    return of_customer(decoded(segment))


def decoded(segment: str) -> str:
    """The text of a segment of the raw path (its bytes, as Latin-1): percent-decoded once, a `+` stays a `+`.

    Raises `BadRequest`: what cannot be decoded without loss would be somebody else's identifier.
    """
    raw = segment.encode("latin-1")
    if "%" in segment:
        if _BROKEN_ESCAPE.search(segment):
            raise BadRequest("identifier has an invalid percent-encoding")
        raw = unquote_to_bytes(raw)
    if not 0 < len(raw) <= limits.IDENTIFIER:
        raise BadRequest(f"identifier must have 1 to {limits.IDENTIFIER} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadRequest("identifier is not valid UTF-8") from None


def of_customer(identifier: str) -> str:
    """`email:` and lower case if it looks like an address, `cio:` and the rest of `cio_…`, else `id:`, case kept."""
    if "@" in identifier and _EMAIL.fullmatch(identifier):
        return f"email:{identifier.lower()}"
    if identifier.startswith(_CIO) and identifier != _CIO:
        return f"cio:{identifier[len(_CIO) :]}"
    return f"id:{identifier}"


def of_anonymous(anonymous_id: str) -> str:
    """Anonymous 42 is not customer 42."""
    return f"anon:{anonymous_id}"


def of_invite(message_id: str) -> str:
    """An invite event is about nobody we could name: each is its own subject."""
    return f"invite:{message_id}"
