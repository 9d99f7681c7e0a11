"""The workspace's credentials: from the settings, else made at first start and kept in the data folder."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

import msgspec

from schemas.settings import BadSettings, Settings

SITE_ID_BYTES, API_KEY_BYTES = 10, 32


class Credentials(msgspec.Struct, frozen=True):
    """What a client sends as user and password."""

    site_id: str
    api_key: str

    @property
    def basic(self) -> bytes:
        """What Basic auth encodes."""
        return f"{self.site_id}:{self.api_key}".encode()


def credentials(settings: Settings) -> Credentials:
    """The credentials, the same at every start. Raises `BadSettings` if the file that keeps them cannot be used."""
    if settings.site_id:
        return Credentials(settings.site_id, settings.api_key)
    path = settings.data / "credentials.json"
    try:
        if not path.exists():
            _make(path)
        return _read(path)
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}; set PENSTOCK_DATA to a folder that can be written") from None


def _read(path: Path) -> Credentials:
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=Credentials)
    except msgspec.DecodeError as error:
        raise BadSettings(f"{path} is damaged ({error}); mend it, or remove it to have new credentials made") from None
    if not kept.site_id or not kept.api_key or ":" in kept.site_id:
        raise BadSettings(f"{path} is damaged (site_id and api_key must not be empty, nor site_id have a colon)")
    return kept


def _make(path: Path) -> None:
    """Complete, readable by its owner only, and synced, before it has its name. Who comes second takes the first's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Credentials(secrets.token_hex(SITE_ID_BYTES), secrets.token_hex(API_KEY_BYTES))
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".credentials-")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(made) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
