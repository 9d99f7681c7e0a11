"""SIGTERM to a real edge whose log is slow: it answers what it took, and ends in time."""

import asyncio
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.load import answer
from tests.ports import free_port
from tests.running import CREDENTIALS, answers, penstock
from tests.serving import AUTHORIZATION, EVENTS, Wire, request, until

BODY = b'{"name":"x"}'  # of `request`
HALF = f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTHORIZATION}\r\nContent-Length: 12\r\n\r\n".encode()
# s: whoever is held up by a client or a lock that never ends is not back within this, and a busy machine is.
BOUND = 25.0


class Edge:
    """hot: whether it has the hot way. append_timeout: s."""

    def __init__(self, folder: Path, *, hot: bool = True, append_timeout: int = 20) -> None:
        self.port, self.log = free_port(), folder / "log.db"
        settings = {"PENSTOCK_DATA": str(folder), "PENSTOCK_PORT": str(self.port), "PENSTOCK_HOT_WAY": str(hot)}
        settings["PENSTOCK_APPEND_TIMEOUT"] = str(append_timeout)
        self.process: subprocess.Popen[bytes] = penstock("edge", settings=CREDENTIALS | settings)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nothing can be appended inside."""
        with closing(sqlite3.connect(self.log, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    def metric(self, name: str) -> int:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("GET", "/metrics", headers={"Authorization": AUTHORIZATION})
            shown = connection.getresponse().read().decode()
        return int(float(re.findall(rf"^penstock_edge_{name} (\S+)$", shown, re.MULTILINE)[0]))

    def took(self, requests: int) -> None:
        """Return once that many are under way."""
        until(lambda: self.metric("bytes_in_flight") >= requests * len(BODY))

    def drains(self) -> None:
        """Return once it takes no connection any more."""
        until(lambda: not listens(self.port))

    def records(self) -> int:
        with closing(sqlite3.connect(self.log)) as connection:
            count: int = connection.execute("SELECT count(*) FROM records").fetchone()[0]
            return count


@pytest.fixture
def edge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Edge]:
    """Its parameters are more options."""
    edge = Edge(tmp_path, **getattr(request, "param", {}))
    try:
        answers(edge.port)
        yield edge
    finally:
        edge.process.kill()
        edge.process.wait()


def wire(edge: Edge, stack: ExitStack) -> Wire:
    return Wire(stack.enter_context(socket.create_connection(("127.0.0.1", edge.port), timeout=30)))


@pytest.mark.parametrize("edge", [{"hot": True}, {"hot": False}], indirect=True)
def test_a_thousand_unacknowledged_requests_are_answered(edge: Edge) -> None:
    """200 once the log is back, and each is on it; exit 0."""

    async def one() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(request())
        status = await answer(reader)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        return status

    async def all_of_them() -> list[int]:
        with edge.locked():
            under_way = [asyncio.create_task(one()) for _ in range(1000)]
            await asyncio.to_thread(edge.took, 1000)
            edge.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(edge.drains)
        return await asyncio.gather(*under_way)

    assert asyncio.run(all_of_them()) == [200] * 1000
    assert edge.process.wait(BOUND) == 0
    assert edge.records() == 1000


def test_while_it_drains_it_takes_no_connection_and_says_so_on_those_it_has(edge: Edge) -> None:
    """New ones are refused; an open one gets a last answer with `Connection: close`, and `/ready` is a 503."""
    with ExitStack() as stack:
        waiting, asking = wire(edge, stack), wire(edge, stack)
        with edge.locked():
            waiting.send(request())
            asking.send(b"GET /ready HTTP/1.1\r\nHost: x\r\n")
            edge.took(1)
            time.sleep(0.3)  # it has read the half head, too
            edge.process.send_signal(signal.SIGTERM)
            edge.drains()
            with pytest.raises(ConnectionRefusedError):
                wire(edge, stack)
            ready = asking.send(b"\r\n").answer()
            assert (ready.status, ready.headers["connection"]) == (503, "close")
            assert b"shutting down" in ready.body
        last = waiting.answer()
        assert (last.status, last.headers["connection"]) == (200, "close")
        assert waiting.ended()
    assert edge.process.wait(BOUND) == 0


def test_half_a_request_gets_a_moment_for_its_rest(edge: Edge) -> None:
    """In time it is answered 200, else 503 with `Retry-After`; who is idle or reads nothing delays nobody."""
    with ExitStack() as stack:
        quick, slow, head, idle = (wire(edge, stack) for _ in range(4))
        wire(edge, stack).fill(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        quick.send(HALF + b'{"na')
        slow.send(HALF)
        head.send(HALF[:20])
        until(lambda: edge.metric("connections") > 5)  # that which asks is one more
        time.sleep(0.3)  # it has read what they sent
        edge.process.send_signal(signal.SIGTERM)

        assert idle.ended()
        assert quick.send(b'me":"x"}').answer().status == 200
        for late in (slow, head):
            refused = late.answer()
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert edge.process.wait(BOUND) == 0
    assert edge.records() == 1


@pytest.mark.parametrize("edge", [{"append_timeout": 2}], indirect=True)
def test_a_log_that_stays_away_does_not_hold_up_the_end(edge: Edge) -> None:
    """503 within the append timeout, and exit 0 within the bound."""
    with ExitStack() as stack, edge.locked():
        waiting = wire(edge, stack).send(request())
        edge.took(1)
        edge.process.send_signal(signal.SIGTERM)

        assert waiting.answer().status == 503
        assert edge.process.wait(BOUND) == 0  # the transaction under way waits for the lock as long again


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(edge: Edge, second: signal.Signals) -> None:
    """Whatever is under way."""
    with ExitStack() as stack, edge.locked():
        wire(edge, stack).send(request())
        edge.took(1)
        edge.process.send_signal(signal.SIGTERM)
        edge.drains()
        edge.process.send_signal(second)

        assert edge.process.wait(15) == -second  # else 0, when the log was given up


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_signal_that_comes_while_it_starts_is_obeyed(tmp_path: Path) -> None:
    """As it waits for a Kafka that is not there."""
    port = free_port()
    settings = {
        "PENSTOCK_DATA": str(tmp_path),
        "PENSTOCK_PORT": str(port),
        "PENSTOCK_KAFKA": f"127.0.0.1:{free_port()}",
    }
    process = penstock("edge", settings=CREDENTIALS | settings)
    try:
        until(lambda: listens(port))
        process.terminate()
        assert process.wait(BOUND) == 0
    finally:
        process.kill()
        process.wait()
