"""Who is meant: from an identifier as it stands in the raw path to a message's subject."""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote_to_bytes

from ingest import limits
from ingest.errors import BadRequest

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"\+[1-9][0-9]{1,14}")
_CIO = "cio_"
_PEOPLE = ("id", "email", "phone", "cio", "anon")


def subject(segment: str) -> str:
    """The subject that a segment of the raw path names; see `of_customer` for its kinds. Raises `BadRequest`."""
    if segment.isascii() and segment.replace("-", "").isalnum() and len(segment) <= limits.IDENTIFIER:
        return f"id:{segment}"  # as most are: nothing to decode, no address, no `cio_`
    return of_customer(decoded(segment))


def decoded(segment: str, longest: int = limits.IDENTIFIER) -> str:
    """The text of a segment of the raw path (its bytes, as Latin-1): percent-decoded once, a `+` stays a `+`.

    Raises `BadRequest`: what cannot be decoded without loss would be somebody else's identifier.
    """
    if segment.isascii() and "%" not in segment and 0 < len(segment) <= longest:
        return segment
    raw = segment.encode("latin-1")
    if "%" in segment:
        if _BROKEN_ESCAPE.search(segment):
            raise BadRequest("identifier has an invalid percent-encoding")
        raw = unquote_to_bytes(raw)
    if not 0 < len(raw) <= longest:
        raise BadRequest(f"identifier must have 1 to {longest} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadRequest("identifier is not valid UTF-8") from None


def of_customer(identifier: str) -> str:
    """`email:` and lower case if it looks like an address, `cio:` and the rest of `cio_…`, else `id:`, case kept."""
    if is_email(identifier):
        return of_email(identifier)
    if identifier.startswith(_CIO) and identifier != _CIO:
        return of_cio_id(identifier)
    return of_customer_id(identifier)


def of_customer_id(id: str) -> str:
    """Whatever it looks like."""
    return f"id:{id}"


def of_email(address: str) -> str:
    """Two that differ in case only are one."""
    return f"email:{address.lower()}"


def is_email(text: str) -> bool:
    return "@" in text and _EMAIL.fullmatch(text) is not None


def of_cio_id(cio_id: str) -> str:
    """With its mark or without."""
    return f"cio:{cio_id.removeprefix(_CIO) or cio_id}"


def of_phone(number: str) -> str:
    """E.164; see `is_phone`."""
    return f"phone:{number}"


def is_phone(text: str) -> bool:
    return _PHONE.fullmatch(text) is not None


def in_order(people: Iterable[str]) -> tuple[str, ...]:
    """Subjects of people, each once, by kind: id, email, phone, cio, anon, as a message's links are."""
    return tuple(sorted(dict.fromkeys(people), key=lambda subject: _PEOPLE.index(subject.partition(":")[0])))


def of_object(type_id: str, object_id: str) -> str:
    """Of two texts one from which both can be read: the type ends at the first slash."""
    return f"object:{quote(type_id, safe='')}/{object_id}"


def of_cio_object(cio_object_id: str) -> str:
    return f"cio_object:{cio_object_id}"


def of_delivery(delivery_id: str) -> str:
    return f"delivery:{delivery_id}"


def of_anonymous(anonymous_id: str) -> str:
    """Anonymous 42 is not customer 42."""
    return f"anon:{anonymous_id}"


def of_invite(message_id: str) -> str:
    """An invite event is about nobody we could name: each is its own subject."""
    return f"invite:{message_id}"
