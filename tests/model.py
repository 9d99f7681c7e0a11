"""What the views must say, computed from the same records in plain Python."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.messages import Message

Version = tuple[int, int, int]  # effective time, append time, offset: the higher wins
NO_CUSTOMERS = ("anon:", "invite:")


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


@dataclass
class World:
    """events: (workspace, subject, id) -> name, data. customers: (workspace, subject) -> attributes by exact text."""

    events: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    customers: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    seen: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


@dataclass
class _Life:
    """One subject since its last deletion. `events`: id -> name, data, version of its last repeat."""

    attributes: dict[str, str] = field(default_factory=dict)
    events: dict[str, tuple[str, str, Version]] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    identified: list[Version] = field(default_factory=list)
    again: bool = False

    def add(self, record: Placed) -> None:
        message = record.message
        self.versions.append(record.version)
        self.attributes.update(message.attributes)
        if message.kind == "identify":
            self.identified.append(record.version)
        else:
            self.events[message.id] = (message.name, bytes(message.data).decode(), record.version)

    @property
    def seen(self) -> tuple[int, int]:
        """Effective times of the first and the last message. Who came back is first seen at the first identify since,
        or the first event, of whose repeats only the last one counts; who never left, at the very first message."""
        since = [*self.identified, *(version for _, _, version in self.events.values())]
        return min(since if self.again else self.versions)[0], max(self.versions)[0]


def world(records: Iterable[Placed], erased: Iterable[tuple[str, Version]] = ()) -> World:
    """Apply the records in the order of their versions. erased: workspaces, and below which versions all is gone."""
    lives: dict[tuple[str, str], _Life] = {}
    begun_anew: set[str] = set()
    steps: list[tuple[Version, str | Placed]] = [(version, workspace) for workspace, version in erased]
    steps += [(record.version, record) for record in records]
    for _, step in sorted(steps, key=lambda step: step[0]):
        if isinstance(step, str):
            begun_anew.add(step)
            lives = {who: life for who, life in lives.items() if who[0] != step}
            continue
        who = (step.message.workspace, step.message.subject)
        if step.message.kind == "delete":
            lives[who] = _Life(again=True)
        else:
            lives.setdefault(who, _Life(again=step.message.workspace in begun_anew)).add(step)
    return _shown(lives)


def _shown(lives: dict[tuple[str, str], _Life]) -> World:
    now = World()
    for who, life in lives.items():
        now.events |= {(*who, id): (name, data) for id, (name, data, _) in life.events.items()}
        if life.versions and not who[1].startswith(NO_CUSTOMERS):
            known = {name: text for name, text in life.attributes.items() if text not in ("null", '""')}
            now.customers[who] = known
            now.seen[who] = life.seen
    return now


def shown(text: str) -> str:
    """An attribute's exact text as the map `attributes` shows it."""
    return str(json.loads(text)) if text.startswith('"') else text
