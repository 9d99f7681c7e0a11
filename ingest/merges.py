"""Two people who are one, as a message."""

from collections.abc import Sequence

from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.naming import person_named
from ingest.parts import part
from ingest.problems import Problems
from schemas.messages import Message

_ALLOWED = ("id", "email", "cio_id")


def merge(arrival: Arrival, primary: str, secondary: str) -> Message:
    """The secondary is the primary."""
    return arrival.message("merge", primary, links=(secondary,))


def ends_of(body: Body, problems: Problems, allowed: Sequence[str] = _ALLOWED) -> tuple[str, str]:
    """Primary and secondary, as a body names them. Raises `BadRequest` with all that is wrong, also with what is in
    `problems` already."""
    primary, secondary = (_end(body, name, problems, allowed) for name in ("primary", "secondary"))
    if primary and primary == secondary:
        # Of a merge the secondary does not stay.
        problems.add("primary and secondary are the same person", "secondary")
    problems.check()
    return primary, secondary


def _end(body: Body, name: str, problems: Problems, allowed: Sequence[str]) -> str:
    given = part(body, name, problems, required=True)
    if given is None:
        return ""
    with problems.within(name):
        return person_named(given, problems, allowed)
