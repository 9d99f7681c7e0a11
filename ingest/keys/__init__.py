"""Keys: who may call, for which workspace, in which role. Of a key only its hash is ever kept."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.settings import Settings

Role = Literal["server", "browser", "ops"]
SITE_ID = r"\A[^:\x00-\x1f\x7f\ud800-\udfff]{1,100}\Z"  # the user of Basic auth, which a colon would end
LABEL = r"\A[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{0,100}\Z"  # shown on terminals
PRESET = "preset"  # the id of PENSTOCK_API_KEY


class Key(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One key. Times are s since 1970; `sha256` is of the key's text, which has 256 random bits unless it is
    a browser's that was chosen."""

    id: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,32}\Z")]
    workspace: Annotated[str, Meta(pattern=SITE_ID)]
    role: Role
    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    label: Annotated[str, Meta(pattern=LABEL)] = ""

    def lives(self, at: float) -> bool:
        """Whether it lets anybody in at that time."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


def digest(secret: bytes) -> str:
    """What is kept of a key. No salt and no stretching: nobody can guess 256 random bits, and what was chosen is
    public."""
    return hashlib.sha256(secret).hexdigest()


def key_file(settings: Settings) -> Path:
    """Where the keys are kept."""
    return Path(settings.keys) if settings.keys else settings.data / "keys.json"


def preset_key(settings: Settings) -> Key | None:
    """The pair of the settings, which no file has to hold."""
    if not settings.site_id:
        return None
    return Key(
        id=PRESET,
        workspace=settings.site_id,
        role="server",
        sha256=digest(settings.api_key.encode()),
        created_at=0,
    )
