"""Who is in a manual segment, as messages: one for each person."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import parse_qs

import msgspec

from ingest import identifiers, limits
from ingest.arrivals import Arrival
from ingest.bodies import Body
from ingest.naming import text_of
from ingest.problems import Problems
from schemas.messages import Message

_SEGMENT_ID = re.compile(r"[0-9]{1,10}")
_KINDS: Mapping[str, Callable[[str], str]] = {
    "id": identifiers.of_customer_id,
    "email": identifiers.of_email,
    "cio_id": identifiers.of_cio_id,
}
_texts = msgspec.json.Decoder(list[msgspec.Raw])


def members(
    kind: Literal["add_to_segment", "remove_from_segment"],
    arrival: Arrival,
    segment_id: str,
    body: Body,
    problems: Problems,
) -> Sequence[Message]:
    """`ids` of the body, each of the kind that `id_type` in the query says. Raises `BadRequest` with all that is wrong,
    also with what is in `problems` already."""
    if not _SEGMENT_ID.fullmatch(segment_id):
        problems.add("segment id must be a number", "segment_id")
    people = _people(body, _named(arrival.query, problems), problems)
    problems.check()
    target = str(int(segment_id))
    return [arrival.item(number).message(kind, subject, target=target) for number, subject in enumerate(people)]


def _named(query: str, problems: Problems) -> Callable[[str], str]:
    id_type = parse_qs(query).get("id_type", ["id"])[-1]
    if id_type not in _KINDS:
        problems.add("id_type must be id, email or cio_id", "id_type")
    return _KINDS.get(id_type, identifiers.of_customer_id)


def _people(body: Body, named: Callable[[str], str], problems: Problems) -> Sequence[str]:
    ids = body.values.get("ids")
    if ids is None:
        problems.add("ids is required", "ids", "required")
        return []
    if not isinstance(ids, list) or not 1 <= len(ids) <= limits.SEGMENT_IDS:
        problems.add(f"ids must have 1 to {limits.SEGMENT_IDS} identifiers", "ids")
        return []
    names = [f"ids[{number}]" for number in range(len(ids))]
    listed = Body(dict(zip(names, ids, strict=True)), dict(zip(names, _texts.decode(body.texts["ids"]), strict=True)))
    # Who is named twice is named once.
    return list(dict.fromkeys(named(text_of(listed, name, problems)) for name in names))
