"""What clients say all day, written with few steps: an event of a person, with a name and data; who a person is.

What a body means is told by `ingest.events`, `ingest.customers` and the modules of `ingest.api`; that code makes any
message, and is asked about any body that is not exactly what is looked for here. What is made here is made as there, to
the byte, without the steps between: no `Message` that would be encoded, no list of problems, for there are none. A test
sends bodies of all sorts through both. None, or an empty text, is what has to be read with care.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import msgspec

from ingest import limits
from ingest.events import UNKNOWN_MONTH
from ingest.identifiers import is_email, of_email
from ingest.ids import new_ids
from ingest.iso_times import seconds_of
from ingest.soundness import is_sound
from ingest.times import EARLIEST, LATEST
from schemas.messages import Context, Written

# As clients name it; whoever names it otherwise is read with care.
JSON = frozenset(
    b"application/json" + charset for charset in (b"", b"; charset=utf-8", b"; charset=UTF-8", b";charset=utf-8")
)
NOTHING = msgspec.Raw(b"")  # what is not there
_DATA, _OBJECT = len(b',"data":'), ord("{")
_EMAIL = "email"
T = TypeVar("T")
_IDS = 16  # made at once
# Attributes that say more than themselves, beside the email.
_TELLING = frozenset(
    {"id", "phone", "cio_id", "anonymous_id", "_update", "_timestamp", "_created_in_customerio_at", "cio_relationships"}
)
_PART, _PARTS = b"\0", "\0"  # no JSON holds it
_SHORT_NAME, _SHORT_VALUE = limits.ATTRIBUTE_NAME // 4, limits.ATTRIBUTE_VALUE // 4  # characters
as_json, plain = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode
cut = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Client:
    """What the messages of one client have in common, as text: made once, kept as long as its requests are alike."""

    def __init__(self, workspace: str, context: Context) -> None:
        self.workspace = workspace
        self.of = workspace + "\0"
        self.event, self.identify = (
            b',"workspace":%b,"kind":"%b","subject":' % (as_json(workspace), kind) for kind in (b"event", b"identify")
        )
        self.of_user = f"{self.of}id:".encode()
        self.event_user, self.identify_user = self.event + b'"id:', self.identify + b'"id:'
        self._context = b',"context":%b' % as_json(context)[:-1]
        self.end = self._context + b"}}"

    def end_with(self, context: bytes) -> bytes:
        """With the client's own context."""
        return b'%b,"sent":%b}}' % (self._context, context)


class Moment:
    """When a request came, and others in the same turn of the loop. at: s since 1970. times: of an event that does not
    say when it was."""

    __slots__ = ("_ids", "at", "received", "times")

    def __init__(self, at: float) -> None:
        text = as_json(at)
        self.at = at
        self.received = b',"received_at":%b,"timestamp":' % text
        self.times = self.received + text, b""
        self._ids: list[bytes] = []

    def id(self) -> bytes:
        """A new one, as JSON."""
        if not self._ids:
            self._ids = new_ids(self.at, _IDS)
        return self._ids.pop()


Times = tuple[bytes, bytes]  # what stands before an event's name, and behind it


def written(client: Client, middle: bytes, id: bytes, subject: str, *rest: bytes) -> Written:
    """middle: of the client. id: as JSON. rest: members of the message in their order, as the functions here give
    them."""
    return Written((client.of + subject).encode(), b"".join((b'"id":', id, middle, as_json(subject), *rest)))


def read(decode: Callable[[bytes], T], body: bytes) -> T | None:
    """None if it is not what is looked for, or no JSON."""
    try:
        said = decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return said if is_sound(body) else None


def name_of(value: str) -> bytes | None:
    # What is kept is short, whatever clients send.
    return _name(value) if len(value) <= limits.EVENT_NAME else None


@lru_cache(maxsize=1000)
def _name(value: str) -> bytes | None:
    name = value.strip()
    return b',"name":' + as_json(name) if 0 < len(name.encode()) <= limits.EVENT_NAME else None


