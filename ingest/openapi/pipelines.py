"""The bodies of Data Pipelines."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ingest import limits
from ingest.api import cdp
from ingest.api.cdp_semantic import SEMANTIC
from ingest.endpoints import Make
from ingest.openapi.parts import (
    ATTRIBUTES,
    DATA,
    EVENT_NAME,
    FREE,
    NOT_BLANK,
    TRAITS,
    Schema,
    array,
    fields,
    named,
    optional,
    text,
)

_TIME: Schema = {
    "type": ["string", "number", "null"],
    "format": "date-time",
    "maxLength": limits.NUMBER_TEXT,
    "description": "ISO 8601, or seconds since 1970; without it the time of receipt.",
}
_KEY: dict[str, Schema] = {
    "writeKey": {"type": "string", "description": "A browser's key, where there is no `Authorization`."}
}
_COMMON: dict[str, Schema] = {
    "messageId": optional(text("What is sent again with it is stored once.", limits.EVENT_ID)),
    "timestamp": _TIME,
    "context": FREE,
}


def _who(meaning: str) -> Schema:
    return {**text(meaning), "pattern": NOT_BLANK}


_USER = fields({"userId": _who("Yours; either this,")}, ["userId"])
_VISITOR = fields({"anonymousId": _who("or a visitor's.")}, ["anonymousId"])
_ADDRESS = fields(
    {"email": {"type": "string", "format": "email", "description": "Who it is, if nothing else says."}}, ["email"]
)
_WHO = [_USER, _VISITOR]
_NAME = {"type": ["string", "null"], "maxLength": limits.VIEW_NAME_CHARACTERS, "description": "Of what was seen."}
_VIEW = {"name": _NAME, "category": {**_NAME, "description": "Stands in for a name."}, "properties": DATA}
_GROUP = text("Of an object; `traits.object_type_id` says of what type, else 1.")
_BOB = {"userId": "5"}
_SEEN = {**_BOB, "name": "prices", "properties": {"url": "https://example.com/prices"}}
_EVENT: Schema = {
    **EVENT_NAME,
    "maxLength": limits.EVENT_NAME,
    "description": f"These say more than that something happened: {', '.join(f'`{name}`' for name in SEMANTIC)}.",
}


class Said(NamedTuple):
    """What a call has beside what all have. All of `needed` is required, and one of `who`, unless there is none."""

    needed: dict[str, Schema]
    optional: dict[str, Schema]
    example: dict[str, Any]
    who: Sequence[Schema] = _WHO


_SAID: Mapping[str, Said] = {
    "identify": Said(
        {},
        {"traits": TRAITS},
        {**_BOB, "traits": {"plan": "premium"}},
        [*_WHO, fields({"traits": _ADDRESS}, ["traits"])],
    ),
    "track": Said(
        {"event": _EVENT}, {"properties": DATA}, {**_BOB, "event": "purchased", "properties": {"price": 23.45}}
    ),
    "page": Said({}, _VIEW, _SEEN),
    "screen": Said({}, _VIEW, _SEEN),
    "group": Said(
        {"groupId": _GROUP},
        {"traits": ATTRIBUTES, **_USER["properties"], **_VISITOR["properties"]},
        {**_BOB, "groupId": "acme", "traits": {"plan": "premium"}},
        [],
    ),
    "alias": Said(
        {"userId": _who("Who stays."), "previousId": _who("Who goes: an id, or a visitor's.")},
        {"anonymousId": optional(text("A visitor's; if it is the `previousId`, that is one."))},
        {"userId": "5", "previousId": "6"},
        [],
    ),
}


def _call(name: str, kind: dict[str, Schema], **more: Any) -> Schema:
    """kind: the field that says which call it is, where the path does not."""
    said = _SAID[name]
    if said.who:
        more["anyOf"] = said.who
    needed = kind | said.needed
    example = dict.fromkeys(kind, name) | said.example
    return fields(needed | said.optional | _COMMON, needed, examples=[example], **more)


def _single(name: str) -> Schema:
    schema = _call(name, {})
    return {**schema, "properties": schema["properties"] | _KEY}


CALL: Schema = {"oneOf": [_call(name, {"type": {"const": name}}, title=name) for name in _SAID]}
BODIES: Mapping[Make, Schema] = {
    cdp.identify: _single("identify"),
    cdp.track: _single("track"),
    cdp.page: _single("page"),
    cdp.screen: _single("screen"),
    cdp.group: _single("group"),
    cdp.alias: _single("alias"),
    cdp.batch: fields(
        {
            "batch": array(named("Call"), f"Each of up to {limits.PIPELINES_CALL:,} bytes.", minItems=1),
            "context": FREE,
            **_KEY,
        },
        ["batch"],
        examples=[{"batch": [{"type": "identify", **_BOB, "traits": {"plan": "premium"}}]}],
    ),
    cdp.telemetry: {"type": "object", "description": "What a client counts of itself.", "examples": [{"series": []}]},
}
