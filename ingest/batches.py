"""A batch: items that were sent at once, each taken or refused as if it had come alone."""

from collections.abc import Callable, Iterable

import msgspec

from ingest import limits
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.errors import BadRequest, Forbidden, Problem
from ingest.made import Made, Refused
from ingest.rejections import excerpt
from schemas.messages import Message

FIELD = "batch"

_items = msgspec.json.Decoder(list[msgspec.Raw])


def made_of_items(arrival: Arrival, body: Body, limit: int, make: Callable[[Arrival, Body], Iterable[Message]]) -> Made:
    """What the items of `batch` become, and which of them are refused. limit: bytes of one item.

    Raises `BadRequest` if there is nothing that could be taken or refused by itself.
    """
    values = _values(body)
    messages: list[Message] = []
    refused = []
    for number, (value, text) in enumerate(zip(values, _items.decode(body.texts[FIELD]), strict=True)):
        try:
            messages += make(arrival.item(number), item(value, text, limit))
        except (BadRequest, Forbidden) as error:
            refused.append(Refused(number, error, excerpt(bytes(text))))
    return Made(messages, refused)


def _values(body: Body) -> list[object]:
    values = body.values.get(FIELD)
    if not isinstance(values, list):
        reason = "required" if values is None else "invalid"
        raise BadRequest(Problem(f"{FIELD} must be an array of objects", FIELD, reason))
    if not values:
        raise BadRequest(Problem(f"{FIELD} must not be empty", FIELD))
    # Each refused item is named in the answer: of a body of `1,1,1,…` that would be a hundred times its size.
    if len(values) > limits.BATCH_ITEMS:
        raise BadRequest(Problem(f"{FIELD} cannot have more than {limits.BATCH_ITEMS} items", FIELD))
    return values


def item(value: object, text: msgspec.Raw, limit: int) -> Body:
    """Raises `BadRequest`."""
    if not isinstance(value, dict):
        raise BadRequest("an item of a batch must be an object")
    if memoryview(text).nbytes > limit:
        raise BadRequest(f"an item of a batch cannot be longer than {limit} bytes")
    return Body(value, text)
