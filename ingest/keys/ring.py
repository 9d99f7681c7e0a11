"""The keys as an edge holds them: found by hash, and the file's latest word half a second after it was written."""

import hmac
from collections.abc import Callable
from pathlib import Path

import structlog

from ingest.keys import Key, digest
from ingest.keys.file import Version, read, version
from schemas.settings import BadSettings

REMEMBERED = 1_000  # headers; a client sends the same one each time

log = structlog.get_logger()


class Keyring:
    """The keys of a file, and the preset one if there is one. `used`: ids of the keys found since it was emptied."""

    def __init__(self, path: Path, preset: Key | None, now: Callable[[], float]) -> None:
        """Raises `BadSettings` if the file cannot be used. now: s since 1970."""
        self.used: set[str] = set()
        self._path = path
        self._preset = preset
        self._now = now
        self._keys: dict[str, Key] = {}
        self._remembered: dict[bytes, Key] = {}
        self._seen: Version | None = None
        self._load()

    def find(self, secret: bytes, site_id: bytes | None = None) -> Key | None:
        """The key that this is, if it lets anybody in now; where a site id was sent, only into that workspace."""
        hashed = digest(secret)
        key = self._keys.get(hashed)
        if key is None or not hmac.compare_digest(hashed, key.sha256) or not key.lives(self._now()):
            return None
        if site_id is not None and not hmac.compare_digest(site_id, key.workspace.encode()):
            return None
        self.used.add(key.id)
        return key

    def recall(self, header: bytes) -> Key | None:
        """The key of a header that was remembered, if it still lets anybody in."""
        key = self._remembered.get(header)
        if key is None or (key.expires_at is not None and not key.lives(self._now())):
            return None
        self.used.add(key.id)
        return key

    def remember(self, header: bytes, key: Key) -> None:
        """Spare the work for the next request with the same header, until the file changes."""
        if len(self._remembered) >= REMEMBERED:
            self._remembered.clear()
        self._remembered[header] = key

    def only_workspace(self) -> str | None:
        """The workspace that every key of now belongs to; None if there are several, or none."""
        at = self._now()
        workspaces = {key.workspace for key in self._keys.values() if key.lives(at)}
        return workspaces.pop() if len(workspaces) == 1 else None

    def refresh(self) -> None:
        """Take over what was changed in the file. From one that cannot be used nothing is: the old keys go on."""
        try:
            there = version(self._path)
            if there == self._seen:
                return
            # Set first: a file that cannot be used is told of once, not twice a second.
            self._seen = there
            if there is None:
                raise BadSettings(f"{self._path} is gone")
            self._load()
            log.info("keys_changed", keys=len(self._keys))
        except (BadSettings, OSError) as error:
            log.error("keys_not_reloaded", reason=str(error), keys=len(self._keys))

    def _load(self) -> None:
        keys, self._seen = read(self._path)
        listed = [*keys, *([self._preset] if self._preset else [])]
        # Those that expire stay: a clock that is set back must not find them missing.
        self._keys = {key.sha256: key for key in listed if key.revoked_at is None}
        self._remembered.clear()
        if not any(key.lives(self._now()) for key in listed):
            log.warning("no_key_lets_anybody_in", file=str(self._path), remedy="penstock keys add --role server")
