"""Fakes of what the edge depends on, one knob per fault."""

import asyncio
from collections.abc import Sequence

import msgspec

from ingest.log import Done
from ingest.log.groups import encoded
from schemas.messages import Message, Written, key


class FakeLog:
    """Keeps what it is given. `error`: what the next appends raise; `away`: whether it can be reached."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.values: list[bytes] = []  # of their records
        self.error: Exception | None = None
        self.away = False
        self.open = False
        self._writes: set[asyncio.Task[None]] = set()

    async def append(self, messages: Sequence[Message | Written]) -> None:
        if self.error is not None:
            raise self.error
        for message, (_, value, _) in zip(messages, encoded(messages), strict=True):
            self.values.append(value)
            self.messages.append(message if isinstance(message, Message) else _read(message, value))

    def append_then(self, messages: Sequence[Message | Written], done: Done) -> None:
        if self.error is not None:
            raise self.error
        task = asyncio.get_running_loop().create_task(self.append(messages))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        task.add_done_callback(lambda task: done(str(task.exception() or "")))

    def reachable(self) -> bool:
        return not self.away

    async def __aenter__(self) -> "FakeLog":
        self.open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.open = False


def _read(written: Written, value: bytes) -> Message:
    message = msgspec.json.decode(value, type=Message)
    assert written.key == key(message)
    return message


class FakeClock:
    """Says the time that it is told."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
