"""What makes a message one message: the ids that clients choose, and those made here."""

import random
import re
from functools import lru_cache

import msgspec

from ingest import limits
from ingest.bodies import Body
from ingest.problems import Problems

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}")
_UUID = re.compile(
    r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-([0-9A-Fa-f])[0-9A-Fa-f]{3}-([0-9A-Fa-f])[0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}"
)
_ULID_LENGTH, _UUID_LENGTH = 26, 36
_UUID_VARIANT = "89abAB"
NOT_TEXT = (bool, dict, list)  # what no identifier can be; numbers count as their text
# Crockford's base 32 as the digits that int() reads.
_CROCKFORD = bytes.maketrans(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", b"0123456789ABCDEFGHIJKLMNOPQRSTUV")


_ENDS = [b'%03x"' % number for number in range(4096)]


class ClientId(msgspec.Struct, frozen=True):
    """The id that a client gave an event.

    text: as it was sent, a number as its text.
    identifies: whether it tells repeats: a ULID or UUID. Others are often the customer's id, by mistake.
    at: s since 1970, the time inside it; None if there is none.
    """

    text: str
    identifies: bool
    at: float | None = None


def new_id(at: float, noise: int | None = None) -> str:
    """A UUIDv7 of a time in s since 1970; `noise` is 80 random bits, of which 72 are used."""
    if noise is None:
        noise = random.getrandbits(80)  # tells messages apart and protects nothing; os.urandom costs seven times that
    digits = noise.to_bytes(10, "big").hex()
    return f"{_beginning(int(at * 1000))}-7{digits[1:4]}-8{digits[5:8]}-{digits[8:]}"


def new_ids(at: float, count: int) -> list[bytes]:
    """So many of one time, as JSON: UUIDv7 that have 60 random bits in common, and count in the last 12."""
    ids: list[bytes] = []
    while len(ids) < count:
        noise = f"{random.getrandbits(60):015x}"
        begin = f'"{_beginning(int(at * 1000))}-7{noise[:3]}-8{noise[3:6]}-{noise[6:]}'.encode()
        ids += [begin + end for end in _ENDS[: count - len(ids)]]
    return ids


@lru_cache(maxsize=16)
def _beginning(ms: int) -> str:
    """Of all ids of a millisecond."""
    digits = f"{ms:012x}"
    return f"{digits[:8]}-{digits[8:]}"


def client_id(body: Body, problems: Problems) -> ClientId | None:
    """The `id` of an event; None if it has none. A problem found is appended."""
    value = body.values.get("id")
    if value is None or value == "":
        return None
    if isinstance(value, NOT_TEXT):
        problems.add("event id must be a string", "id")
        return None
    text = value if isinstance(value, str) else str(body.texts["id"], "utf-8")
    if len(text.encode()) > limits.EVENT_ID:
        problems.add(f"event id cannot be longer than {limits.EVENT_ID} bytes", "id")
        return None
    return classified(text)


def is_uuid(text: str) -> bool:
    """Of any version."""
    return _UUID.fullmatch(text) is not None


def time_in(text: str) -> float | None:
    """As `classified` finds it, which is asked only about what may hold one."""
    length = len(text)
    return classified(text).at if length == _ULID_LENGTH or (length == _UUID_LENGTH and text[14] == "7") else None


def classified(text: str) -> ClientId:
    """What an id is by its shape."""
    if _ULID.fullmatch(text):
        return ClientId(text, True, int(text[:10].upper().encode().translate(_CROCKFORD), 32) / 1000)
    uuid = _UUID.fullmatch(text)
    if uuid is None:
        return ClientId(text, False)
    version, variant = uuid.groups()
    if version == "7" and variant in _UUID_VARIANT:
        return ClientId(text, True, int(text[:8] + text[9:13], 16) / 1000)
    return ClientId(text, True)
