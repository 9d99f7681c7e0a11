"""One Kafka broker as a child process: its own controller, loopback only, files in a folder of its own.

`python -m deploy.kafka.broker start` leaves one running in the background for development. Tests start, kill and
restart their own through `Broker`. Needs Java 17 and Maven; Maven is asked once and keeps what it fetched.
"""

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import typer

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "kafka"
LIBS = BUILD / "libs"
CLASSES = BUILD / "classes.jsa"  # what Java made of the broker's classes
FORMATTED = BUILD / "formatted"  # the files of a broker that was never started
START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0
STARTED = b"Kafka Server started"
CLUSTER_ID = "cGVuc3RvY2stZGV2LWthZg"

# auto.create.topics.enable: a topic that a metadata request made would have the wrong settings.
# broker.session.timeout.ms: one that was killed may register again only after this.
# group.initial.rebalance.delay.ms, offsets.topic.num.partitions: a consumer starts at once, not after seconds.
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised}
controller.listener.names=CONTROLLER
log.dirs={folder}/log
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
"""


class CannotStart(Exception):
    """The broker did not come up; the text says why, or which file does."""


def installable() -> bool:
    """Whether this machine has what a local broker needs."""
    return bool(shutil.which("java") and shutil.which("mvn"))


def install() -> None:
    """Fetch the broker's jars and make what each start would make anew, unless those of this very pom.xml are there.
    Others who do so wait."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pom = (HERE / "pom.xml").read_text()
        mark = BUILD / "complete.pom"
        if mark.exists() and mark.read_text() == pom:
            return
        for old in (LIBS, FORMATTED):
            shutil.rmtree(old, ignore_errors=True)
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={LIBS}"]
        _run("mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), *goal)
        _keep_what_starts_share()
        mark.write_text(pom)  # last: an interrupted fetch leaves no mark


class Broker:
    """A broker whose life the caller rules. Its folder keeps the topics and, once it was started, the port.

    advertised: the port it tells its clients to use, if that is not its own: something stands before it.
    """

    def __init__(self, folder: Path, port: int = 0, advertised: int = 0) -> None:
        self.folder = folder.resolve()
        self.port = _formatted_port(self.folder) or port or free_port()
        self._advertised = advertised or self.port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The running process of this folder, whoever started it."""
        try:
            pid = int((self.folder / "pid").read_text())
        except (FileNotFoundError, ValueError):
            return None
        question = ["ps", "-ww", "-p", str(pid), "-o", "command="]
        command = subprocess.run(question, capture_output=True, text=True)  # noqa: S603 (our own words)
        # The number may belong to another process by now: it is ours only if it runs our properties.
        return pid if str(self.folder / "server.properties") in command.stdout else None

    def start(self) -> None:
        """Start and return once it serves. Raises `CannotStart`."""
        install()
        self.launch()

    def launch(self, *options: str) -> subprocess.Popen[bytes]:
        """The same of what is installed. options: more of Java's."""
        self._format()
        with (self.folder / "server.log").open("wb") as output:
            process = self._process = subprocess.Popen(  # noqa: S603 (our own words)
                [*_java("kafka.Kafka", *options), str(self.folder / "server.properties")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C in a terminal stops the tests, and they stop the broker
            )
        (self.folder / "pid").write_text(str(process.pid))
        self._wait_until_started(process)
        return process

    def stop(self) -> None:
        """Stop in order; after `STOP_TIMEOUT` by force."""
        self.resume()
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop it in its tracks: connections stay open and nobody answers."""
        self._signal(signal.SIGSTOP)
        if self._process is not None:
            # On a busy machine its threads go on until one of them has found the time to see the signal.
            os.waitpid(self._process.pid, os.WUNTRACED)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _format(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        if (self.folder / "log" / "meta.properties").exists():
            return
        properties.write_text(text := self._properties())
        if FORMATTED.exists() and "\nnode.id=1\n" in text:
            shutil.copytree(FORMATTED, self.folder / "log", dirs_exist_ok=True)
            return
        _run(*_java("kafka.tools.StorageTool"), "format", "-t", CLUSTER_ID, "-c", str(properties))

    def _properties(self) -> str:
        ports = {"port": self.port, "advertised": self._advertised, "controller_port": free_port()}
        return PROPERTIES.format(**ports, folder=self.folder)

    def _wait_until_started(self, process: subprocess.Popen[bytes]) -> None:
        log = self.folder / "server.log"
        deadline = time.monotonic() + START_TIMEOUT
        while STARTED not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise CannotStart(f"the broker did not start; see {log}")
            time.sleep(0.05)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:  # our child: its number is not given away before we have asked after it
            self._process.send_signal(number)
        elif (pid := self.pid) is not None:
            os.kill(pid, number)

    def _end(self, number: signal.Signals) -> None:
        self._signal(number)
        deadline = time.monotonic() + STOP_TIMEOUT
        while self._running():
            if time.monotonic() > deadline:
                self._signal(signal.SIGKILL)
            time.sleep(0.05)
        (self.folder / "pid").unlink(missing_ok=True)

    def _running(self) -> bool:
        if self._process is not None:  # our child: ask it, so that it is no zombie
            return self._process.poll() is None
        return self.pid is not None


def _java(main: str, *options: str) -> list[str]:
    # C1 alone: a test broker lives for seconds, and the second compiler would only take the cores.
    kept = [f"-XX:SharedArchiveFile={CLASSES}"] if CLASSES.exists() else []
    every = ["-Xmx512m", "-XX:TieredStopAtLevel=1", *kept, *options]
    return [shutil.which("java") or "java", *every, "-cp", f"{LIBS}/*", main]


def _keep_what_starts_share() -> None:
    """One broker's life. Before it its files: to format a folder takes half as long as a start. At its end Java writes
    down what it made of the classes: to load and check them is a good third of what a start takes. Another Java than
    the one that wrote it passes over it."""
    fresh = CLASSES.with_suffix(".new")
    CLASSES.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        broker._format()
        shutil.copytree(broker.folder / "log", FORMATTED)
        process = broker.launch(f"-XX:ArchiveClassesAtExit={fresh}")
        broker.stop()
    # Of one that had to be killed there may be half of it, over which Java would fall.
    if fresh.exists() and process.returncode != -signal.SIGKILL:
        fresh.replace(CLASSES)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 (our own words)
    if done.returncode:
        raise CannotStart(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _formatted_port(folder: Path) -> int:
    try:
        properties = (folder / "server.properties").read_text()
    except FileNotFoundError:
        return 0
    return int(properties.partition("listeners=PLAINTEXT://127.0.0.1:")[2].partition(",")[0])


def free_port() -> int:
    """A port that nobody listens on at this moment. Below those that the system gives to whoever connects: it shall be
    free as well when a broker that was killed starts again."""
    while True:
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port := random.randrange(6_000, 12_000)))  # noqa: S311  no secret
            return port


def _main() -> None:
    app = typer.Typer(help="The development broker.", add_completion=False)
    folder = BUILD / "development"

    @app.command()
    def start(port: int = 9092) -> None:
        """Start it in the background and print its address."""
        broker = Broker(folder, port)
        if broker.pid is None:
            broker.start()
        typer.echo(broker.address)

    @app.command()
    def stop() -> None:
        """Stop it; its topics stay."""
        Broker(folder).stop()

    @app.command()
    def status() -> None:
        """Say whether it runs; exit 1 if it does not."""
        pid = Broker(folder).pid
        typer.echo(f"running, pid {pid}, files in {folder}" if pid else "not running")
        raise typer.Exit(0 if pid else 1)

    app()


if __name__ == "__main__":
    _main()
