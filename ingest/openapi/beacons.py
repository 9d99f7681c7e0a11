"""The queries of the legacy browser snippet."""

from collections.abc import Mapping, Sequence
from typing import Any

from ingest import limits
from ingest.api import beacons
from ingest.endpoints import Make
from ingest.openapi.parts import EVENT_NAME, MEANT, NOT_BLANK, NUMBER, Schema, fields


def _parameter(name: str, schema: Schema, *, required: bool = False) -> dict[str, Any]:
    """Objects as `user[email]=…`."""
    nested = {"style": "deepObject"} if schema["type"] == "object" else {}
    return {"in": "query", "name": name, "schema": schema, "required": required, **nested}


def _text(meaning: str, most: int = limits.IDENTIFIER, **more: str) -> Schema:
    """A query has nothing else."""
    return {"type": "string", "maxLength": most, "description": meaning, **more}


_WHO = (
    _parameter("c", _text("Whom the page identified last; nobody if it is empty.")),
    _parameter("s", _text("The visitor; nobody if it is empty.")),
    _parameter("timestamp", _text("Milliseconds since 1970.", limits.NUMBER_TEXT, pattern=NUMBER)),
)
_ID = _text("Who it is, as in a path.", pattern=NOT_BLANK)
_USER = fields({**MEANT, "id": _ID}, ["id"], description="The `id`, and attributes beside it.")
_SEEN = (_parameter("data", {"type": "object", "description": "Whatever you like; all values are texts."}), *_WHO)
QUERIES: Mapping[Make, Sequence[dict[str, Any]]] = {
    beacons.identify: (_parameter("user", _USER, required=True), *_WHO),
    beacons.event: (_parameter("name", EVENT_NAME, required=True), *_SEEN),
    beacons.page: (_parameter("name", _text("The page's URL.", limits.HEAD, pattern=NOT_BLANK), required=True), *_SEEN),
}
