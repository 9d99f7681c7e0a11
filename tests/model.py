"""What the views must say, computed from the same records in plain Python."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.messages import Message


@dataclass(frozen=True)
class Placed:
    """A message with its place on the log; `at` is the append time in ms."""

    message: Message
    offset: int
    at: int
    partition: int = 0

    @property
    def version(self) -> tuple[int, int, int]:
        stamped = self.message.kind == "identify" and self.message.sent_timestamp
        effective = min(int(max(self.message.timestamp, 0) * 1000), self.at) if stamped else self.at
        return effective, self.at, self.offset


@dataclass
class World:
    """events: (workspace, subject, id) -> name, data. customers: (workspace, subject) -> attributes by exact text."""

    events: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    customers: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    seen: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


def world(records: Iterable[Placed]) -> World:
    """Apply the records in the order of their versions."""
    now = World()
    events: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for record in sorted(records, key=lambda record: record.version):
        message = record.message
        who = (message.workspace, message.subject)
        if message.kind == "delete":
            for gone in (now.customers, now.seen, events):
                gone.pop(who, None)
            continue
        if not message.subject.startswith(("anon:", "invite:")):
            now.customers.setdefault(who, {}).update(message.attributes)
            now.seen[who] = (now.seen.get(who, record.version)[0], record.version[0])
        if message.kind != "identify":
            events.setdefault(who, {})[message.id] = (message.name, bytes(message.data).decode())
    now.events = {(*who, id): event for who, kept in events.items() for id, event in kept.items()}
    for attributes in now.customers.values():
        for name in [name for name, text in attributes.items() if text in ("null", '""')]:
            del attributes[name]
    return now


def shown(text: str) -> str:
    """An attribute's exact text as the map `attributes` shows it."""
    return str(json.loads(text)) if text.startswith('"') else text
