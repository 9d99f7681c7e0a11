"""Files that hold secrets: whole or not there, and nobody else's to read or write."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from schemas.settings import BadSettings


def write_private(path: Path, content: bytes, *, synced: bool = True) -> None:
    """Complete, of mode 0600 and synced before it has its name; then the name is synced too. Raises `OSError`.

    synced=False waits for no disk: after a power cut it may be empty.

    Root gives it to the owner of what it replaces, or of the folder: an edge that is not root has to read it.
    """
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            _give_away(file.fileno(), path)
            file.write(content)
            file.flush()
            if synced:
                os.fsync(file.fileno())
        Path(draft).replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):  # it has its name
            Path(draft).unlink()
    if synced:
        _sync_folder(path.parent)


def read_private(path: Path) -> tuple[bytes, os.stat_result]:
    """The content and what was said of the file when it was opened. Raises `OSError`, and `BadSettings` if it is open
    to others."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        check_private(path, status.st_mode)
        return file.read(), status


def check_private(path: Path, mode: int) -> None:
    """Raises `BadSettings`, naming the chmod, for a file that others may read or write.

    Others may read what nobody may write, or what lies where this process cannot write: so are secrets mounted.
    """
    mode = stat.S_IMODE(mode)
    if not mode & 0o077:
        return
    mounted = not mode & 0o222 or not os.access(path, os.W_OK)
    if mode & 0o022 or not mounted:
        raise BadSettings(f"{path} is open to others (mode {mode:04o}): chmod 600 {path}")


def _give_away(descriptor: int, path: Path) -> None:
    if os.geteuid() == 0:
        owner = (path if path.exists() else path.parent).stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
