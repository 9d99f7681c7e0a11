"""The processes of a run: Penstock as it is deployed, in a folder of its own, each to be killed, paused and started."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from deploy import clickhouse
from deploy.children import start_child
from deploy.clickhouse_config import kept_passwords
from deploy.instance import writer_url
from deploy.kafka.broker import Broker
from schemas.settings import load
from tests.ports import free_port
from tests.running import CREDENTIALS, answers, environment
from tests.soak.load import Address

STOPS_WITHIN = 30.0
ROOT = Path(__file__).parents[2]
PARTITIONS = "6"
# Both jobs of the worker run often enough to meet every fault.
SETTINGS = CREDENTIALS | {
    "PENSTOCK_PARTITIONS": PARTITIONS,
    "PENSTOCK_APPEND_TIMEOUT": "3",
    "PENSTOCK_PURGE_EVERY": "15",
    "PENSTOCK_AUDIT_EVERY": "15",
}


class Part(Protocol):
    """One process of a run."""

    def pid(self) -> int | None:
        """None while it is away."""

    def start(self) -> None:
        """Return once it was started, not before what it needs is there. Does nothing if it runs."""

    def kill(self) -> None:
        """SIGKILL; return once it is gone."""

    def stop(self) -> None:
        """In order, or by force when that takes too long. Does nothing if it is away."""


class Child:
    """A process that we start. `begin` may take until it is of use."""

    def __init__(self, begin: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._begin = begin
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()

    def pid(self) -> int | None:
        process = self._process
        return process.pid if process and process.poll() is None else None

    @property
    def code(self) -> int | None:
        """What the last one ended with."""
        return self._process.returncode if self._process else None

    def start(self) -> None:
        with self._starting:
            if self.pid() is None:
                self._process = self._begin()

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


class KafkaBroker:
    """The broker as a part."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def pid(self) -> int | None:
        return self._broker.pid

    def start(self) -> None:
        if self._broker.pid is None:
            self._broker.start()

    def kill(self) -> None:
        self._broker.kill()

    def stop(self) -> None:
        if self._broker.pid is not None:
            self._broker.stop()


class Kept:
    """A part that `up` keeps running: it starts it again by itself. Found among the descendants of `up`."""

    def __init__(self, parent: Part, words: str) -> None:
        self._parent = parent
        self._words = words

    def pid(self) -> int | None:
        parent = self._parent.pid()
        listed = subprocess.run(["ps", "-ww", "-axo", "pid=,ppid=,command="], capture_output=True, text=True).stdout
        for line in listed.splitlines():
            pid, above, command = line.split(None, 2)
            if int(above) == parent and self._words in command:
                return int(pid)
        return None

    def start(self) -> None: ...

    def kill(self) -> None:
        send(self.pid(), signal.SIGKILL)

    def stop(self) -> None: ...


def send(pid: int | None, number: signal.Signals) -> None:
    """Does nothing when the process is away."""
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@dataclass
class Stack:
    """All of Penstock. parts: in the order in which they start. settings: for a command beside them, and for whoever
    asks. writer: ClickHouse's address, known once it runs."""

    folder: Path
    edges: list[Address]
    settings: dict[str, str]
    writer: Callable[[], str]
    parts: dict[str, Part] = field(default_factory=dict)

    def start(self) -> None:
        for part in self.parts.values():
            part.start()
        for edge in self.edges:
            answers(edge.port)

    def heal(self) -> None:
        """Continue whoever is paused, start whoever is away."""
        for part in self.parts.values():
            send(part.pid(), signal.SIGCONT)
        self.start()

    def stop(self) -> None:
        for part in reversed(self.parts.values()):
            send(part.pid(), signal.SIGCONT)
            part.stop()

    def command(self, *words: str, within: float = 90.0) -> subprocess.CompletedProcess[str]:
        """`penstock` with these words beside the running parts. One that takes too long is killed: code -9."""
        line = [sys.executable, "-m", "deploy.cli", *words]
        process = subprocess.Popen(
            line,
            env=environment(**self.settings),
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with process:
            try:
                said, _ = process.communicate(timeout=within)
            except subprocess.TimeoutExpired:
                process.kill()
                said, _ = process.communicate()
        return subprocess.CompletedProcess(line, process.returncode, said)


def embedded(folder: Path) -> Stack:
    """`penstock up` with nothing named."""
    port = free_port()
    settings = SETTINGS | {"PENSTOCK_DATA": str(folder / "data"), "PENSTOCK_PORT": str(port)}
    stack = Stack(folder, [Address(port)], settings, lambda: writer_url(load(settings)))
    up = stack.parts["up"] = Child(lambda: _penstock(folder, "up", "up", settings))
    stack.parts["edge"] = Kept(up, "deploy.cli edge")
    stack.parts["worker"] = Kept(up, "deploy.cli worker")
    stack.parts["ClickHouse"] = Kept(up, "deploy.clickhouse_server")
    return stack


def distributed(folder: Path) -> Stack:
    """A broker, a ClickHouse, two workers, and two edges, of which the first has a spool."""
    http_port, ports = free_port(), [free_port(), free_port()]
    broker = Broker(folder / "kafka")
    (folder / "clickhouse").mkdir(mode=0o700)
    address = clickhouse.Address(http_port, kept_passwords(folder / "clickhouse"))
    settings = SETTINGS | {
        "PENSTOCK_KAFKA": broker.address,
        "PENSTOCK_CLICKHOUSE": address.writer_url,
        "PENSTOCK_CLICKHOUSE_READ": address.reader_url,
        "PENSTOCK_DATA": str(folder / "operator"),
    }
    edges = [Address(ports[0], elsewhere=(ports[1],)), Address(ports[1])]
    stack = Stack(folder, edges, settings, lambda: address.writer_url)
    stack.parts["broker"] = KafkaBroker(broker)
    stack.parts["ClickHouse"] = Child(lambda: clickhouse.start(folder / "clickhouse", port=http_port).process)
    spools = {"edge-1": {"PENSTOCK_SPOOL": str(folder / "spool")}, "edge-2": {}}
    for (name, spool), port in zip(spools.items(), ports, strict=True):
        own = settings | spool | {"PENSTOCK_PORT": str(port), "PENSTOCK_DATA": str(folder / name)}
        stack.parts[name] = Child(partial(_penstock, folder, name, "edge", own))
    for name in ("worker-1", "worker-2"):
        own = settings | {"PENSTOCK_DATA": str(folder / name)}
        stack.parts[name] = Child(partial(_penstock, folder, name, "worker", own))
    return stack


@contextmanager
def running(log: str) -> Iterator[Stack]:
    """A stack in a temporary folder, which is gone afterwards unless the block raised. No process outlives it."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-soak-"))
    stack = distributed(folder) if log == "kafka" else embedded(folder)
    try:
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()
    except BaseException:
        print(f"all its files are in {folder}", flush=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _penstock(folder: Path, name: str, command: str, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """It appends what it says to `<name>.log`, and ends with us."""
    owned = () if command == "up" else ("--owned",)
    with (folder / f"{name}.log").open("ab") as output:
        line = [sys.executable, "-m", "deploy.cli", command, *owned]
        environ = environment(**settings) | {"PYTHONPATH": str(ROOT)}
        return start_child(line, environ=environ, output=output)
