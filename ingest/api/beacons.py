"""The legacy browser snippet: a query in place of a body, and all of its values are texts.

`c` is whom the page identified last, `s` the visitor: each may be empty, and an identify with both says that they are
one person, as in Data Pipelines. `timestamp` is in milliseconds.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from ingest import identifiers, limits
from ingest.api import v1
from ingest.arrivals import Arrival
from ingest.bodies import EMPTY, Body, of_values, without
from ingest.customers import ORDER
from ingest.events import anonymous_id_of, data_of, event_message, name_of
from ingest.made import Made
from ingest.parts import part
from ingest.problems import Problems
from ingest.times import MILLISECONDS, SentTime, sent_time

Path = Mapping[str, str]
_USER, _DATA, _CUSTOMER, _VISITOR = "user", "data", "c", "s"
OBJECTS = (_USER, _DATA)
_IDS = ("id", "id_secure")
_NO_ATTRIBUTES = (*_IDS, "_secure")  # nothing is known of what a secure id would have to prove: it is an id
_NO_DATA = (None, "", "null")  # as the snippet writes what is none


def identify(arrival: Arrival, _path: Path, query: Body) -> Made:
    """Create a customer, or change the attributes that are named; the visitor is the same person."""
    problems = Problems()
    user, visitors = part(query, _USER, problems) or EMPTY, _visitors(query, problems)
    with problems.within(_USER):
        ids = [anonymous_id_of(user, problems, name) for name in _IDS]
        sent = sent_time(user, ORDER, problems)
    id = next(filter(None, ids), "") or anonymous_id_of(query, problems, _CUSTOMER)
    if not id and not problems:
        problems.add("user[id] is required", "user.id", "required")
    subject, attributes = identifiers.of_customer(id), without(user, _NO_ATTRIBUTES)
    return v1.identified(arrival, subject, attributes, sent or _sent(query, problems), problems, visitors)


def event(arrival: Arrival, _path: Path, query: Body) -> Made:
    """An event of the customer, else of the visitor, else of nobody."""
    return _seen(arrival, "event", query)


def page(arrival: Arrival, _path: Path, query: Body) -> Made:
    """Somebody looked at a page, whose name is its URL."""
    return _seen(arrival, "page", _named(query))


def _seen(arrival: Arrival, kind: Literal["event", "page"], query: Body) -> Made:
    problems = Problems()
    name = name_of(query, kind, problems)
    data = data_of(query if query.values.get(_DATA) not in _NO_DATA else EMPTY, _DATA, problems)
    id, visitors = anonymous_id_of(query, problems, _CUSTOMER), _visitors(query, problems)
    subject = identifiers.of_customer(id) if id else "".join(visitors)
    sent = _sent(query, problems)
    problems.check()
    return Made((event_message(arrival, kind, subject, name, data, None, sent),))


def _named(query: Body) -> Body:
    """A URL may be longer than a name: all of it is then in the data."""
    url, data = query.values.get("name"), query.values.get(_DATA)
    data = {} if data in _NO_DATA else data
    if not isinstance(url, str) or len(url) <= limits.VIEW_NAME_CHARACTERS or not isinstance(data, dict):
        return query
    name = url.strip()[: limits.VIEW_NAME_CHARACTERS]
    return of_values({**query.values, "name": name, _DATA: {"url": url, **data}})


def _visitors(query: Body, problems: Problems) -> Sequence[str]:
    """The subject of one, if there is one."""
    visitor = anonymous_id_of(query, problems, _VISITOR)
    return (identifiers.of_anonymous(visitor),) if visitor else ()


def _sent(query: Body, problems: Problems) -> SentTime | None:
    return sent_time(query, "timestamp", problems, MILLISECONDS)
