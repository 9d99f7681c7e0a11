"""Data Pipelines: the calls of analytics.js, alone or in a batch."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from ingest import limits
from ingest.api import cdp_calls as calls
from ingest.arrivals import Arrival
from ingest.batches import FIELD, made_of_items
from ingest.bodies import Body
from ingest.errors import BadRequest, Problem
from ingest.made import Made
from ingest.parts import part
from ingest.problems import Problems
from schemas.messages import Message

Path = Mapping[str, str]
Say = Callable[[Arrival, Body], Sequence[Message]]

_CONTEXT = "context"
_TYPES: Mapping[object, Say] = {
    "identify": calls.identify,
    "track": calls.track,
    "page": calls.page,
    "screen": calls.screen,
    "group": calls.group,
    "alias": calls.alias,
}


def identify(arrival: Arrival, _path: Path, body: Body) -> Made:
    """Create a person, or change the traits that are named."""
    return Made(calls.identify(arrival, body))


def track(arrival: Arrival, _path: Path, body: Body) -> Made:
    """An event; or by its name one of the calls that Data Pipelines has no other way for."""
    return Made(calls.track(arrival, body))


def page(arrival: Arrival, _path: Path, body: Body) -> Made:
    """Somebody looked at a page."""
    return Made(calls.page(arrival, body))


def screen(arrival: Arrival, _path: Path, body: Body) -> Made:
    """Somebody looked at a screen of an app."""
    return Made(calls.screen(arrival, body))


def group(arrival: Arrival, _path: Path, body: Body) -> Made:
    """Create an object, or change the traits that are named; and somebody belongs to it."""
    return Made(calls.group(arrival, body))


def alias(arrival: Arrival, _path: Path, body: Body) -> Made:
    """Two people are one."""
    return Made(calls.alias(arrival, body))


def batch(arrival: Arrival, _path: Path, body: Body) -> Made:
    """Calls of all types. Its own context is that of each call that has none."""
    problems = Problems()
    shared = part(body, _CONTEXT, problems)
    problems.check()
    if shared is None:
        return made_of_items(arrival, body, limits.PIPELINES_CALL, call)
    text, items = body.texts[_CONTEXT], body.values.get(FIELD)
    # A small body could else become as many large messages as it has items.
    if isinstance(items, list) and len(items) * memoryview(text).nbytes > limits.BATCH_CONTEXT:
        raise BadRequest(Problem(f"{_CONTEXT} is too long for so many calls", _CONTEXT))

    def said(arrival: Arrival, item: Body) -> Sequence[Message]:
        if item.values.get(_CONTEXT):
            return call(arrival, item)
        return call(arrival, Body({**item.values, _CONTEXT: shared.values}, {**item.texts, _CONTEXT: text}))

    return made_of_items(arrival, body, limits.PIPELINES_CALL, said)


def telemetry(arrival: Arrival, _path: Path, body: Body) -> Made:
    """What a client library counts of itself."""
    data = msgspec.Raw(msgspec.json.encode(body.texts))
    return Made((arrival.message("telemetry", f"telemetry:{arrival.id}", data=data),))


def call(arrival: Arrival, item: Body) -> Sequence[Message]:
    """What one call of a batch says. Raises `BadRequest` and `Forbidden`."""
    type = item.values.get("type")
    say = _TYPES.get(type) if isinstance(type, str) else None
    if say is None:
        reason = "invalid" if type else "required"
        raise BadRequest(Problem(f"type must be one of {', '.join(map(str, _TYPES))}", "type", reason))
    return say(arrival, item)
