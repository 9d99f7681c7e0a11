"""Events of Data Pipelines that say by their name what other APIs have calls for: each becomes what that call does."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, TypeAlias

from ingest import deliveries, devices, limits
from ingest.api.cdp_envelopes import Envelope
from ingest.api.cdp_objects import object_deleted, relationship_deleted
from ingest.bodies import EMPTY, Body, without
from ingest.naming import text_of
from ingest.parts import part
from ingest.problems import Problems
from schemas.messages import Message

# From the call's envelope, its body, its properties and what was found to be wrong with them. Raises `BadRequest` with
# all that is wrong.
Semantic: TypeAlias = Callable[[Envelope, Body, Body, Problems], Sequence[Message]]

_DEVICE, _TOKEN = "device", "token"
_CONTENT = ("viewed_content", "clicked_content")
_DETAILS = {
    "recipient": "recipient",
    "reason": "reason",
    "href": "href",
    "actionName": "action_name",
    "actionValue": "action_value",
}


def _add_device(envelope: Envelope, body: Body, properties: Body, problems: Problems) -> Sequence[Message]:
    device = _device(body, properties, problems)
    platform = "type" if "type" in device.values or "platform" not in device.values else "platform"
    envelope.require_person(problems)
    arrival, person = envelope.arrival, envelope.person
    with problems.within("context.device"):
        return (devices.add_device(arrival, person, device, problems, _TOKEN, platform, envelope.sent),)


def _delete_device(envelope: Envelope, body: Body, properties: Body, problems: Problems) -> Sequence[Message]:
    device = _device(body, properties, problems)
    with problems.within("context.device"):
        token = text_of(device, _TOKEN, problems, limits.TOKEN)
    envelope.require_person(problems)
    problems.check()
    return (devices.delete_device(envelope.arrival, envelope.person, token),)


def _bare(
    kind: Literal["delete", "suppress", "unsuppress"],
    envelope: Envelope,
    _body: Body,
    _properties: Body,
    problems: Problems,
) -> Sequence[Message]:
    """What says no more than about whom."""
    envelope.require_person(problems)
    problems.check()
    return (envelope.arrival.message(kind, envelope.person),)


def _metric(envelope: Envelope, _body: Body, properties: Body, problems: Problems) -> Sequence[Message]:
    """What became of a delivery; of whom is not asked, a device may not know it."""
    with problems.within("properties"):
        delivery_id = text_of(properties, "deliveryId", problems, limits.TOKEN)
        name = text_of(properties, "metric", problems)
        if name and name not in deliveries.METRICS:
            problems.add(f"{problems.path('metric')} must be one of {', '.join(sorted(deliveries.METRICS))}", "metric")
        details = deliveries.details_of(properties, problems, _DETAILS)
    problems.check()
    return (deliveries.metric(envelope.arrival, delivery_id, name, envelope.sent, details),)


def _content(envelope: Envelope, body: Body, properties: Body, problems: Problems) -> Sequence[Message]:
    """An event of that action's name, as Track v2 has it."""
    with problems.within("properties"):
        name = text_of(properties, "actionType", problems)
        if name and name not in _CONTENT:
            problems.add(f"{problems.path('actionType')} must be one of {', '.join(_CONTENT)}", "actionType")
    problems.check()
    return envelope.event("event", name, body.texts["properties"], problems)


def _device(body: Body, properties: Body, problems: Problems) -> Body:
    """What libraries say of the device in the context, and people of it in the properties; the context knows better."""
    context = part(body, "context", Problems()) or EMPTY
    with problems.within("context"):
        told = part(context, _DEVICE, problems) or EMPTY
    said, beside = part(properties, _DEVICE, Problems()) or EMPTY, without(properties, (_DEVICE,))
    return Body({**beside.values, **said.values, **told.values}, {**beside.texts, **said.texts, **told.texts})


SEMANTIC: Mapping[str, Semantic] = {
    "Device Created or Updated": _add_device,
    "Device Deleted": _delete_device,
    "User Deleted": partial(_bare, "delete"),
    "User Suppressed": partial(_bare, "suppress"),
    "User Unsuppressed": partial(_bare, "unsuppress"),
    "Relationship Deleted": relationship_deleted,
    "Object Deleted": object_deleted,
    "Report Delivery Event": _metric,
    "Report Content Event": _content,
}
