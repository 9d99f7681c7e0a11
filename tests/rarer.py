"""Messages of all kinds but events and deletions, made by chance: about few people and things, so that they meet."""

import random
from typing import Any

import msgspec

from schemas.messages import Kind

# With how often each is said. Most suppressions end.
KINDS: dict[Kind, int] = {
    "suppress": 1,
    "unsuppress": 3,
    "merge": 1,
    "add_device": 2,
    "delete_device": 1,
    "add_relationships": 2,
    "delete_relationships": 1,
    "add_to_segment": 1,
    "remove_from_segment": 1,
    "form": 1,
    "metric": 2,
    "unsubscribe": 1,
    "rejection": 1,
    "telemetry": 1,
    "identify": 6,
}
NAMES = ["a0", "a1", "cio_subscription_preferences.topics.t"]
NOTHING_ELSE: dict[str, Any] = {}


def rarer(rng: random.Random) -> tuple[Kind, str, dict[str, Any]]:
    """Kind, subject, and the other fields."""
    [kind] = rng.choices(list(KINDS), list(KINDS.values()))
    person, other = (f"{rng.choice(['id', 'email'])}:{rng.randrange(6)}" for _ in range(2))
    thing, delivery = f"object:1/{rng.randrange(3)}", f"delivery:{rng.randrange(4)}"
    named = rng.sample(NAMES, rng.randrange(3))
    pairs = tuple((name, rng.choice(["1.0", '"x"', "null", "[1e2]"])) for name in named)
    about, end = rng.choice([(person, thing), (thing, person)])
    related = {"relationships": ((end, pairs), (rng.choice([other, thing]), pairs))}
    recipient = (("recipient", f'"{rng.randrange(6)}"'),) if rng.random() < 0.7 else ()
    submitted = {"target": f"f{rng.randrange(2)}", "attributes": pairs, "data": msgspec.Raw(b'{"a":"b"}')}
    told: dict[str, tuple[str, dict[str, Any]]] = {
        "merge": (person, {"links": (other,)}),
        "add_device": (person, {"target": f"t{rng.randrange(4)}", "name": "ios", "attributes": pairs}),
        "delete_device": (person, {"target": f"t{rng.randrange(4)}"}),
        "add_relationships": (about, related),
        "delete_relationships": (about, related),
        "add_to_segment": (person, {"target": str(rng.randrange(3))}),
        "remove_from_segment": (person, {"target": str(rng.randrange(3))}),
        "form": (rng.choice([person, person, f"form:{submitted['target']}"]), submitted),
        "metric": (delivery, {"name": rng.choice(["sent", "opened"]), "attributes": recipient}),
        "unsubscribe": (delivery, {"attributes": (("unsubscribe", rng.choice(["true", "false"])),)}),
        "rejection": (f"rejection:{rng.randrange(9)}", {"name": "invalid", "data": msgspec.Raw(b'{"status":400}')}),
        "telemetry": (f"telemetry:{rng.randrange(9)}", {"data": msgspec.Raw(b"{}")}),
        "identify": (about, {"links": (other,), "attributes": pairs, **related}),
    }
    return kind, *told.get(kind, (person, NOTHING_ELSE))
