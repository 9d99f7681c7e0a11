"""The API as one table: what is taken where, how large it may be, and which message it becomes.

Everything here wants the credentials of the workspace, and answers 200 `{}` once the message is on the log.
`GET /live` and `GET /ready` are in `ingest.health`.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from ingest import limits
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.customers import delete, identify
from ingest.events import anonymous_event, event
from schemas.messages import Message

MakeMessage = Callable[[Arrival, Mapping[str, str], Body], Message]


class Takes(Enum):
    """What an endpoint does with a body. `NOTHING`: whatever comes is read within the limit and thrown away."""

    OBJECT = "JSON object or form"
    NOTHING = "nothing"


class Endpoint(NamedTuple):
    """`path` is matched against the raw path: each `{segment}` is still encoded when `message` gets it."""

    method: str
    path: str
    takes: Takes
    limit: int
    message: MakeMessage

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


ENDPOINTS = (
    Endpoint("PUT", "/api/v1/customers/{identifier}", Takes.OBJECT, limits.BODY, identify),
    Endpoint("DELETE", "/api/v1/customers/{identifier}", Takes.NOTHING, limits.BODY, delete),
    Endpoint("POST", "/api/v1/customers/{identifier}/events", Takes.OBJECT, limits.BODY, event),
    Endpoint("POST", "/api/v1/events", Takes.OBJECT, limits.BODY, anonymous_event),
)
