"""What is said of objects, whatever people belong to that is no person, as messages."""

from ingest import limits
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.customers import pairs_of
from ingest.problems import Problems
from ingest.relationships import Relationships
from ingest.times import SentTime
from schemas.messages import Message


def identify(
    arrival: Arrival,
    subject: str,
    attributes: Body,
    sent: SentTime | None,
    problems: Problems,
    relationships: Relationships = (),
) -> Message:
    """Create an object or change the attributes that are named, and relate it to people. Raises `BadRequest` with all
    that is wrong, also with what is in `problems` already.

    None of its attributes says who it is: a company's email is nobody's. Nor does one say how it is meant: the contract
    knows `_update` of people only.
    """
    pairs = pairs_of(attributes, problems, longest=limits.OBJECT)
    problems.check()
    return arrival.message("identify", subject, sent=sent, attributes=pairs, relationships=tuple(relationships))
