"""Events of a batch that are alike, as most are: whom, what, and data. What they have in common is made once."""

from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec import Raw

from ingest import limits
from ingest.usual import Client, Moment, as_json, is_short, name_of
from schemas.messages import Written

# What is not looked at for its nesting; all that opens looks alike. No JSON holds the byte that parts two texts.
_PART, _OPENING = b"\0", b"{"
_OTHERS = bytes(set(range(256)) - set(b"{[\0"))
_OPENINGS = bytes.maketrans(b"[", b"{")


class Alike:
    """subject_of: of a user's id. other: names, as `name_of` gives them, that say something else."""

    __slots__ = ("_before", "_end", "_heads", "_keys", "_moment", "_of", "_open", "_other", "_subject_of")

    def __init__(
        self, client: Client, moment: Moment, subject_of: Callable[[str], str], other: Collection[bytes | None] = ()
    ) -> None:
        self._of, self._end = client.of, client.end
        self._moment = moment
        self._subject_of = subject_of
        self._other = other
        self._open = client.event + b'"'
        self._before, self._keys = self._open + b"id:", f"{client.of}id:".encode()
        self._heads: dict[str, bytes | None] = {}  # what stands between subject and data, by the event's name

    def event(self, id: bytes, user: object, name: str, data: bytes) -> Written | None:
        """None if it needs a closer look. id: as JSON. data: not too deep."""
        head = self._heads.get(name) or self._head(name)
        if head is None or data[:2] != b'{"' or type(user) is not str:
            return None
        if not user.isalnum():
            return self._of_other(id, user, head, data)
        # Letters and digits are the same in JSON, and no other kind of person.
        person = user.encode()
        if len(person) > limits.IDENTIFIER:
            return None
        rest = b"".join((b'"id":', id, self._before, person, head, data, self._end))
        return Written(self._keys + person, rest)

    def events(
        self, ids: Iterable[bytes], users: Iterable[str], names: Iterable[str], texts: Iterable[bytes]
    ) -> list[Written] | None:
        """Those of a whole batch: the same, in a fifth less time than one by one."""
        heads, before, keys, end, made = self._heads, self._before, self._keys, self._end, []
        longest = limits.IDENTIFIER
        for id, user, name, data in zip(ids, users, names, texts, strict=True):
            head = heads.get(name) or self._head(name)
            if head is None or data[:2] != b'{"':
                return None
            person = user.encode()
            if user.isalnum() and len(person) <= longest:
                made.append(Written(keys + person, b"".join((b'"id":', id, before, person, head, data, end))))
                continue
            other = self._of_other(id, user, head, data)
            if other is None:
                return None
            made.append(other)
        return made

    def _of_other(self, id: bytes, user: str, head: bytes, data: bytes) -> Written | None:
        if not user or user.isspace() or not is_short(user, limits.IDENTIFIER):
            return None
        subject = self._subject_of(user)
        rest = b"".join((b'"id":', id, self._open, as_json(subject)[1:-1], head, data, self._end))
        return Written((self._of + subject).encode(), rest)

    def _head(self, name: str) -> bytes | None:
        """An event says it in its request's time."""
        named, (before, behind) = name_of(name), self._moment.times
        head = None if named is None or named in self._other else b'"%b%b%b,"data":' % (before, named, behind)
        self._heads[name] = head
        return head


def shallow(texts: Sequence[Raw], around: int) -> list[bytes] | None:
    """The same as bytes; None if one may be too deep. around: levels that each is nested in."""
    joined = _PART.join(texts)
    if _OPENING * (limits.NESTING - around + 1) in joined.translate(_OPENINGS, _OTHERS):
        return None
    return joined.split(_PART) if texts else []
