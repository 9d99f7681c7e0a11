"""The bodies of Track v2: one schema for each action on each type."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ingest import limits
from ingest.api import v2
from ingest.deliveries import PUSH_METRICS
from ingest.endpoints import Make
from ingest.openapi.parts import (
    ATTRIBUTES,
    DATA,
    EVENT_ID,
    EVENT_NAME,
    MERGED,
    TIME,
    TRAITS,
    Schema,
    array,
    device,
    fields,
    named,
    one_of,
    optional,
    relationships,
    text,
    words,
)


class Said(NamedTuple):
    """What an entity of a type and an action has beside these two and `identifiers`, which are left out if `of` is
    none of `_IDENTIFIERS`. All of `needed` is required."""

    optional: Mapping[str, Schema] = {}
    needed: Mapping[str, Schema] = {}
    example: Mapping[str, Any] = {}
    identified: bool = True


_ANONYMOUS = ("anonymous_id",)
_TO_OBJECTS = {"cio_relationships": optional(relationships(named("Object"), "With objects."))}
_TO_PEOPLE = {"cio_relationships": optional(relationships(named("Person"), "With people."))}
_OBJECTS = {"cio_relationships": relationships(named("Object"), "With which objects.", minItems=1)}
_PEOPLE = {"cio_relationships": relationships(named("Person"), "With which people.", minItems=1)}
_TO_VISITORS = {
    "anonymous_id": optional(text("Of one visitor,")),
    "cio_relationships": relationships(one_of(_ANONYMOUS, "A visitor."), "or of several."),
}
_SET = {"attributes": ATTRIBUTES, "timestamp": TIME}
_SET_OF_A_PERSON = {**_SET, "attributes": TRAITS}
_PLAN = {"attributes": {"plan": "premium"}}
_EVENT = Said(
    {"attributes": DATA, "id": EVENT_ID, "timestamp": TIME}, {"name": EVENT_NAME}, {"name": "prices", **_PLAN}
)
_ACME = {"object_type_id": "1", "object_id": "acme"}
_BOB = {"email": "bob@example.com"}
_OPENED = {
    "device_token": text("Where.", limits.TOKEN),
    **{name: optional(text("If it is known.")) for name in ("recipient", "reason", "href")},
}

SAID: Mapping[tuple[str, str], Said] = {
    ("person", "identify"): Said({**_SET_OF_A_PERSON, **_TO_OBJECTS}, {}, _PLAN),
    ("person", "event"): _EVENT,
    ("person", "page"): _EVENT,
    ("person", "screen"): _EVENT,
    ("person", "viewed_content"): _EVENT,
    ("person", "clicked_content"): _EVENT,
    ("person", "add_relationships"): Said({}, _OBJECTS, {"cio_relationships": [{"identifiers": _ACME}]}),
    ("person", "delete_relationships"): Said({}, _OBJECTS, {"cio_relationships": [{"identifiers": _ACME}]}),
    ("person", "add_device"): Said({}, {"device": device("token")}, {"device": {"token": "t1", "platform": "ios"}}),
    ("person", "delete_device"): Said(
        {}, {"device": fields({"token": text("The device's.", limits.TOKEN)}, ["token"])}, {"device": {"token": "t1"}}
    ),
    ("person", "merge"): Said({}, MERGED, {"primary": {"id": "5"}, "secondary": _BOB}, identified=False),
    ("person", "delete"): Said(),
    ("person", "suppress"): Said(),
    ("person", "unsuppress"): Said(),
    ("object", "identify"): Said({**_SET, **_TO_PEOPLE}, {}, _PLAN),
    ("object", "identify_anonymous"): Said({**_SET, **_TO_VISITORS}, {}, {**_PLAN, "anonymous_id": "a1"}),
    ("object", "delete"): Said(),
    ("object", "add_relationships"): Said({}, _PEOPLE, {"cio_relationships": [{"identifiers": _BOB}]}),
    ("object", "delete_relationships"): Said({}, _PEOPLE, {"cio_relationships": [{"identifiers": _BOB}]}),
    ("delivery", "event"): Said(
        {"timestamp": TIME},
        {"name": words("What became of it.", *PUSH_METRICS), "attributes": fields(_OPENED, ["device_token"])},
        {"name": "opened", "attributes": {"device_token": "t1"}},
    ),
}
_DELIVERY = fields({"id": text("Of the message that was sent.", limits.TOKEN)}, ["id"])
_IDENTIFIERS = {
    "person": (named("Person"), _BOB),
    "object": (named("Object"), _ACME),
    "delivery": (_DELIVERY, {"id": "d1"}),
}


def _entity(type: str, action: str, said: Said) -> Schema:
    identifiers, whose = _IDENTIFIERS[type]
    # What must be there may not be null or empty, whatever else may.
    needed: dict[str, Schema] = {"type": {"const": type}, "action": {"const": action}}
    example: dict[str, Any] = {"type": type, "action": action}
    if said.identified:
        needed["identifiers"] = identifiers
        example["identifiers"] = whose
    needed |= said.needed
    return fields(
        needed | dict(said.optional), needed, title=f"{type}: {action}", examples=[example | dict(said.example)]
    )


ENTITY: Schema = {"oneOf": [_entity(*key, said) for key, said in SAID.items()]}
BODIES: Mapping[Make, Schema] = {
    v2.entity: named("Entity"),
    v2.batch: fields(
        {"batch": array(named("Entity"), f"As above, each of up to {limits.ENTITY:,} bytes.", minItems=1)},
        ["batch"],
        examples=[{"batch": [{"type": "person", "action": "identify", "identifiers": _BOB, **_PLAN}]}],
    ),
}
