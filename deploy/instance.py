"""What marks a data folder as in use: a lock for the whole family of processes, and a note of where it answers."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from deploy.clickhouse import Address
from deploy.clickhouse_config import kept_passwords, write_private
from schemas.settings import BadSettings, Settings

ORPHANS_END_WITHIN = 15.0  # seconds: children of a killed `up` stop by themselves


class FolderInUse(Exception):
    """Another instance has the data folder."""


class NothingRunning(Exception):
    """Nobody to ask. The text says what to do."""


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """A running `penstock up`: where it takes and where it shows."""

    pid: int
    edge: str
    clickhouse_read: str


def note_file(data: Path) -> Path:
    """Where an instance writes itself down while it is up."""
    return data / "instance.json"


def running_instance(data: Path) -> Instance | None:
    """The instance that noted itself in this folder, if it still runs. Raises `NothingRunning` if nobody can tell."""
    try:
        instance = msgspec.json.decode(note_file(data).read_bytes(), type=Instance)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise NothingRunning(f"Whether something runs is not known: {note_file(data)}: {reason}.") from None
    return instance if _alive(instance.pid) else None


def reader_url(settings: Settings) -> str:
    """The address to read from: the one named, else that of the instance running on the data folder."""
    if settings.clickhouse_read:
        return settings.clickhouse_read
    instance = running_instance(settings.data)
    if instance is None:
        raise NothingRunning(
            f"Nothing is running on {settings.data.resolve()}: start `penstock up`,"
            " name its folder with PENSTOCK_DATA, or a ClickHouse with PENSTOCK_CLICKHOUSE_READ."
        )
    if not instance.clickhouse_read:
        raise NothingRunning("The running instance knows no reader: set PENSTOCK_CLICKHOUSE_READ.")
    return instance.clickhouse_read


def writer_url(settings: Settings) -> str:
    """The address of a user who may write: the one named, else that of the embedded server of the running instance."""
    if settings.clickhouse:
        return settings.clickhouse
    instance = running_instance(settings.data)
    port = urlsplit(instance.clickhouse_read).port if instance else None
    if port is None or not (settings.data / "clickhouse").is_dir():
        raise NothingRunning(
            f"Nothing with an embedded ClickHouse is running on {settings.data.resolve()}: start `penstock up`,"
            " name its folder with PENSTOCK_DATA, or a ClickHouse with PENSTOCK_CLICKHOUSE."
        )
    try:
        return Address(port, kept_passwords(settings.data / "clickhouse")).writer_url
    except OSError as error:
        raise NothingRunning(f"{error.filename}: {error.strerror}.") from None


@contextlib.contextmanager
def noted(data: Path, instance: Instance) -> Iterator[None]:
    """For the time of a `with` block others find this instance in its data folder."""
    write_private(note_file(data), msgspec.json.encode(instance))
    try:
        yield
    finally:
        note_file(data).unlink(missing_ok=True)


@contextlib.contextmanager
def locked(data: Path, say: Callable[[str], None]) -> Iterator[int]:
    """Hold the data folder; yields a file descriptor for the children to inherit. Raises `FolderInUse`, and
    `BadSettings` for a folder that cannot be used.

    The lock is free when the last process that has the descriptor is gone. So after `kill -9` of an `up` the next
    one waits here until the orphans have stopped: two workers or two servers never share a folder.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadSettings(f"PENSTOCK_DATA: {data} cannot be used: {error.strerror}.") from None
    try:
        _wait_for(descriptor, data, say)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        note_file(data).unlink(missing_ok=True)  # of one that was killed
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, data: Path, say: Callable[[str], None]) -> None:
    deadline = time.monotonic() + ORPHANS_END_WITHIN
    said = False
    while not _taken(descriptor):
        holder = int(os.pread(descriptor, 20, 0) or 0)
        if holder != os.getpid() and _alive(holder):
            raise FolderInUse(f"penstock up is already running on {data} (process {holder}).")
        if time.monotonic() > deadline:
            raise FolderInUse(f"Processes of an earlier penstock up (process {holder}) still hold {data}.")
        if not said:
            say(f"Waiting for the processes of an earlier penstock up on {data} to stop ...")
            said = True
        time.sleep(0.05)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, under another user
        return True
    return True
