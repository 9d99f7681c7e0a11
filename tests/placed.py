"""A message with its place on the log, and what is hidden of those that were landed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ingest.identifiers import of_customer
from schemas.messages import Message

Version = tuple[int, int, int]  # effective time, append time, offset: the higher wins
LASTING: Version = (1 << 60, 0, 0)  # a suppression that nobody ended


@dataclass(frozen=True)
class Placed:
    """A message with its place on the log; `at` is the append time in ms."""

    message: Message
    offset: int
    at: int
    partition: int = 0

    @property
    def version(self) -> Version:
        effective = [self.at]
        if self.message.kind == "identify" and self.message.sent_timestamp:
            effective.append(int(max(self.message.timestamp, 0) * 1000))
        if self.message.spooled_at:
            effective.append(int(self.message.spooled_at * 1000))
        return min(effective), self.at, self.offset


class Hidden:
    """Of each subject and each workspace the version below which all is hidden, found in the order of versions."""

    def __init__(self, records: Iterable[Placed], erased: Iterable[tuple[str, Version]]) -> None:
        """erased: workspaces, and below which versions all is gone."""
        self._subjects: dict[tuple[str, str], Version] = {}
        self._changes: dict[tuple[str, str], list[tuple[Version, str]]] = {}
        self._workspaces: dict[str, Version] = {}
        for workspace, version in erased:
            self._workspaces[workspace] = max(version, self._workspaces.get(workspace, version))
        for record in sorted(records, key=lambda record: record.version):
            if record.message.kind in ("delete", "suppress", "unsuppress"):
                self._add(record)

    def _add(self, record: Placed) -> None:
        who = (record.message.workspace, record.message.subject)
        below = self._subjects.get(who)
        if record.message.kind == "suppress":
            self._subjects[who] = LASTING
        elif (record.message.kind == "unsuppress") == (below == LASTING):
            self._subjects[who] = record.version  # the end of a suppression, or a deletion outside of one
        if record.message.kind != "delete":
            self._changes.setdefault(who, []).append((record.version, record.message.kind))

    def shows(self, record: Placed, *subjects: str) -> bool:
        """Whether what it says of these subjects is there for anybody to see."""
        workspace = record.message.workspace
        bounds = [self._workspaces.get(workspace), *(self._subjects.get((workspace, each)) for each in subjects)]
        return all(below is None or record.version >= below for below in bounds)

    def touched(self, workspace: str, subject: str) -> bool:
        """Whether anything of it was ever to be hidden."""
        return workspace in self._workspaces or (workspace, subject) in self._subjects

    def suppressed(self, record: Placed) -> bool:
        """Whether it was written while its subject was suppressed, whatever came later."""
        changes = self._changes.get((record.message.workspace, record.message.subject), [])
        before = [kind for version, kind in changes if version < record.version]
        return before[-1:] == ["suppress"]


def recipient(message: Message) -> str:
    """Of a metric: the text of whom it went to; empty if nobody is named."""
    text = dict(message.attributes).get("recipient", "null") if message.kind == "metric" else "null"
    return "" if text == "null" else shown(text)


def whom(message: Message) -> list[str]:
    """Whose it is: what is hidden of one of them hides it."""
    name = recipient(message)
    return [message.subject, of_customer(name)] if name else [message.subject]


def shown(text: str) -> str:
    """An attribute's exact text as the maps `attributes` show it."""
    return str(json.loads(text)) if text.startswith('"') else text
