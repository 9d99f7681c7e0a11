"""The parts that bodies of all APIs share, as JSON Schema. Every number in them comes from `ingest.limits`.

Lengths there are bytes, here characters, because JSON Schema knows no other: what is too long here is so there too.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

from ingest import limits
from ingest.devices import PLATFORMS
from ingest.naming import PERSON

Schema: TypeAlias = dict[str, Any]

NOT_BLANK, E164 = r"\S", r"^\+[1-9][0-9]{1,14}$"
NUMBER = r"^\s*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)?\s*$"
ACCOUNTED = ("id", "email", "cio_id")  # names of people that are more than a visit or a number


def text(meaning: str, most: int = limits.IDENTIFIER) -> Schema:
    """A text of so many bytes, not an empty one; a number counts as its text."""
    return {"type": ["string", "number"], "minLength": 1, "maxLength": most, "description": meaning}


def optional(schema: Schema) -> Schema:
    """The same, or null or an empty text, which are as if it was not there."""
    known = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*known, "null"]} | ({"minLength": 0} if "minLength" in schema else {})


def words(meaning: str, *known: str) -> Schema:
    """One of a closed list."""
    return {"enum": list(known), "description": meaning}


def fields(properties: dict[str, Schema], required: Iterable[str] = (), **more: Any) -> Schema:
    """An object; what is not named is ignored."""
    return {"type": "object", "properties": properties, "required": list(required), **more}


def array(items: Schema, meaning: str, **more: Any) -> Schema:
    return {"type": "array", "items": items, "description": meaning, **more}


def named(name: str) -> Schema:
    """A part of `SHARED`."""
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(names: Iterable[str], meaning: str) -> Schema:
    """Somebody's identifiers: exactly one of those names."""
    properties = {name: {**text(_NAMES[name]), **_SHAPED.get(name, {})} for name in names}
    return {
        "type": "object",
        "properties": properties,
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "description": meaning,
    }


_NAMES = {
    "id": "Yours; upper and lower case differ.",
    "email": "Upper and lower case are the same.",
    "phone": "In E.164.",
    "cio_id": "With or without `cio_` before it.",
    "anonymous_id": "Of a visitor.",
}
_SHAPED = {"phone": {"type": "string", "pattern": E164}}
TIME = {
    **optional(text("Seconds since 1970; without it the time of receipt.", limits.NUMBER_TEXT)),
    "pattern": NUMBER,
}
FREE: Schema = {"type": ["object", "null"], "description": "Whatever you like, kept to the byte."}
DATA: Schema = {
    "type": ["object", "null"],
    "description": f"Whatever you like, up to {limits.EVENT_DATA:,} bytes of JSON, kept to the byte.",
}
EVENT_ID = optional(
    text("A ULID or UUID: what is sent again with it is stored once. Others are kept beside.", limits.EVENT_ID)
)
EVENT_NAME: Schema = {
    "type": "string",
    "pattern": NOT_BLANK,
    "maxLength": limits.VIEW_NAME_CHARACTERS,
    "description": f"Up to {limits.EVENT_NAME} bytes; of a page or a screen {limits.VIEW_NAME_CHARACTERS} characters.",
}
_VALUE: Schema = {
    "maxLength": limits.ATTRIBUTE_VALUE,
    "description": f'Any JSON of up to {limits.ATTRIBUTE_VALUE:,} bytes; `null` and `""` unset it.',
}
ATTRIBUTES: Schema = {
    "type": ["object", "null"],
    "maxProperties": limits.ATTRIBUTES,
    "propertyNames": {"maxLength": limits.ATTRIBUTE_NAME},
    "additionalProperties": _VALUE,
    "description": f"At most {limits.ATTRIBUTES} at once. What is not named stays as it is.",
}
# Among the attributes of a person, and none of them.
MEANT: dict[str, Schema] = {
    "_update": {"description": "true, 1 or either as a text: nobody is created, only who is there already is changed."},
    "cio_id": {"description": "Who is meant, too; it cannot be set."},
    "_created_in_customerio_at": {"description": "Ignored; it cannot be set."},
}
TRAITS: Schema = {**ATTRIBUTES, "properties": MEANT}
PERSON_NAMED = one_of(PERSON, "Exactly one.")
THING_NAMED: Schema = {
    "anyOf": [
        fields(
            {"object_type_id": text("Of what type it is."), "object_id": text("Yours.")},
            ["object_type_id", "object_id"],
        ),
        fields({"cio_object_id": text("Of an object that is there.")}, ["cio_object_id"]),
    ],
    "description": "By its type and your id, or by its `cio_object_id`.",
}
MERGED = {
    "primary": one_of(ACCOUNTED, "Who stays; if nobody is known by it, nothing happens."),
    "secondary": one_of(ACCOUNTED, "Who goes, and leaves the primary what that lacks."),
}
DEVICE_EXTRAS = "Attributes of the device may stand beside these, or in `attributes`."


def device(identified_by: str) -> Schema:
    """identified_by: how the API calls a device's token."""
    return fields(
        {
            identified_by: text("The token that messages to it need.", limits.TOKEN),
            "platform": words("What it is.", *PLATFORMS),
            "last_used": TIME,
            "attributes": ATTRIBUTES,
        },
        [identified_by, "platform"],
        description=DEVICE_EXTRAS,
    )


def relationships(other_end: Schema, meaning: str, **more: Any) -> Schema:
    """other_end: identifiers, of whom or what the relationship is with."""
    item = fields(
        {
            "identifiers": other_end,
            "relationship_attributes": {
                "type": ["object", "null"],
                "maxProperties": limits.ATTRIBUTES,
                "description": f"Up to {limits.RELATIONSHIP:,} bytes together.",
            },
        },
        ["identifiers"],
    )
    return array(item, meaning, **more)


SHARED: dict[str, Schema] = {"Person": PERSON_NAMED, "Object": THING_NAMED}
