"""A message with its place on the log."""

import json
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
    def place(self) -> tuple[int, int]:
        return self.partition, self.offset

    @property
    def version(self) -> Version:
        effective = [self.at]
        if self.message.kind == "identify" and self.message.sent_timestamp:
            effective.append(int(max(self.message.timestamp, 0) * 1000))
        if self.message.spooled_at:
            effective.append(int(self.message.spooled_at * 1000))
        return min(effective), self.at, self.offset


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
