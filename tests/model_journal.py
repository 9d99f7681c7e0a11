"""What the views over the journal must say: `rejections` and `repeats`."""

from collections import Counter
from collections.abc import Iterable

from schemas.messages import Message
from tests.model_people import People
from tests.model_persons import CONTROL, EVENTS
from tests.placed import Placed, whom

NOBODY = ("metric", "unsubscribe", "rejection", "telemetry")
Key = tuple[str, ...]


def rejections(records: Iterable[Placed], people: People) -> dict[Key, int]:
    """(workspace, reason, id) -> how many."""
    found: Counter[Key] = Counter()
    keyed: dict[Key, list[Placed]] = {}
    for record in records:
        message = record.message
        if message.kind == "rejection" and people.shows(record):
            found[message.workspace, message.name, message.id] += 1
        elif message.kind not in CONTROL and people.shows(record) and people.suppressed(record):
            found[message.workspace, "suppressed", message.id] += 1
        if message.fingerprint and people.shows(record, *whom(message)):
            keyed.setdefault((message.workspace, message.id), []).append(record)
    for (workspace, id), same in keyed.items():
        if further := len({record.message.fingerprint for record in same}) - 1:
            found[workspace, "conflict", id] += further
    for record, _, reason in people.refusals():
        found[record.message.workspace, reason, record.message.id] += 1
    return dict(found)


def repeats(records: Iterable[Placed], people: People) -> dict[Key, tuple[str, int, int]]:
    """(workspace, subject, id, kind) -> name, times, bodies. Events are told apart by their ids alone."""
    groups: dict[Key, list[Placed]] = {}
    for record in sorted(records, key=lambda record: record.version):
        message = record.message
        if message.kind not in NOBODY and people.shows(record, message.subject):
            group = "event" if message.kind in EVENTS else message.kind
            groups.setdefault((message.workspace, message.subject, message.id, group), []).append(record)
    return dict(_repeat(same) for same in groups.values() if len(same) > 1)


def _repeat(same: list[Placed]) -> tuple[Key, tuple[str, int, int]]:
    last = same[-1].message
    bodies = len({_body(record.message) for record in same})
    return (last.workspace, last.subject, last.id, last.kind), (last.name, len(same), bodies)


def _body(message: Message) -> tuple[object, ...]:
    told = (message.kind, message.name, message.target, message.fingerprint)
    return (*told, message.sent_timestamp, message.attributes, bytes(message.data))
