"""One run: load and faults for the time given, then quiet, then the audit."""

import asyncio
import random
import signal
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from deploy.instance import NothingRunning
from schemas.topics import partition
from tests.running import SITE
from tests.soak import verdict
from tests.soak.faults import Fault, schedule
from tests.soak.load import Address, Client, Tally
from tests.soak.memory import Memory
from tests.soak.model import Customer
from tests.soak.parts import PARTITIONS, Child, Stack, send
from workers.clickhouse import connect

CLIENTS = 32
CUSTOMERS_EACH = 12
QUIET_WITHIN = 120.0  # s for the last requests, after the last fault
COMMANDS = ("purge", "replay", "migrate", "audit")


@dataclass
class Options:
    seed: int
    seconds: float
    log: str
    rate: float


@dataclass
class Run:
    """What happens in a run, and what became of it. `down`: parts that a fault keeps away or paused just now."""

    options: Options
    stack: Stack
    tally: Tally = field(default_factory=Tally)
    memory: Memory = field(default_factory=Memory)
    faults: Counter[str] = field(default_factory=Counter)
    down: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    commands: set[str] = field(default_factory=set)
    began: float = 0.0

    async def run(self) -> None:
        """Returns when all is audited. Raises what a client or a part could not get over."""
        self.commands = {name for name in COMMANDS if self.stack.command(name, "--help").returncode == 0}
        self.began = time.monotonic()
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as beside:
            watching = [beside.create_task(work) for work in (self._watch(), self._sample(), self._report())]
            clients = [beside.create_task(work) for work in self._clients(stop)]
            lanes = schedule(self.options.seed, self.options.seconds, self.options.log, self.commands)
            faulty = [beside.create_task(self._lane(faults)) for faults in lanes.values()]
            await asyncio.sleep(self.options.seconds)
            await asyncio.wait(faulty)
            await asyncio.to_thread(self.stack.heal)
            stop.set()
            _, late = await asyncio.wait(clients, timeout=QUIET_WITHIN)
            self.wrong["unanswered"] = (
                [f"{len(late)} clients, {QUIET_WITHIN:.0f} s after the last fault"] if late else []
            )
            await self._audit()
            for task in (*watching, *late):
                task.cancel()

    def _clients(self, stop: asyncio.Event) -> list[Any]:
        rng = random.Random(f"{self.options.seed} clients")
        works = []
        for number in range(CLIENTS):
            customers = [self._customer() for _ in range(CUSTOMERS_EACH)]
            address = self.stack.edges[number % len(self.stack.edges)]
            client = Client(address, customers, self.tally, random.Random(rng.random()))
            works.append(client.run(CLIENTS / self.options.rate, stop))
        return works

    def _customer(self) -> Customer:
        customers = self.tally.known.customers
        customers.append(Customer(len(customers)))
        return customers[-1]

    # What goes wrong

    async def _lane(self, faults: list[Fault]) -> None:
        for fault in faults:
            await asyncio.sleep(max(0.0, self.began + fault.at - time.monotonic()))
            if time.monotonic() > self.began + self.options.seconds:
                return  # a command took long, and the rest of the lane is late
            self.faults[f"{fault.kind} {fault.what}" + (f" and {fault.meanwhile}" if fault.meanwhile else "")] += 1
            if fault.kind == "run":
                await self._command(*fault.what.split())
            elif fault.kind == "pause":
                await self._paused(fault.what, fault.seconds)
            else:
                await self._killed(fault.what, fault.seconds, fault.meanwhile)

    async def _paused(self, name: str, seconds: float) -> None:
        self.down.add(name)
        pid = self.stack.parts[name].pid()
        send(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        # That very process: if its `up` was killed meanwhile it is nobody's, and holds the folder until it goes on.
        send(pid, signal.SIGCONT)
        self.down.discard(name)

    async def _killed(self, name: str, seconds: float, meanwhile: str = "") -> None:
        part = self.stack.parts[name]
        self.down.add(name)
        await asyncio.to_thread(part.kill)
        if meanwhile:
            await asyncio.sleep(seconds / 2)
            await self._killed(meanwhile, 0.0)
            seconds /= 2
        await asyncio.sleep(seconds)
        await asyncio.to_thread(part.start)
        self.down.discard(name)

    async def _command(self, *words: str) -> int:
        done = await asyncio.to_thread(self.stack.command, *words)
        if done.returncode:
            said = " ".join(done.stdout.split()[-40:])
            self.notes.append(f"{self._minute()}: penstock {' '.join(words)} ended with {done.returncode}: {said}")
        return done.returncode

    # What goes on beside it

    async def _watch(self) -> None:
        """Start again who ended without being told, as any machine does that runs processes."""
        while True:
            for name, part in self.stack.parts.items():
                if isinstance(part, Child) and name not in self.down and part.pid() is None:
                    self.notes.append(f"{self._minute()}: {name} ended by itself with exit code {part.code}")
                    await asyncio.to_thread(part.start)
            await asyncio.sleep(1)

    async def _sample(self) -> None:
        while True:
            pids = await asyncio.to_thread(lambda: {name: part.pid() for name, part in self.stack.parts.items()})
            there = {name: pid for name, pid in pids.items() if pid is not None}
            await asyncio.to_thread(self.memory.sample, time.monotonic() - self.began, there)
            await asyncio.sleep(5)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(10)
            behind = await asyncio.to_thread(self._behind)
            tally = self.tally
            print(
                f"minute {self._minute()}  sent {tally.sent}  acknowledged {tally.acknowledged.total()}"
                f"  faults {self.faults.total()}  behind {behind}  away {', '.join(sorted(self.down)) or 'nobody'}",
                flush=True,
            )

    def _minute(self) -> str:
        return f"{(time.monotonic() - self.began) / 60:.1f}"

    def _behind(self) -> str:
        """s since the append time of the newest message in ClickHouse, or ? while it is away."""
        with suppress(OSError, HTTPException, NothingRunning, ValueError):
            url = urlsplit(self.stack.writer())
            who = {"X-ClickHouse-User": str(url.username), "X-ClickHouse-Key": str(url.password)}
            with closing(HTTPConnection(str(url.hostname), url.port, timeout=3)) as connection:
                connection.request("POST", f"/?database={url.path[1:]}", "SELECT max(_at) FROM journal", who)
                return f"{time.time() - int(connection.getresponse().read()) / 1000:.1f} s"
        return "?"

    # What is true in the end

    async def _audit(self) -> None:
        fences = await self._fences()
        client = await asyncio.to_thread(connect, self.stack.writer())
        try:
            caught_up = await asyncio.to_thread(verdict.wait_for, client, fences)
            self.wrong["behind"] = (
                [] if caught_up else [f"the last messages did not come in {verdict.CAUGHT_UP_WITHIN} s"]
            )
            self.wrong |= await asyncio.to_thread(verdict.wrongs, client, self.tally.known)
            for name in ("audit", "purge", "replay", "audit"):
                if name in self.commands:
                    await self._proof(name)
            if "purge" in self.commands:
                self.wrong["leftovers"] = await asyncio.to_thread(verdict.leftovers, client, self.tally.known)
            after = await asyncio.to_thread(verdict.wrongs, client, self.tally.known)
            self.wrong |= {f"{kind}, after purge and replay": wrong for kind, wrong in after.items()}
        finally:
            client.close()

    async def _proof(self, name: str) -> None:
        words = {"replay": ("replay", "--from", "journal")}.get(name, (name,))
        code = await self._command(*words)
        self.wrong.setdefault("commands", [])
        if code:
            self.wrong["commands"].append(f"penstock {name} ended with {code}: {self.notes[-1]}")

    async def _fences(self) -> list[int]:
        """An event for each partition through each edge: once it is in ClickHouse, what was before it is too."""
        numbers = []
        for edge in self.stack.edges:
            missing = set(range(int(PARTITIONS)))
            client = Client(Address(edge.port), [], self.tally, random.Random(0))
            while missing:
                customer = self._customer()
                there = partition(f"{SITE}\0id:{customer.name}".encode(), int(PARTITIONS))
                if there in missing:
                    missing.discard(there)
                    numbers.append(await client.event(customer))
        return numbers
