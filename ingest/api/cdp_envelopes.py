"""What a call of Data Pipelines has beside what it says: who, when, its id, the client's context."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ingest import identifiers, limits
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.events import anonymous_id_of, event_message
from ingest.ids import NOT_TEXT, ClientId, classified
from ingest.iso_times import iso_time
from ingest.parts import part
from ingest.problems import Problems
from ingest.times import SentTime
from schemas.messages import Kind, Message

USER, ANONYMOUS = "userId", "anonymousId"
_ID, _CONTEXT = "messageId", "context"


class Envelope(NamedTuple):
    """arrival: with the id and the context of the call. person: the subject, "" if nobody is named. links: what the
    same person is called, too: an identify says so, and what else a call says is just said of the person, for the
    contract has it that who is identified gets what a visitor did."""

    arrival: Arrival
    given: ClientId | None
    sent: SentTime | None
    person: str
    links: tuple[str, ...]

    def require_person(self, problems: Problems) -> None:
        """That nobody is named is a problem found, unless somebody was tried to."""
        if not self.person and not any(problem.field in (USER, ANONYMOUS) for problem in problems):
            problems.add(f"{USER} or {ANONYMOUS} is required", USER, "required")

    def event(self, kind: Kind, name: str, data: msgspec.Raw, problems: Problems) -> Sequence[Message]:
        """Something that the person did. Raises `BadRequest` with all that is wrong."""
        self.require_person(problems)
        problems.check()
        return (event_message(self.arrival, kind, self.person, name, data, self.given, self.sent),)


def envelope_of(arrival: Arrival, body: Body, problems: Problems, email: object = None) -> Envelope:
    """email: who is meant if there is no user id. Problems found are appended."""
    given = _given(body, problems)
    sent = iso_time(body, "timestamp", problems) or iso_time(body, "originalTimestamp", problems)
    named = _named(body, problems, email)
    context = arrival.context
    if part(body, _CONTEXT, problems) is not None:
        context = replace(context, sent=body.texts[_CONTEXT])
    if given is None:
        if context is not arrival.context:
            arrival = replace(arrival, context=context)
    else:
        # Whatever is made of the call has its id, and none needs another one.
        arrival = replace(arrival, id=given.text, key="", fingerprint="", context=context)
    return Envelope(arrival, given, sent, named[0] if named else "", tuple(named[1:]))


def _given(body: Body, problems: Problems) -> ClientId | None:
    """A client chooses it for the call alone, whatever it looks like: it tells repeats."""
    value = body.values.get(_ID)
    if value is None or value == "":
        return None
    if isinstance(value, NOT_TEXT):
        problems.add(f"{_ID} must be a string", _ID)
        return None
    text = value if isinstance(value, str) else str(body.texts[_ID], "utf-8")
    if len(text.encode()) > limits.EVENT_ID:
        problems.add(f"{_ID} cannot be longer than {limits.EVENT_ID} bytes", _ID)
        return None
    return ClientId(text, True, classified(text).at)


def _named(body: Body, problems: Problems, email: object) -> list[str]:
    """Subjects of one person; the first is the one that counts."""
    user_id = anonymous_id_of(body, problems, USER)
    anonymous_id = anonymous_id_of(body, problems, ANONYMOUS)
    named = []
    if user_id:
        named.append(identifiers.of_customer(user_id))
    elif isinstance(email, str) and identifiers.is_email(email) and len(email.encode()) <= limits.IDENTIFIER:
        named.append(identifiers.of_email(email))
    if anonymous_id:
        named.append(identifiers.of_anonymous(anonymous_id))
    return named
