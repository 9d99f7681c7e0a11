"""What became of messages that were sent to people, as messages of ours."""

from collections.abc import Mapping

from ingest import identifiers
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.ids import NOT_TEXT
from ingest.problems import Problems
from ingest.times import SentTime
from schemas.messages import Attributes, Message

# Each channel knows some of them. Which channel a delivery went by, nobody says, except of a push.
METRICS = frozenset({"bounced", "clicked", "converted", "deferred", "delivered", "dropped", "opened", "spammed"})
PUSH_METRICS = ("opened", "converted", "delivered")  # those that a device knows of
_DETAILS = {name: name for name in ("recipient", "reason", "href", "device_id")}


def metric(arrival: Arrival, delivery_id: str, name: str, sent: SentTime | None, pairs: Attributes) -> Message:
    """name: one of `METRICS`. pairs: recipient, reason, href, device_id, those that are known."""
    return arrival.message("metric", identifiers.of_delivery(delivery_id), sent=sent, name=name, attributes=pairs)


def unsubscribe(arrival: Arrival, delivery_id: str, value: bool) -> Message:
    """Whoever got that delivery wants no more of them; or does, if the value is false."""
    text = "true" if value else "false"
    return arrival.message("unsubscribe", identifiers.of_delivery(delivery_id), attributes=(("unsubscribe", text),))


def details_of(body: Body, problems: Problems, names: Mapping[str, str] = _DETAILS) -> Attributes:
    """What is said of a metric beside its name. names: as the body calls them, and as the message does."""
    found = []
    for name, kept in names.items():
        value = body.values.get(name)
        if isinstance(value, NOT_TEXT):
            problems.add(f"{problems.path(name)} must be a string", name)
        elif value is not None:
            found.append((kept, str(body.texts[name], "utf-8")))
    return tuple(found)
