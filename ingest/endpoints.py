"""The API as tables: what is taken where, with which roles of key, how large it may be, and what it becomes.

Everything here wants a key. An `Endpoint` answers 200 `{}` once its message is on the log, a `Question` is a GET.
`GET /live` and `GET /ready` are in `ingest.health`.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from ingest import limits
from ingest.account import nice_credentials, region
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.customers import delete, identify
from ingest.events import anonymous_event, event
from ingest.roles import READERS, SENDERS, SERVER, Roles
from schemas.messages import Message

MakeMessage = Callable[[Arrival, Mapping[str, str], Body], Message]


class Takes(Enum):
    """What an endpoint does with a body. `NOTHING`: whatever comes is read within the limit and thrown away."""

    OBJECT = "JSON object or form"
    NOTHING = "nothing"


class Endpoint(NamedTuple):
    """`path` is matched against the raw path: each `{segment}` is still encoded when `message` gets it.

    `roles` may call it; what a browser may not say in it is in `ingest.roles`.
    """

    method: str
    path: str
    roles: Roles
    takes: Takes
    limit: int
    message: MakeMessage

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


class Question(NamedTuple):
    """`answer` makes the content from whose key it is, and from the address under which the edge was reached."""

    path: str
    roles: Roles
    answer: Callable[[str, str], object]


ENDPOINTS = (
    Endpoint("PUT", "/api/v1/customers/{identifier}", SENDERS, Takes.OBJECT, limits.BODY, identify),
    Endpoint("DELETE", "/api/v1/customers/{identifier}", SERVER, Takes.NOTHING, limits.BODY, delete),
    Endpoint("POST", "/api/v1/customers/{identifier}/events", SENDERS, Takes.OBJECT, limits.BODY, event),
    Endpoint("POST", "/api/v1/events", SENDERS, Takes.OBJECT, limits.BODY, anonymous_event),
)

QUESTIONS = (
    Question("/auth", READERS, nice_credentials),
    Question("/api/v1/accounts/region", READERS, region),
)
