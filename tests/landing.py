"""What the fault tests put on a log, and what must then be in ClickHouse, once, whatever happened on the way."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import msgspec
from clickhouse_connect.driver.client import Client

from ingest.errors import Unavailable
from schemas.messages import Context, Message

CUSTOMERS = 20
TAKEN = ("event", "identify", "add_device")
TRACK = Context(endpoint="track")
# Of a workspace. In this order: what costs ClickHouse least comes first.
ASKED = {
    "dead": "SELECT count() FROM dead_letters WHERE startsWith(key, {workspace:String} || '\\0')",
    "events": "SELECT customer_kind || ':' || customer, arraySort(groupArray(JSONExtractInt(data, 'n'))) FROM events"
    " WHERE workspace = {workspace:String} GROUP BY ALL",
    "devices": "SELECT customer_kind || ':' || customer, token FROM devices WHERE workspace = {workspace:String}",
    "customers": "SELECT customer_kind || ':' || customer, attributes, identifiers FROM customers"
    " WHERE workspace = {workspace:String}",
}


class Appends(Protocol):
    def append(self, messages: Sequence[Message]) -> Awaitable[None]: ...


@dataclass
class Load:
    """Messages of a workspace of its own: events, identifies that give an email, devices, a customer that is deleted
    and comes back, and some that ClickHouse refuses. `taken` are those that the log acknowledged."""

    workspace: str = field(default_factory=lambda: f"site{uuid.uuid4().hex[:12]}")
    taken: list[Message] = field(default_factory=list)
    next: int = 0

    def messages(self, count: int, *, refused: int = 0) -> list[Message]:
        """The next ones. In every hundred a customer is deleted."""
        made = [self._made(number) for number in range(self.next, self.next + count)]
        self.next += count
        return made + [self._message(number, kind="dance") for number in range(refused)]

    async def put(self, log: Appends, messages: Sequence[Message]) -> None:
        """Returns once all are acknowledged, in this order. What is refused is sent again, as a client does."""
        for first in range(0, len(messages), 100):
            while True:
                try:
                    await log.append(messages[first : first + 100])
                    break
                except Unavailable:
                    await asyncio.sleep(0.05)
            self.taken += messages[first : first + 100]

    def expected(self) -> dict[str, object]:
        """What the views must say."""
        events: dict[str, list[int]] = {}
        attributes: dict[str, dict[str, str]] = {}
        devices: dict[str, str] = {}
        for message in self.taken:
            if message.kind == "delete":
                events.pop(message.subject, None), attributes.pop(message.subject, None)
                devices.pop(message.subject, None)
            elif message.kind in TAKEN:
                attributes.setdefault(message.subject, {}).update(message.attributes)
            if message.kind == "event":
                events.setdefault(message.subject, []).append(json.loads(bytes(message.data))["n"])
            if message.kind == "add_device":
                devices[message.subject] = message.target
        return {
            "events": {subject: sorted(numbers) for subject, numbers in events.items() if numbers},
            "customers": {subject: (_shown(pairs), _people(subject, pairs)) for subject, pairs in attributes.items()},
            "devices": devices,
            "dead": sum(message.kind not in (*TAKEN, "delete") for message in self.taken),
        }

    def has_come(self, client: Client) -> bool:
        """Whether as many as were taken, but for those that ClickHouse refuses, are in the journal, repeats on the log
        among them."""
        asked = "SELECT uniqExact(_log, _partition, _offset) FROM journal WHERE workspace = {workspace:String}"
        [[places]] = client.query(asked, parameters={"workspace": self.workspace}).result_rows
        return bool(places >= sum(message.kind in (*TAKEN, "delete") for message in self.taken))

    def begins(self, client: Client) -> bool:
        """Whether anything is in the journal."""
        asked = "SELECT count() > 0 FROM journal WHERE workspace = {workspace:String}"
        return bool(client.query(asked, parameters={"workspace": self.workspace}).result_rows[0][0])

    def shown(self, client: Client, name: str) -> object:
        """What they say of one thing."""
        rows = client.query(ASKED[name], parameters={"workspace": self.workspace}).result_rows
        if name == "dead":
            return rows[0][0]
        shown = {row[0]: row[1] if len(row) == 2 else tuple(row[1:]) for row in rows}
        assert len(shown) == len(rows), "somebody twice"
        return shown

    def _made(self, number: int) -> Message:
        if number % 100 == 50:
            return self._message(number, kind="delete")
        if number % 10 == 3:
            email = f"{number % CUSTOMERS}@example.com"
            pairs = (("n", str(number)), ("email", f'"{email}"'))
            return self._message(number, kind="identify", attributes=pairs, links=(f"email:{email}",))
        if number % 10 == 0:
            return self._message(number, kind="add_device", name="ios", target=f"of {number % CUSTOMERS}")
        return self._message(number, kind="event", name="e", data=msgspec.Raw(b'{"n":%d}' % number))

    def _message(self, number: int, **fields: Any) -> Message:
        now = time.time()
        return Message(
            id=str(uuid.uuid4()),
            workspace=self.workspace,
            subject=f"id:{number % CUSTOMERS}",
            received_at=now,
            timestamp=now,
            context=TRACK,
            **fields,
        )


def _shown(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: text.strip('"') for name, text in attributes.items()}


def _people(subject: str, attributes: Mapping[str, str]) -> list[str]:
    """The identifiers of a customer: what was said of it since it was deleted last tells whether it has an email."""
    return [subject, f"email:{_shown(attributes)['email']}"] if "email" in attributes else [subject]


async def lands(load: Load, client: Client, within: float = 60) -> None:
    """Return once the views say what they must; each acknowledged message once.

    Who waits asks of one thing after the other, and first of what costs least: all of them, over and over, would take
    the cores from the worker. What was right before the last one has to be so after it."""
    expected = load.expected()
    await eventually(lambda: load.has_come(client), True, within)
    for name in [*ASKED, *list(ASKED)[:-1]]:
        await eventually(partial(load.shown, client, name), expected[name], within)


async def eventually(ask: Callable[[], object], expected: object, within: float = 60) -> None:
    """Return once the answer is the expected one."""
    until = time.monotonic() + within
    while (found := await asyncio.to_thread(ask)) != expected:
        assert time.monotonic() < until, f"still {found}, not {expected}"
        await asyncio.sleep(0.2)
