"""`penstock keys`: what a person is shown. What is done is in `ingest.keys`; a key's text is shown once, here."""

import base64
import re
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingest.keys import PRESET, Key, Role, digest, key_file, preset_key
from ingest.keys.changes import Made, Refused, add, revoke, rotate
from ingest.keys.file import read
from ingest.keys.first import forget, shown
from ingest.keys.uses import last_uses
from schemas.settings import Settings

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_OVERLAP = 365 * UNITS["d"]
WIDE = 160  # columns, where no terminal says otherwise: nothing is cut off for a script


def added(settings: Settings, role: Role, workspace: str, label: str, text: str = "") -> str:
    """Make a key; what to show of it. text: of a browser's. Raises `Refused` and `BadSettings`."""
    made = add(settings, role, workspace, label, time.time(), text)
    remark = " (a new workspace)" if made.new_workspace else ""
    return "\n".join([f"Added {_described(made.key)}{remark}.", "", *_once(made)])


def revoked(settings: Settings, name: str) -> str:
    """Revoke a key; what to say then. Raises `Refused` and `BadSettings`."""
    key = revoke(settings, name, time.time())
    forget(settings, key)
    lines = [f"Revoked {_described(key)}. Running edges refuse it within a second."]
    if not any(other.lives(time.time()) for other in _all(settings)):
        lines.append("No key lets anybody in now: `penstock keys add --role server` makes one.")
    return "\n".join(lines)


def rotated(settings: Settings, name: str, overlap: str) -> str:
    """Make a key in place of another; what to show of both. Raises `Refused` and `BadSettings`."""
    made, old = rotate(settings, name, seconds(overlap), time.time())
    forget(settings, old)
    until = (
        f"lets its clients in until {_when(old.expires_at)}" if old.lives(time.time()) else "lets nobody in any more"
    )
    return "\n".join([f"Added {_described(made.key)}. The old one, {old.id}, {until}.", "", *_once(made)])


def show(settings: Settings) -> None:
    """Print every key, revoked ones too; never the key itself, nor its hash. Raises `BadSettings`."""
    keys = _all(settings)
    if not keys:
        print("There is no key yet: `penstock up` makes the first, `penstock keys add --role server` any.")  # noqa: T201
        return
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    console.print(_table(keys, last_uses(settings.data), time.time()))
    pair = shown(settings, time.time())
    if pair is not None and not settings.site_id:
        first = next(key.id for key in keys if key.sha256 == digest(pair.api_key.encode()))
        console.print(f"{first} was made at the first start: {settings.data / 'credentials.json'} holds it.")


def seconds(text: str) -> int:
    """Of a duration as a person writes it: 90s, 30m, 24h, 7d, 0. Raises `Refused`."""
    matched = re.fullmatch(r"(\d{1,9})([smhd]?)", text.strip())
    if matched is None or (matched[1].strip("0") and not matched[2]):
        raise Refused(f"{text!r} is no duration: write 90s, 30m, 24h or 7d.")
    duration = int(matched[1]) * UNITS.get(matched[2], 1)
    if duration > LONGEST_OVERLAP:
        raise Refused("An old key can go on for 365d at most.")
    return duration


def _all(settings: Settings) -> list[Key]:
    preset = preset_key(settings)
    return [*([preset] if preset else []), *read(key_file(settings)).keys]


def _described(key: Key) -> str:
    label = f" ({key.label})" if key.label else ""
    return f"{key.role} key {key.id}{label} of workspace {key.workspace}"


def _once(made: Made) -> list[str]:
    key = made.key
    basic = base64.b64encode(f"{key.workspace}:{made.plain}".encode()).decode()
    lines = [
        f"  site id  {key.workspace}",
        f"  API key  {made.plain}",
        f"  header   Authorization: Basic {basic}",
    ]
    if key.role == "browser":
        lines.append(
            "It is meant to be public: it may only identify and send events and page views, also as a writeKey."
        )
    return [*lines, "", "This is the only time the key is shown: what is kept is its hash."]


def _table(keys: Iterable[Key], uses: Mapping[str, int], at: float) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("id", "workspace", "role", "label", "created", "state", "last used"):
        table.add_column(name, overflow="fold", no_wrap=name == "id")
    for key in keys:
        created = "PENSTOCK_API_KEY" if key.id == PRESET else _when(key.created_at)
        cells = (key.id, key.workspace, key.role, key.label, created, _state(key, at), _when(uses.get(key.id)))
        table.add_row(*(Text(cell) for cell in cells), style="" if key.lives(at) else "dim")
    return table


def _state(key: Key, at: float) -> str:
    if key.revoked_at is not None:
        return f"revoked {_when(key.revoked_at)}"
    if key.expires_at is not None:
        return f"{'expires' if key.lives(at) else 'expired'} {_when(key.expires_at)}"
    return "valid"


def _when(at: int | None) -> str:
    """UTC, to the minute; that of a last use is exact to half a minute anyway."""
    return "never" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
