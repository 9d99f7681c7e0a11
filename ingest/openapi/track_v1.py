"""The bodies of Track v1."""

from collections.abc import Mapping, Sequence
from typing import Any

from ingest import limits
from ingest.api import v1
from ingest.deliveries import METRICS
from ingest.endpoints import Make
from ingest.openapi.parts import (
    ACCOUNTED,
    DATA,
    EVENT_ID,
    EVENT_NAME,
    MEANT,
    MERGED,
    TIME,
    TRAITS,
    Schema,
    array,
    device,
    fields,
    named,
    optional,
    relationships,
    text,
    words,
)

_EVENT = {
    "name": EVENT_NAME,
    "type": {"type": "string", "description": "`page`, `screen`, or an event whatever else it is called."},
    "data": DATA,
    "id": EVENT_ID,
    "timestamp": TIME,
}
_OF_A_PERSON = fields(
    {
        "action": words("What happens to them.", "add_relationships", "delete_relationships"),
        "relationships": relationships(named("Object"), "With objects."),
    },
    ["action", "relationships"],
    description="Relationships with objects, which are no attribute.",
)
_IDENTIFY: Schema = {
    **TRAITS,
    "type": "object",
    "properties": {
        **MEANT,
        "_timestamp": {**TIME, "description": "Seconds since 1970: what is written late does not win."},
        "cio_relationships": _OF_A_PERSON,
        "cio_subscription_preferences": {"description": "An object; a dotted name changes one topic of it."},
    },
    "examples": [{"email": "bob@example.com", "plan": "premium"}],
}
_DEVICE = fields({"device": device("id")}, ["device"], examples=[{"device": {"id": "token", "platform": "ios"}}])
_MERGE = fields(
    MERGED,
    ["primary", "secondary"],
    examples=[{"primary": {"id": "5"}, "secondary": {"email": "bob@example.com"}}],
)
_MEMBERS = fields(
    {"ids": array(text(""), "Who nobody knows is ignored.", minItems=1, maxItems=limits.SEGMENT_IDS)},
    ["ids"],
    examples=[{"ids": ["5", "6"]}],
)
_FORM = fields(
    {
        "data": {
            "type": "object",
            "description": "The fields of the form, as texts. They become attributes.",
            "oneOf": [
                fields({"email": text("Either this")}, ["email"]),
                fields({"id": text("or this says whose it is.")}, ["id"]),
            ],
            "maxProperties": limits.ATTRIBUTES,
            "propertyNames": {"maxLength": limits.ATTRIBUTE_NAME},
            "additionalProperties": {"type": "string", "maxLength": limits.ATTRIBUTE_VALUE},
        }
    },
    ["data"],
    examples=[{"data": {"email": "bob@example.com", "colour": "red"}}],
)
_DELIVERY = text("Of the message that was sent.", limits.TOKEN)
_METRIC = fields(
    {
        "delivery_id": _DELIVERY,
        "metric": words("What became of it.", *sorted(METRICS)),
        "timestamp": TIME,
        "recipient": optional(text("To whom it went.")),
        "reason": optional(text("Why it did not arrive.")),
        "href": optional(text("What was clicked.")),
    },
    ["delivery_id", "metric"],
    examples=[{"delivery_id": "d1", "metric": "opened", "timestamp": 1700000000}],
)
_PUSH = fields(
    {
        "delivery_id": _DELIVERY,
        "event": words("What became of it.", "opened", "converted", "delivered"),
        "device_id": optional(text("Where.", limits.TOKEN)),
        "timestamp": TIME,
    },
    ["delivery_id", "event"],
    examples=[{"delivery_id": "d1", "event": "opened", "device_id": "token", "timestamp": 1700000000}],
)
_UNSUBSCRIBE = fields({"unsubscribe": {"type": "boolean"}}, ["unsubscribe"], examples=[{"unsubscribe": True}])

BODIES: Mapping[Make, Schema] = {
    v1.identify: _IDENTIFY,
    v1.add_device: _DEVICE,
    v1.event: fields(_EVENT, ["name"], examples=[{"name": "purchased", "data": {"price": 23.45}}]),
    v1.anonymous_event: fields(
        {**_EVENT, "anonymous_id": optional(text("Without it, an invite event."))},
        ["name"],
        examples=[{"name": "looked", "anonymous_id": "a1", "data": {"page": "/"}}],
    ),
    v1.merge: _MERGE,
    v1.add_to_segment: _MEMBERS,
    v1.remove_from_segment: _MEMBERS,
    v1.submit_form: _FORM,
    v1.metric: _METRIC,
    v1.push_event: _PUSH,
    v1.unsubscribe: _UNSUBSCRIBE,
}

_ID_TYPE = {
    "in": "query",
    "name": "id_type",
    "schema": {"enum": ACCOUNTED, "default": "id", "description": "What `ids` are."},
}
QUERIES: Mapping[Make, Sequence[dict[str, Any]]] = {
    v1.add_to_segment: [_ID_TYPE],
    v1.remove_from_segment: [_ID_TYPE],
}
