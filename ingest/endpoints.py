"""The API as tables: what is taken where, from whom, how large it may be, and what it becomes.

An `Endpoint` answers 200 `{}` once its messages are on the log, a `Question` is a GET that is answered from what the
edge knows. `GET /live` and `GET /ready` are in `ingest.health`.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from ingest import limits
from ingest.account import nice_credentials, region
from ingest.api import beacons, cdp, usual, usual_batches, v1, v2
from ingest.api.usual import Usual
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.made import Made
from ingest.roles import BROWSER, READERS, SENDERS, SERVER, Roles

Make = Callable[[Arrival, Mapping[str, str], Body], Made]


class By(Enum):
    """How a caller says who it is."""

    BASIC = "site id and API key, as Basic auth"
    WRITE_KEY = "a key alone, as Basic auth or as `writeKey` in the body"
    SITE_ID = "a browser's key, as `site_id` in the query"
    NOBODY = "nobody: credentials count if there are some, else it is the only workspace's"


class Takes(Enum):
    """What an endpoint does with a body. `NOTHING` and `QUERY`: whatever comes is read within the limit and thrown
    away."""

    OBJECT = "JSON object or form"
    TEXT = "JSON object, also as text/plain"
    QUERY = "the query, a form"
    NOTHING = "nothing"


class Answers(Enum):
    """What is said to what was taken. `LENIENT`: 200 also to what was not, unless the client asks for strictness."""

    OK = "200 {}"
    NO_CONTENT = "204"
    IMAGE = "200 and a GIF"
    ITEMS = "200 {}, or 207 with the items that were not taken"
    LENIENT = "200 {}, whatever it was"


class Endpoint(NamedTuple):
    """`path` is matched against the raw path: each `{segment}` is still encoded when `make` gets it.

    `roles` may call it; what a browser may not say in it is in `ingest.roles`. `usual`: makes the same as `make`, of
    what most say.
    """

    method: str
    path: str
    roles: Roles
    takes: Takes
    limit: int
    make: Make
    by: By = By.BASIC
    answers: Answers = Answers.OK
    usual: Usual | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


class Question(NamedTuple):
    """`answer` makes the content from whose key it is, and from the address under which the edge was reached."""

    path: str
    roles: Roles
    answer: Callable[[str, str], object]


_V1 = "/api/v1"
_CUSTOMER = f"{_V1}/customers/{{identifier}}"
_SEGMENT = f"{_V1}/segments/{{segment_id}}"
_OBJECT, _TEXT, _NOTHING = Takes.OBJECT, Takes.TEXT, Takes.NOTHING


def _pipelines(
    name: str, make: Make, limit: int = limits.PIPELINES_CALL, usual: Usual | None = None
) -> tuple[Endpoint, Endpoint]:
    """Under its name, and under the short one that browsers and phones use."""
    kept = _TEXT, limit, make, By.WRITE_KEY, Answers.LENIENT, usual
    return Endpoint("POST", f"/v1/{name}", SENDERS, *kept), Endpoint("POST", f"/v1/{name[0]}", SENDERS, *kept)


def _beacon(name: str, make: Make) -> Endpoint:
    """A head, and so a query, has its own limit before anybody gets here."""
    kept = BROWSER, Takes.QUERY, limits.HEAD, make, By.SITE_ID, Answers.IMAGE
    return Endpoint("GET", f"/events/{name}.gif", *kept)


ENDPOINTS = (
    Endpoint("PUT", _CUSTOMER, SENDERS, _OBJECT, limits.BODY, v1.identify, usual=usual.customer),
    Endpoint("DELETE", _CUSTOMER, SERVER, _NOTHING, limits.BODY, v1.delete),
    Endpoint("PUT", f"{_CUSTOMER}/devices", SERVER, _OBJECT, limits.BODY, v1.add_device),
    Endpoint("DELETE", f"{_CUSTOMER}/devices/{{device_id}}", SERVER, _NOTHING, limits.BODY, v1.delete_device),
    Endpoint("POST", f"{_CUSTOMER}/suppress", SERVER, _NOTHING, limits.BODY, v1.suppress),
    Endpoint("POST", f"{_CUSTOMER}/unsuppress", SERVER, _NOTHING, limits.BODY, v1.unsuppress),
    Endpoint("POST", f"{_CUSTOMER}/events", SENDERS, _OBJECT, limits.BODY, v1.event, usual=usual.event),
    Endpoint("POST", f"{_V1}/events", SENDERS, _OBJECT, limits.BODY, v1.anonymous_event),
    Endpoint("POST", f"{_V1}/merge_customers", SERVER, _OBJECT, limits.BODY, v1.merge),
    Endpoint("POST", f"{_SEGMENT}/add_customers", SERVER, _OBJECT, limits.BODY, v1.add_to_segment),
    Endpoint("POST", f"{_SEGMENT}/remove_customers", SERVER, _OBJECT, limits.BODY, v1.remove_from_segment),
    Endpoint(
        "POST",
        f"{_V1}/forms/{{form_id}}/submit",
        SERVER,
        _OBJECT,
        limits.BODY,
        v1.submit_form,
        answers=Answers.NO_CONTENT,
    ),
    Endpoint("POST", f"{_V1}/metrics", SERVER, _OBJECT, limits.BODY, v1.metric, By.NOBODY),
    Endpoint("POST", f"{_V1}/push/events", SERVER, _OBJECT, limits.BODY, v1.push_event, By.NOBODY),
    Endpoint("POST", "/push/events", SERVER, _OBJECT, limits.BODY, v1.push_event, By.NOBODY),
    Endpoint("POST", "/unsubscribe/{delivery_id}", SERVER, _OBJECT, limits.BODY, v1.unsubscribe, By.NOBODY),
    Endpoint("POST", "/api/v2/entity", SERVER, _OBJECT, limits.ENTITY, v2.entity, usual=usual.entity),
    Endpoint(
        "POST",
        "/api/v2/batch",
        SERVER,
        _OBJECT,
        limits.BODY,
        v2.batch,
        answers=Answers.ITEMS,
        usual=usual_batches.entities,
    ),
    *_pipelines("identify", cdp.identify, usual=usual.identify),
    *_pipelines("track", cdp.track, usual=usual.track),
    *_pipelines("page", cdp.page),
    *_pipelines("screen", cdp.screen),
    *_pipelines("group", cdp.group),
    *_pipelines("alias", cdp.alias),
    *_pipelines("batch", cdp.batch, limits.BODY, usual_batches.tracks),
    _beacon("identify", beacons.identify),
    _beacon("event", beacons.event),
    _beacon("page", beacons.page),
    Endpoint("POST", "/v1/m", SENDERS, _TEXT, limits.PIPELINES_CALL, cdp.telemetry, By.NOBODY, Answers.LENIENT),
)

QUESTIONS = (
    Question("/auth", READERS, nice_credentials),
    Question("/api/v1/accounts/region", READERS, region),
)
