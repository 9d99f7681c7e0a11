"""Messages told in a few words, and what the model makes of them."""

from typing import Any

from schemas.messages import MUST_EXIST, Context, Kind, Message
from tests.model import World, world
from tests.model_people import People
from tests.placed import Placed

W = "w"
# As if ClickHouse had made them.
HASHES = {(W, "a" * 32): "id:1", (W, "b" * 32): "id:2", (W, "c" * 32): "anon:1"}
CIO_1, CIO_2, CIO_ANON = "cio:" + "a" * 32, "cio:" + "b" * 32, "cio:" + "c" * 32
UPDATE = (MUST_EXIST,)


def say(at: int, kind: Kind, subject: str, *links: str, id: str = "", **fields: Any) -> Placed:
    """Something appended at that ms, whose place is the ms too."""
    message = Message(
        id=id or f"m{at}",
        workspace=W,
        kind=kind,
        subject=subject,
        links=links,
        received_at=at / 1000,
        timestamp=fields.pop("sent", at) / 1000,
        context=Context(endpoint="test"),
        **fields,
    )
    return Placed(message, at, at)


def identify(at: int, subject: str, *links: str, **attributes: str) -> Placed:
    """Attributes are texts, written as JSON strings."""
    return say(at, "identify", subject, *links, attributes=tuple((n, f'"{text}"') for n, text in attributes.items()))


def seen(*records: Placed) -> World:
    return world(records, hashes=HASHES)


def persons(*records: Placed) -> dict[str, tuple[str, ...]]:
    """By their names the identifiers."""
    return {row.person: row.identifiers for row in seen(*records).customers.values()}


def attributes(world: World, founder: str) -> dict[str, str]:
    return world.customers[W, founder].attributes


def refused(*records: Placed) -> set[tuple[str, str]]:
    """Reason and id of the message."""
    assert all(times == 1 for times in seen(*records).rejections.values())
    return {(reason, id) for _, reason, id in seen(*records).rejections}


def refused_links(*records: Placed) -> list[tuple[str, str]]:
    return [(link, reason) for _, link, reason in People(records, hashes=HASHES).refusals()]
