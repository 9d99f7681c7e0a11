"""Track v2: one call, an entity and an action on it; or a batch of them."""

from collections.abc import Mapping, Sequence

from ingest import limits
from ingest.api.v2_actions import ACTIONS, TYPES, UNIDENTIFIED
from ingest.arrivals import Arrival
from ingest.batches import made_of_items
from ingest.bodies import Body
from ingest.made import Made
from ingest.problems import Problems
from ingest.relationships import identified
from schemas.messages import Message

Path = Mapping[str, str]

_TYPES = tuple(TYPES)
# Of each type; of an unknown one, "", all that there are.
_ACTIONS = {
    "": tuple(dict.fromkeys(action for _, action in ACTIONS)),
    **{type: tuple(action for of, action in ACTIONS if of == type) for type in TYPES},
}


def entity(arrival: Arrival, _path: Path, body: Body) -> Made:
    """What is said of one person, object or delivery."""
    return Made(messages(arrival, body))


def batch(arrival: Arrival, _path: Path, body: Body) -> Made:
    """Entities of all types; what is wrong with one is no matter of the others."""
    return made_of_items(arrival, body, limits.ENTITY, messages)


def messages(arrival: Arrival, body: Body) -> tuple[Message]:
    """What one entity says. Raises `BadRequest` and `Forbidden`."""
    problems = Problems()
    type, action = _said(body, problems)
    subject = "" if (type, action) in UNIDENTIFIED else identified(body, TYPES[type], problems)
    return (ACTIONS[type, action](arrival, subject, body, problems),)


def _said(body: Body, problems: Problems) -> tuple[str, str]:
    """Type and action. Raises `BadRequest` without them: what else an entity needs depends on both."""
    type = _word(body, "type", _TYPES, problems)
    action = _word(body, "action", _ACTIONS[type], problems)
    if not action and type and "identifiers" in body.values:
        identified(body, TYPES[type], problems)
    problems.check()
    return type, action


def _word(body: Body, name: str, known: Sequence[str], problems: Problems) -> str:
    value = body.values.get(name)
    if value in known:
        return str(value)
    if value is None or value == "":
        problems.add(f"{name} is required", name, "required")
    else:
        problems.add(f"{name} must be one of {', '.join(known)}", name)
    return ""
