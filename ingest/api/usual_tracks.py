"""Track calls of a batch as SDKs send them, with an id, a time and a context: see `ingest.usual`.

What stands beside the event is the same in most of them, and looked at once.
"""

from ingest import identifiers, limits
from ingest.alike import Alike
from ingest.api.cdp_semantic import SEMANTIC
from ingest.api.usual_parts import Call, is_bare, user_of
from ingest.ids import time_in
from ingest.usual import NOTHING, Client, Moment, as_json, date_of, is_short, name_of
from schemas.messages import Written

SEMANTIC_NAMES = frozenset(map(name_of, SEMANTIC))
_NONE = frozenset((b"", b"{}", b"null"))  # what says nothing


class Tracks:
    """Of one batch."""

    __slots__ = ("_alike", "_client", "_ends", "_moment", "_names")

    def __init__(self, client: Client, moment: Moment) -> None:
        self._client, self._moment = client, moment
        self._alike = Alike(client, moment, identifiers.of_customer, SEMANTIC_NAMES)
        self._names: dict[str, bytes | None] = {}
        self._ends: dict[bytes, bytes | None] = {b"": client.end, b"null": client.end}

    def call(self, id: bytes, said: Call, data: bytes, context: bytes) -> Written | None:
        """None if it needs a closer look. id: as JSON, unless the call has one. data, context: not too deep."""
        given, sent = said.id, said.timestamp
        if given is None or sent is None:
            return self._alike.event(id, said.user, said.event, data) if is_bare(said) else None
        end = self._ends.get(context) or self._end(context)
        name = self._names.get(said.event) or self._name(said.event)
        subject, at = _subject_of(said), date_of(sent)
        if end is None or name is None or not subject or at is None or said.traits is not NOTHING:
            return None
        if not given or not is_short(given, limits.EVENT_ID):
            return None
        if data[:2] == b'{"':
            end = b',"data":' + data + end
        elif data not in _NONE:
            return None
        filed_at, time = time_in(given), self._moment.received + at
        filed = at if filed_at is None else as_json(filed_at)
        middle, behind = self._client.event, as_json(sent)
        return Written(
            (self._client.of + subject).encode(),
            b'"id":%b%b%b%b%b,"sent_timestamp":%b,"filed_at":%b%b'
            % (as_json(given), middle, as_json(subject), time, name, behind, filed, end),
        )

    def _end(self, context: bytes) -> bytes | None:
        end = self._client.end_with(context) if context[:1] == b"{" else None
        self._ends[context] = end
        return end

    def _name(self, event: str) -> bytes | None:
        named = name_of(event)
        name = None if named in SEMANTIC_NAMES else named
        self._names[event] = name
        return name


def _subject_of(said: Call) -> str:
    """Letters and digits are no other kind of person."""
    user = said.user
    if said.visitor is None and type(user) is str and user.isalnum() and is_short(user, limits.IDENTIFIER):
        return "id:" + user
    return user_of(user, said.visitor)
