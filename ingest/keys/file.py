"""The file of keys: read whole, changed under a lock, replaced at once. Every edge and every command may share it."""

import contextlib
import fcntl
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from ingest.keys import PRESET, Key
from ingest.keys.private import read_private, write_private
from schemas.settings import BadSettings


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[Key]


class Version(NamedTuple):
    """What differs after any change of a file, a chmod too, without reading it."""

    inode: int
    size: int
    changed_at: int


class Read(NamedTuple):
    """The keys of one version. `version` is None if there was no file."""

    keys: Sequence[Key]
    version: Version | None


def version(path: Path) -> Version | None:
    """The version that is there now; None if there is none. Raises `OSError`."""
    try:
        return _version(path.stat())
    except FileNotFoundError:
        return None


def read(path: Path) -> Read:
    """The keys of the file; none if there is no file. Raises `BadSettings` if it cannot be used."""
    try:
        content, status = read_private(path)
    except FileNotFoundError:
        return Read((), None)
    except OSError as error:
        raise _unusable(path, error) from None
    return Read(_decoded(path, content), _version(status))


@contextlib.contextmanager
def changing(path: Path) -> Iterator[list[Key]]:
    """The keys, to be changed in the block. Kept when it ends without an error, before another may change them.

    Raises `BadSettings` if the file cannot be used or written.
    """
    path = path.resolve()  # a link goes on to point at it
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path.parent):
            keys = list(read(path).keys)
            _check_writable(path)
            before = tuple(keys)
            yield keys
            if tuple(keys) != before:
                write_private(path, _encoded(keys))
    except OSError as error:
        raise _unusable(path, error) from None


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # The folder, because the file is another one after each change.
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check_writable(path: Path) -> None:
    # Replacing asks only the folder. A file that says it is read-only means it.
    if path.exists() and not (path.stat().st_mode & 0o200 and os.access(path, os.W_OK)):
        raise BadSettings(f"{path} is read-only: change the keys where it comes from")


def _encoded(keys: Iterable[Key]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(_Content(list(keys))), indent=1) + b"\n"


def _decoded(path: Path, content: bytes) -> list[Key]:
    try:
        keys = msgspec.json.decode(content, type=_Content).keys
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is damaged ({error}); mend it, or put back a copy") from None
    twice = [name for name, count in Counter(key.id for key in keys).items() if count > 1]
    if twice or len({key.sha256 for key in keys}) < len(keys):
        raise BadSettings(f"{path} is damaged (a key or an id is there twice: {', '.join(twice)}); mend it")
    if any(key.id == PRESET for key in keys):
        raise BadSettings(f"{path} is damaged (the id {PRESET} is that of PENSTOCK_API_KEY); mend it")
    return keys


def _version(status: os.stat_result) -> Version:
    return Version(status.st_ino, status.st_size, status.st_ctime_ns)


def _unusable(path: Path, error: OSError) -> BadSettings:
    return BadSettings(f"{path}: {error.strerror}; name a file that can be used with PENSTOCK_KEYS or PENSTOCK_DATA")
