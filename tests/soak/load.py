"""Good clients: each sends one request at a time for customers of its own, and repeats it until it is acknowledged.

A client keeps to its edge. It goes to another one only if its own does not listen any more and has a spool: what an
edge without a spool answered with 503 may reach the log later still, and would then overrule what was sent elsewhere.
"""

import asyncio
import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from time import monotonic, time

from ingest.ids import new_id
from tests.load import Request, answer
from tests.running import SITE
from tests.soak.model import UNSET, Customer, Event, Known, Order

PATIENCE = 20.0  # s for one answer: longer than an edge ever takes
NOT_STAMPED = float("inf")
STEPS = {"event": 50, "plain": 14, "identify": 20, "late": 4, "repeat": 4, "delete": 3, "anonymous": 5}


class Refused(Exception):
    """An edge says that a good request is wrong."""


@dataclass
class Tally:
    """What all clients of a run have done. `slowest`: s from a request's first try to its acknowledgement."""

    known: Known = field(default_factory=Known)
    sent: int = 0
    answers: Counter[int] = field(default_factory=Counter)  # by status; 0: none
    acknowledged: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    orders: Iterator[int] = field(default_factory=count)
    numbers: Iterator[int] = field(default_factory=count)
    began: float = field(default_factory=time)


@dataclass
class Address:
    """Of an edge. `elsewhere`: ports that its clients may go to when it is gone."""

    port: int
    elsewhere: tuple[int, ...] = ()


class Client:
    """Sends at a steady pace until it is told to stop, and then finishes the request in hand."""

    def __init__(self, address: Address, customers: list[Customer], tally: Tally, rng: random.Random) -> None:
        self._address = address
        self._customers = customers
        self._tally = tally
        self._rng = rng
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._away = False
        self._recent: list[tuple[Customer, int, bytes]] = []

    async def run(self, pause: float, stop: asyncio.Event) -> None:
        """pause: s between the starts of two requests. Raises `Refused`."""
        await asyncio.sleep(self._rng.random() * pause)
        while not stop.is_set():
            began = monotonic()
            await self._step()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.0, began + pause - monotonic()))
        self._hang_up()

    async def _step(self) -> None:
        if self._away:
            self._hang_up()  # nothing of ours is under way: home again, if it is there again
        customer = self._rng.choice(self._customers)
        kind = self._rng.choices(list(STEPS), list(STEPS.values()))[0]
        if kind in ("event", "plain"):
            await self.event(customer, with_id=kind == "event")
        elif kind == "anonymous":
            await self._anonymous()
        elif kind == "repeat":
            await self._repeat()
        elif kind == "delete":
            await self._delete(customer)
        else:
            await self._identify(customer, late=kind == "late")

    async def event(self, customer: Customer, *, with_id: bool = True) -> int:
        """Returns its number, once it is acknowledged."""
        number = next(self._tally.numbers)
        body: dict[str, object] = {"name": "e", "data": {"n": number, "mark": customer.token}}
        if with_id:
            body["id"] = self._rng.choice([str(uuid.UUID(int=self._rng.getrandbits(128))), new_id(time())])
        text = json.dumps(body).encode()
        self._tally.known.events[number] = Event(customer, customer.life, with_id, acknowledged=False)
        tries = await self._sent("event", Request("POST", f"/api/v1/customers/{customer.name}/events", text), customer)
        self._tally.known.events[number] = Event(customer, customer.life, with_id or tries == 1)
        customer.alive = True
        if with_id:
            self._recent = [*self._recent[-9:], (customer, customer.life, text)]
        return number

    async def _repeat(self) -> None:
        """As a client does that lost an answer; what was before a deletion it lets rest."""
        again = [(customer, text) for customer, life, text in self._recent if customer.life == life]
        if again:
            customer, text = self._rng.choice(again)
            await self._sent("repeat", Request("POST", f"/api/v1/customers/{customer.name}/events", text), customer)

    async def _anonymous(self) -> None:
        number = next(self._tally.numbers)
        body = {"name": "e", "anonymous_id": f"a{number % 50}", "id": str(uuid.uuid4()), "data": {"n": number}}
        self._tally.known.events[number] = Event(None, 0, once=True, acknowledged=False)
        await self._sent("anonymous", Request("POST", "/api/v1/events", json.dumps(body).encode()))
        self._tally.known.events[number] = Event(None, 0, once=True)

    async def _identify(self, customer: Customer, *, late: bool) -> None:
        order: Order = (NOT_STAMPED, next(self._tally.orders))
        names = self._rng.sample(["a0", "a1", "a2", "a3"], self._rng.randint(1, 3))
        values = dict.fromkeys(names, f"{customer.token} {order[1]}")
        if self._rng.random() < 0.2:
            values[names[0]] = UNSET
        body: dict[str, object] = {name: None if value == UNSET else value for name, value in values.items()}
        if late:  # a write of long ago that comes now: it fills gaps and overrules nothing
            stamp = int(self._tally.began) - self._rng.randint(3_600, 100_000)
            order, body = (float(stamp), order[1]), body | {"_timestamp": stamp}
        kind = "late" if late else "identify"
        await self._sent(
            kind, Request("PUT", f"/api/v1/customers/{customer.name}", json.dumps(body).encode()), customer
        )
        customer.identified(order, values)

    async def _delete(self, customer: Customer) -> None:
        await self._sent("delete", Request("DELETE", f"/api/v1/customers/{customer.name}"), customer)
        customer.deleted_at((NOT_STAMPED, next(self._tally.orders)))

    async def _sent(self, kind: str, request: Request, customer: Customer | None = None) -> int:
        """Sends it until it is acknowledged; returns how many tries that took. While it is under way nobody knows
        what is true of its customer."""
        if customer:
            customer.certain = False
        began = monotonic()
        for tries in count(1):
            self._tally.sent += 1
            status = await self._tried(request)
            self._tally.answers[status] += 1
            if status == 200:
                break
            if 400 <= status < 500:
                raise Refused(f"{status} to {request}")
            await asyncio.sleep(self._rng.uniform(0.05, 0.1) * min(2**tries, 10))
        if customer:
            customer.certain = True
        self._tally.acknowledged[kind] += 1
        self._tally.slowest = max(self._tally.slowest, monotonic() - began)
        return tries

    async def _tried(self, request: Request) -> int:
        """The status; 0 if there was no answer."""
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = self._open or await self._connected()
                self._open = reader, writer
                writer.write(request.encoded(SITE))
                return await answer(reader)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self._hang_up()
            return 0

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for port in (self._address.port, *self._address.elsewhere):
            with suppress(ConnectionRefusedError):
                self._away = port != self._address.port
                return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionRefusedError

    def _hang_up(self) -> None:
        if self._open:
            self._open[1].close()
            self._open = None
