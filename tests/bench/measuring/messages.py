"""What the benches of the worker send: one in ten an identify with three attributes, the others events."""

import random
import uuid

import msgspec

from schemas.messages import Context, Message

CUSTOMERS = 100_000
CONTEXT = Context(endpoint="POST /api/v1/customers/{id}/events", ip="127.0.0.1", user_agent="bench")
DATA = msgspec.Raw(b'{"price":23.45,"currency":"EUR","items":["a","b"]}')
ATTRIBUTES = (("email", '"a@b.c"'), ("plan", '"premium"'), ("age", "42"))


def message(number: int, rng: random.Random, at: float = 1_790_000_000.0) -> Message:
    """at: s since 1970, of the first; a thousand come in a second."""
    identify = number % 10 == 0
    return Message(
        id=str(uuid.UUID(int=rng.getrandbits(128))),
        workspace="bench",
        kind="identify" if identify else "event",
        subject=f"id:{rng.randrange(CUSTOMERS)}",
        name="" if identify else "purchase",
        timestamp=at + number / 1000,
        received_at=at + number / 1000,
        attributes=ATTRIBUTES if identify else (),
        data=msgspec.Raw(b"{}") if identify else DATA,
        context=CONTEXT,
    )
