"""The spools of edges that share a port: the first one's is the folder itself, the others' are in it, by number."""

import sqlite3
from contextlib import closing
from pathlib import Path

from schemas.settings import BadSettings


def share(folder: Path, number: int) -> Path:
    """number: from 1."""
    return folder if number <= 1 else folder / str(number)


def make_folder(folder: Path) -> None:
    """If it is missing. Raises `BadSettings`."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BadSettings(f"PENSTOCK_SPOOL: {folder} cannot be used: {error.strerror}.") from error


def check_shares(folder: Path, processes: int) -> None:
    """Raises `BadSettings` if there is something in the spool of a number beyond these, which nobody would ever drain,
    or if that cannot be told."""
    left = [int(found.parent.name) for found in folder.glob("[0-9]*/spool.db") if found.parent.name.isdigit()]
    most = max((number for number in left if number > processes and _holds(share(folder, number))), default=0)
    if most:
        raise BadSettings(
            f"PENSTOCK_SPOOL: {share(folder, most)} holds messages of an edge with more processes; start it with"
            f" --processes {most} until they are drained."
        )


def _holds(folder: Path) -> bool:
    try:
        with closing(sqlite3.connect(folder / "spool.db")) as connection:
            return connection.execute("SELECT 1 FROM records LIMIT 1").fetchone() is not None
    except sqlite3.Error as error:
        raise BadSettings(f"PENSTOCK_SPOOL: {folder / 'spool.db'} cannot be read: {error}.") from error
