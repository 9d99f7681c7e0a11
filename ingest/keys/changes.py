"""What is done to keys: added, revoked, rotated. A key's text exists only in what these return."""

import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from ingest.keys import LABEL, PRESET, SITE_ID, Key, Role, digest, key_file, preset_key
from ingest.keys.file import changing
from schemas.settings import Settings

ID_BYTES, SITE_ID_BYTES, KEY_BYTES = 4, 10, 32


class Refused(Exception):
    """It cannot be done. The text is for a person, and says what can."""


class Made(NamedTuple):
    """A new key, and its text, which is shown once and kept nowhere. new_workspace: no other key has its workspace."""

    key: Key
    plain: str
    new_workspace: bool = False


def made(workspace: str, role: Role, label: str, at: float, plain: str = "") -> Made:
    """A key, of random text unless that is given."""
    plain = plain or secrets.token_hex(KEY_BYTES)
    return Made(
        Key(
            id=secrets.token_hex(ID_BYTES),
            workspace=workspace,
            role=role,
            sha256=digest(plain.encode()),
            created_at=int(at),
            label=label,
        ),
        plain,
    )


def add(settings: Settings, role: Role, workspace: str, label: str, at: float, text: str = "") -> Made:
    """A new key; of the only workspace there is, or of a new one, if none is named. text: of a browser's key, which is
    no secret, so that it may be the one that pages have already. Raises `Refused`."""
    if workspace and not re.search(SITE_ID, workspace):
        raise Refused("A workspace has 1 to 100 characters, and neither colons nor control characters.")
    if not re.search(LABEL, label):
        raise Refused("A label has at most 100 characters, and no control characters.")
    if text and (role != "browser" or not re.search(SITE_ID, text)):
        raise Refused("Only a browser's key may be chosen: 1 to 100 characters, neither colons nor control characters.")
    with changing(key_file(settings)) as keys:
        if text and digest(text.encode()) in _in_use(settings, keys):
            raise Refused("That is a key already: `penstock keys list` shows all there are.")
        known = {key.workspace for key in keys} | ({settings.site_id} if settings.site_id else set())
        if not workspace and len(known) > 1:
            raise Refused(f"Name one with --workspace: {', '.join(sorted(known))}.")
        chosen = workspace or next(iter(known), None) or secrets.token_hex(SITE_ID_BYTES)
        new = made(chosen, role, label, at, text)
        keys.append(new.key)
    return new._replace(new_workspace=chosen not in known)


def revoke(settings: Settings, name: str, at: float) -> Key:
    """The key of that id, which lets nobody in any more. Raises `Refused`."""
    with changing(key_file(settings)) as keys:
        place = _place(keys, name)
        if keys[place].revoked_at is None:
            keys[place] = replace(keys[place], revoked_at=int(at))
        return keys[place]


def rotate(settings: Settings, name: str, overlap: int, at: float) -> tuple[Made, Key]:
    """A new key in place of the one of that id, which goes on for `overlap` s. Raises `Refused`."""
    with changing(key_file(settings)) as keys:
        place = _place(keys, name)
        old = keys[place]
        if not old.lives(at):
            raise Refused(f"Key {name} lets nobody in any more: add a new one with `penstock keys add`.")
        ends = int(at) + overlap
        keys[place] = replace(old, expires_at=ends if old.expires_at is None else min(ends, old.expires_at))
        new = made(old.workspace, old.role, old.label, at)
        keys.append(new.key)
        return new, keys[place]


def _in_use(settings: Settings, keys: Sequence[Key]) -> set[str]:
    preset = preset_key(settings)
    return {key.sha256 for key in (*keys, *([preset] if preset else [])) if key.revoked_at is None}


def _place(keys: Sequence[Key], name: str) -> int:
    if name == PRESET:
        raise Refused("That is PENSTOCK_API_KEY: change it where it is set.")
    for place, key in enumerate(keys):
        if key.id == name:
            return place
    raise Refused(f"There is no key {name}: `penstock keys list` shows them.")
