"""The first key of a data folder: made at the first start, so that the first minute needs no setting at all.

It alone is kept in plain too, in `credentials.json`, because `penstock up` shows a line that works at every start.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from ingest.keys import SITE_ID, Key, digest, key_file, preset_key
from ingest.keys.changes import SITE_ID_BYTES, Made, made
from ingest.keys.file import changing, read
from ingest.keys.private import read_private, write_private
from ingest.keys.ring import Keyring
from schemas.settings import BadSettings, Settings

log = structlog.get_logger()


class Credentials(msgspec.Struct, frozen=True):
    """What a client sends as user and password."""

    site_id: str
    api_key: str


def keyring(settings: Settings, now: Callable[[], float]) -> Keyring:
    """The keys of an edge. Raises `BadSettings` if their file cannot be used, or is named and not there."""
    path = key_file(settings)
    make_first(settings, now())
    if settings.keys and not os.path.lexists(path):
        raise BadSettings(f"PENSTOCK_KEYS={path} is not there: `penstock keys add --role server` makes it")
    return Keyring(path, preset_key(settings), now)


def make_first(settings: Settings, at: float) -> None:
    """One server key, if there is no key at all and nobody said where keys come from. Raises `BadSettings`.

    A pair that an earlier version kept in the data folder becomes that key.
    """
    path = key_file(settings)
    if settings.site_id or settings.keys or read(path).keys:
        return
    with changing(path) as keys:
        if not keys:  # else another process was quicker
            keys.append(_first(settings.data, at))


def shown(settings: Settings, at: float) -> Credentials | None:
    """The pair that may be shown again, if it still is for good. Raises `BadSettings` if a file cannot be used."""
    if settings.site_id:
        return Credentials(settings.site_id, settings.api_key)
    pair = _kept(settings.data)
    if pair is None:
        return None
    hashed = digest(pair.api_key.encode())
    known = (key for key in read(key_file(settings)).keys if key.sha256 == hashed)
    return pair if any(key.lives(at) and key.expires_at is None for key in known) else None


def forget(settings: Settings, key: Key) -> None:
    """What was kept of it in plain goes, once it is revoked or rotated. If it cannot go, it still opens nothing."""
    with contextlib.suppress(BadSettings, OSError):
        pair = _kept(settings.data)
        if pair is not None and digest(pair.api_key.encode()) == key.sha256:
            _file(settings.data).unlink()


def _first(data: Path, at: float) -> Key:
    kept = _kept(data)
    if kept is not None:
        return made(kept.site_id, "server", "first", at, kept.api_key).key
    first: Made = made(secrets.token_hex(SITE_ID_BYTES), "server", "first", at)
    # Before it is among the keys: a key that nobody can learn would be the only one.
    write_private(_file(data), msgspec.json.encode(Credentials(first.key.workspace, first.plain)) + b"\n")
    log.info("first_key_made", id=first.key.id, workspace=first.key.workspace, kept_in=str(_file(data)))
    return first.key


def _file(data: Path) -> Path:
    return data / "credentials.json"


def _kept(data: Path) -> Credentials | None:
    path = _file(data)
    try:
        content, _ = read_private(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from None
    try:
        pair = msgspec.json.decode(content, type=Credentials)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is damaged ({error}); mend it, or remove it") from None
    if not pair.api_key or not re.search(SITE_ID, pair.site_id):
        raise BadSettings(f"{path} is damaged (site_id and api_key must not be empty, nor site_id have a colon)")
    return pair
