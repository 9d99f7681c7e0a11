"""Which records a replay takes: by their place, their append time, and what they say."""

from dataclasses import asdict, dataclass

import msgspec

BY_PLACE = {
    "generation": "_log = {generation:String}",
    "partition": "_partition = {partition:UInt32}",
    "first": "_offset >= {first:UInt64}",
    "last": "_offset <= {last:UInt64}",
    "since": "_at >= {since:UInt64}",
    "until": "_at < {until:UInt64}",
}
BY_CONTENT = {
    "workspace": "workspace = {workspace:String}",
    "subject": "subject = {subject:String}",
    "kind": "kind = {kind:String}",
    "name": "name = {name:String}",
}


class _Said(msgspec.Struct):
    """As much of a message as a selection asks for."""

    workspace: str
    subject: str
    kind: str
    name: str = ""


_decoder = msgspec.json.Decoder(_Said)


@dataclass(frozen=True)
class Selection:
    """Each field that is given narrows it.

    generation: the log's, as the view `dead_letters` shows it.
    first, last: offsets, both of them taken.
    since, until: append time in ms; `until` is the first that is not taken.
    """

    generation: str | None = None
    partition: int | None = None
    first: int | None = None
    last: int | None = None
    since: int | None = None
    until: int | None = None
    workspace: str | None = None
    subject: str | None = None
    kind: str | None = None
    name: str | None = None

    @property
    def reads_messages(self) -> bool:
        """Whether a record's place is not enough to tell."""
        return any(getattr(self, field) is not None for field in BY_CONTENT)

    @property
    def parameters(self) -> dict[str, object]:
        """For the conditions below."""
        return {field: value for field, value in asdict(self).items() if value is not None}

    def of_places(self) -> str:
        """As SQL, the part that any table with places can answer."""
        return self._condition(BY_PLACE)

    def of_messages(self) -> str:
        """As SQL, all of it."""
        return self._condition(BY_PLACE | BY_CONTENT)

    def takes(self, value: bytes | None) -> bool:
        """Whether a record's value is of what was selected; one that is no message of ours is not."""
        if not self.reads_messages:
            return True
        try:
            said = _decoder.decode(value or b"")
        except msgspec.DecodeError:
            return False
        return all(getattr(self, field) in (None, getattr(said, field)) for field in BY_CONTENT)

    def _condition(self, known: dict[str, str]) -> str:
        return " AND ".join([text for field, text in known.items() if getattr(self, field) is not None] or ["1"])
