"""What was submitted by a form, as a message."""

from ingest import limits
from ingest.arrivals import Arrival
from ingest.bodies import EMPTY, Body
from ingest.customers import NO_ATTRIBUTES, links_of, pairs_of
from ingest.errors import BadRequest
from ingest.made import RefusedButKept
from ingest.naming import person_named
from ingest.parts import part
from ingest.problems import Problems
from schemas.messages import Attributes, Message

_DATA = "data"
_NAMES_SOMEBODY = ("id", "email")
# What the form says of itself.
_RESERVED = frozenset({"form_id", "form_name", "form_type", "form_url", "form_url_param"})


def form(arrival: Arrival, form_id: str, body: Body, problems: Problems) -> Message:
    """body: has the fields of the form as its `data`; they become attributes of the person that they name.

    Raises `RefusedButKept` with all that is wrong, also with what is in `problems` already: the form is known all the
    same.
    """
    fields = part(body, _DATA, problems, required=True) or EMPTY
    subject, pairs = _read(fields, problems) if not problems else ("", ())
    try:
        problems.check()
    except BadRequest as refusal:
        # Not what was filled in: nobody could tell whose it is, so nobody could delete it.
        raise RefusedButKept(refusal, [arrival.message("form", f"form:{form_id}", target=form_id)]) from None
    links = links_of(subject, fields)
    return arrival.message("form", subject, target=form_id, data=body.texts[_DATA], attributes=pairs, links=links)


def _read(fields: Body, problems: Problems) -> tuple[str, Attributes]:
    with problems.within(_DATA):
        subject = person_named(fields, problems, _NAMES_SOMEBODY)
        for name, value in fields.values.items():
            # Of an id a number counts as its text, as everywhere.
            if not isinstance(value, str) and name not in (*_NAMES_SOMEBODY, *_RESERVED):
                excerpt = name[: limits.ATTRIBUTE_NAME]
                problems.add(f"value for form field '{excerpt}' must be a string", excerpt)
        return subject, pairs_of(fields, problems, without=_RESERVED | NO_ATTRIBUTES)
