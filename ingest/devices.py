"""What is said of people's devices, as messages."""

from collections.abc import Collection

from ingest import limits
from ingest.arrivals import Arrival
from ingest.bodies import EMPTY, Body
from ingest.customers import pairs_of
from ingest.naming import text_of
from ingest.parts import part
from ingest.problems import Problems
from ingest.times import SentTime, sent_time
from schemas.messages import Message

PLATFORMS = ("ios", "android")
_ATTRIBUTES = "attributes"
_LAST_USED = "last_used"


def add_device(
    arrival: Arrival,
    subject: str,
    device: Body,
    problems: Problems,
    token: str = "id",  # noqa: S107  a field's name
    platform: str = "platform",
    last_used: SentTime | None = None,
) -> Message:
    """Create a device of that person or change it; it is nobody else's from then on. token, platform: the names of the
    fields that hold them. last_used: when, if the device does not say it. Raises `BadRequest` with all that is wrong,
    also with what is in `problems` already."""
    text = text_of(device, token, problems, limits.TOKEN)
    name = _platform(device, platform, problems)
    last_used = sent_time(device, _LAST_USED, problems) or last_used
    pairs = pairs_of(_attributes(device, (token, platform), problems), problems)
    problems.check()
    return arrival.message("add_device", subject, sent=last_used, target=text, name=name, attributes=pairs)


def delete_device(arrival: Arrival, subject: str, token: str) -> Message:
    """That person has the device no longer."""
    return arrival.message("delete_device", subject, target=token)


def _platform(device: Body, field: str, problems: Problems) -> str:
    platform = text_of(device, field, problems).lower()
    if platform and platform not in PLATFORMS:
        problems.add(f"{problems.path(field)} must be one of {', '.join(PLATFORMS)}", field)
    return platform


def _attributes(device: Body, named: Collection[str], problems: Problems) -> Body:
    """Python and Ruby write them beside the token, Node and Go into an object of their own."""
    own = part(device, _ATTRIBUTES, problems) or EMPTY
    beside = [name for name in device.values if name not in (*named, _LAST_USED, _ATTRIBUTES)]
    return Body(
        {name: device.values[name] for name in beside} | dict(own.values),
        {name: device.texts[name] for name in beside} | dict(own.texts),
    )