def data_of(text: msgspec.Raw, around: int) -> bytes | None:
    """around: levels that it is nested in."""
    if text is NOTHING:
        return b""
    data = b',"data":%b' % text
    if data[_DATA] != _OBJECT:
        return b"" if data.endswith(b":null") else None
    deep = data.count(b"{") + data.count(b"[") > limits.NESTING - around
    return None if deep or len(data) > limits.EVENT_DATA else data


def is_shallow(text: msgspec.Raw, around: int) -> bool:
    """In doubt it says no."""
    if text is NOTHING:  # as most often
        return True
    said = bytes(text)
    return said.count(b"{") + said.count(b"[") <= limits.NESTING - around


Texts = dict[str, msgspec.Raw]


def texts_of(text: bytes) -> Texts | None:
    """Of attributes, if there are any; None if they are no object."""
    if text in (b"", b"null"):
        return {}
    try:
        return cut(text)
    except msgspec.ValidationError:
        return None


def said_of(subject: str, texts: Texts, text: bytes, around: int, visitor: str = "") -> bytes | None:
    """Links and attributes of a person. text: of all attributes, or more. around: levels that they are nested in.
    visitor: the subject of an anonymous one who is the same."""
    if not _TELLING.isdisjoint(texts):
        return None
    email = texts.get(_EMAIL)
    links = b"" if email is None and not visitor else _links_of(subject, email, visitor)
    if links is None or not texts:
        return links
    joined = _PART.join(texts.values())
    # The attributes themselves are a level, and their brackets not among those of their values.
    if len(texts) > limits.ATTRIBUTES or joined.count(b"{") + joined.count(b"[") >= limits.NESTING - around:
        return None
    values = joined.decode().split(_PARTS)
    if len(text) > _SHORT_VALUE and max(map(len, values)) > _SHORT_VALUE:
        return None
    # What is no value is all names together, and more.
    if len(text) - len(joined) > limits.ATTRIBUTE_NAME and max(map(len, texts)) > _SHORT_NAME:
        return None
    pairs = list(zip(texts, values))  # noqa: B905  no value holds what parts them, and to ask again costs a tenth of this
    return b'%b,"attributes":%b' % (links, as_json(pairs))


def _links_of(subject: str, given: msgspec.Raw | None, visitor: str) -> bytes | None:
    links = [visitor] if visitor else []
    email = None if given is None else plain(given)
    if type(email) is str:
        if not is_short(email, limits.IDENTIFIER):
            return None
        if is_email(email) and (link := of_email(email)) != subject:
            links.insert(0, link)
    return b',"links":%b' % as_json(links) if links else b""


def times_of(moment: Moment, sent: int) -> Times | None:
    """sent: seconds."""
    if not 0 < sent <= LATEST:
        return None
    return b"%b%d" % (moment.received, sent), b',"sent_timestamp":"%d"' % sent


def times_of_date(moment: Moment, sent: str) -> Times | None:
    """sent: ISO 8601."""
    at = date_of(sent)
    return None if at is None else (moment.received + at, b',"sent_timestamp":' + as_json(sent))


def times_of_repeat(moment: Moment, sent: str | None, filed_at: float | None) -> Times | None:
    """Of an event whose id tells repeats, and maybe a time. sent: ISO 8601, if anything."""
    times = moment.times if sent is None else times_of_date(moment, sent)
    if times is None:
        return None
    before, behind = times
    if filed_at is None and sent is not None:
        return before, b'%b,"filed_at":%b' % (behind, before[len(moment.received) :])
    return before, b'%b,"filed_at":%b' % (behind, as_json(UNKNOWN_MONTH if filed_at is None else filed_at))


def date_of(sent: str) -> bytes | None:
    """s since 1970, as JSON. No digits alone, which are seconds; without blanks around it."""
    if sent[10:11] != "T" or sent[-1:].isspace():
        return None
    at = seconds_of(sent)
    return as_json(at) if at is not None and EARLIEST <= at <= LATEST else None


def identifier_of(value: str | int) -> str:
    """A text, or a number as its text; "" if it needs a closer look."""
    if isinstance(value, int):
        return str(value)
    return value if is_short(value, limits.IDENTIFIER) and not value.isspace() else ""


def is_short(text: str, longest: int) -> bool:
    """In bytes of UTF-8, as far as that can be told without counting them."""
    return len(text) <= longest and (text.isascii() or len(text) * 4 <= longest)
