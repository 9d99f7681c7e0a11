"""When each key was last used: every edge keeps a small file of its own, whoever lists the keys reads them all.

Not beside the keys: that file may be read-only, and is shared. What is lost here is worth nothing.
"""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import structlog

from ingest.keys.private import write_private
from schemas.settings import Settings

FOLDER = "keys-used"

log = structlog.get_logger()
_decoder = msgspec.json.Decoder(dict[str, int])  # s since 1970 by id of key


class Uses:
    """What this edge saw."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        self._at = _read(path)
        self._written = dict(self._at)
        self._told = False

    def note(self, used: Iterable[str]) -> None:
        """These keys were used just now."""
        self._at.update(dict.fromkeys(used, int(self._now())))

    def write(self) -> None:
        """Where there is no data folder nothing is written: an edge on Kafka with preset keys needs none."""
        if self._at == self._written or not self._path.parent.parent.is_dir():
            return
        self._written = dict(self._at)
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            write_private(self._path, msgspec.json.encode(self._at), synced=False)  # requests are waiting
        except OSError as error:
            if not self._told:
                log.warning("last_use_of_keys_not_kept", file=str(self._path), reason=error.strerror)
            self._told = True


def uses_of(settings: Settings, now: Callable[[], float], number: int = 0) -> Uses:
    """Those of the edge with these settings: one of a host and a port, and a number if several share that."""
    host = re.sub(r"[^A-Za-z0-9.-]", "_", os.uname().nodename)
    return Uses(settings.data / FOLDER / f"{host}-{settings.port}{f'-{number}' if number else ''}.json", now)


def last_uses(data: Path) -> dict[str, int]:
    """By id of key, over all the edges that share the folder."""
    latest: dict[str, int] = {}
    for path in sorted((data / FOLDER).glob("*.json")):
        for key, at in _read(path).items():
            latest[key] = max(at, latest.get(key, 0))
    return latest


def _read(path: Path) -> dict[str, int]:
    try:
        return _decoder.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
