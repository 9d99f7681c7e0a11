"""The embedded ClickHouse, seen from the process that owns it: prepare, start, wait until it answers, stop."""

import contextlib
import http.client
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import structlog

from deploy import landlock
from deploy.children import start_child, stop_child
from deploy.clickhouse_config import DATABASE, READER, WRITER, Passwords, kept_passwords, write_config

HOST = "127.0.0.1"
PORT = 8123  # ClickHouse's own; another instance on this machine may have it
START_WITHIN = 60.0  # seconds: a folder with very many parts is slow to open
STOP_WITHIN = 20.0
PORT_ATTEMPTS = 5
PORT_TAKEN = 210  # NETWORK_ERROR
UNUSABLE = re.compile(r"[\\\udc80-\udcff]")  # in the name of a folder
FOLDER_TAKEN = 76  # CANNOT_OPEN_FILE: another process holds the folder
# Nothing of the caller's: the server can read its own environment out, and shows times in its own zone.
ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parent.parent), "TZ": "UTC"}

log = structlog.get_logger()


class ClickHouseFailed(Exception):
    """The embedded server did not start. The text says what it said."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class Address(msgspec.Struct, frozen=True):
    """Where a server answers, and to whom."""

    port: int
    passwords: Passwords

    @property
    def writer_url(self) -> str:
        """For the worker and the migrations alone."""
        return f"http://{WRITER}:{self.passwords.writer}@{HOST}:{self.port}/{DATABASE}"

    @property
    def reader_url(self) -> str:
        """For people."""
        return f"http://{READER}:{self.passwords.reader}@{HOST}:{self.port}/{DATABASE}"


class EmbeddedClickHouse(msgspec.Struct, frozen=True):
    """A server that answers and has the database `penstock`."""

    address: Address
    process: subprocess.Popen[bytes]


def start(
    folder: Path, *, port: int | None = None, tcp_port: int | None = None, inherit: Sequence[int] = ()
) -> EmbeddedClickHouse:
    """Start a server on this folder and return once it answers. Raises `ClickHouseFailed`, and `BadSettings` for
    passwords that are damaged.

    Without `port` it takes 8123, or a free one when that is taken; a given port it takes or fails.
    """
    if UNUSABLE.search(str(folder.resolve())):
        raise ClickHouseFailed(f"ClickHouse takes no backslash, and nothing but UTF-8, in a folder's name: {folder!a}")
    try:
        return _start(folder, port, tcp_port, inherit)
    except OSError as error:
        raise ClickHouseFailed(f"The embedded ClickHouse cannot use {error.filename}: {error.strerror}") from None


def _start(folder: Path, port: int | None, tcp_port: int | None, inherit: Sequence[int]) -> EmbeddedClickHouse:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if tcp_port and free_port(tcp_port) != tcp_port:  # the server would begin, and end without a word
        raise ClickHouseFailed(f"PENSTOCK_CLICKHOUSE_TCP_PORT={tcp_port}: the port is in use.", PORT_TAKEN)
    for _ in range(PORT_ATTEMPTS):
        try:
            return _start_on(folder.resolve(), port or free_port(PORT), tcp_port, inherit)
        except ClickHouseFailed as error:
            # Another one took the port after free_port had looked.
            if port or error.code != PORT_TAKEN:
                raise
    raise ClickHouseFailed(f"No free port found in {PORT_ATTEMPTS} attempts.", PORT_TAKEN)


@contextlib.contextmanager
def running(folder: Path, *, port: int | None = None) -> Iterator[EmbeddedClickHouse]:
    """A server for the time of a `with` block."""
    server = start(folder, port=port)
    try:
        yield server
    finally:
        stop_child(server.process, within=STOP_WITHIN)


def free_port(wanted: int, host: str = HOST) -> int:
    """The wanted port if nobody listens on it, else any free one."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    raise ClickHouseFailed(f"No free port on {host}.", PORT_TAKEN)


def _start_on(folder: Path, port: int, tcp_port: int | None, inherit: Sequence[int]) -> EmbeddedClickHouse:
    address = Address(port, kept_passwords(folder))
    write_config(folder, address.passwords, http_port=port, tcp_port=tcp_port)
    if not landlock.available():
        log.warning("clickhouse is not confined", reason="no Landlock: SQL's file() can read what this user can")
    with (folder / "output.txt").open("wb") as output:
        process = start_child(_command(folder, port, tcp_port), environ=ENVIRONMENT, output=output, inherit=inherit)
    try:
        _wait_for_database(process, address, folder)
    except BaseException:  # also KeyboardInterrupt: nobody else knows of this child yet
        stop_child(process, within=STOP_WITHIN)
        raise
    return EmbeddedClickHouse(address, process)


def _command(folder: Path, port: int, tcp_port: int | None) -> list[str]:
    command = [sys.executable, "-m", "deploy.clickhouse_server", str(folder), "--http-port", str(port)]
    return command + (["--tcp-port", str(tcp_port)] if tcp_port else [])


def _wait_for_database(process: subprocess.Popen[bytes], address: Address, folder: Path) -> None:
    """Make the database as soon as the server lets the writer in: only ours does, whoever else has the port."""
    deadline = time.monotonic() + START_WITHIN
    answer = "nothing"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _failure(folder)
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, answer = _create_database(address)
            if status == http.client.OK:
                return
        time.sleep(0.02)
    raise ClickHouseFailed(f"The embedded ClickHouse was not ready within {START_WITHIN:.0f} s: {answer.strip()}")


def _failure(folder: Path) -> ClickHouseFailed:
    said = (folder / "output.txt").read_text(errors="replace").strip()
    code = re.search(r"Code: (\d+)\.", said)
    number = int(code[1]) if code else 0
    if number == FOLDER_TAKEN:
        said = f"Another process has {folder} open. {said}"
    return ClickHouseFailed(f"The embedded ClickHouse ended at once. {said}", number)


def _create_database(address: Address) -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, address.port, timeout=2)
    with contextlib.closing(connection):
        user = {"X-ClickHouse-User": WRITER, "X-ClickHouse-Key": address.passwords.writer}
        connection.request("POST", "/", f"CREATE DATABASE IF NOT EXISTS {DATABASE}", user)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
