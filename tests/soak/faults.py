"""What goes wrong in a run, and when: decided beforehand, by the seed alone."""

import random
from dataclasses import dataclass
from typing import Literal

Kind = Literal["kill", "pause", "run"]
FIRST = 5.0  # s before the first fault of a lane
ROOM = 0.85  # of the time of a run, after which nothing begins any more


@dataclass(frozen=True)
class Fault:
    """at: s since the beginning, or as soon as the one before it in its lane is over.

    kill: SIGKILL, and start it again after `seconds`. pause: SIGSTOP for `seconds`. run: a command of `penstock`.
    meanwhile: another part that is killed and started again while the first one is away.
    """

    at: float
    kind: Kind
    what: str
    seconds: float = 0.0
    meanwhile: str = ""


@dataclass(frozen=True)
class Danger:
    """A fault that may come, how often beside the others of its lane, and how many s it may last."""

    weight: int
    kind: Kind
    what: str
    least: float = 0.0
    most: float = 0.0
    meanwhile: str = ""


# The faults of one lane come one after the other; the lanes know nothing of each other. Those who are never killed
# show what becomes of their memory: one edge and one worker.
KAFKA = {
    "front": (
        Danger(3, "kill", "edge-1", 0, 4),
        Danger(2, "kill", "broker", 0.5, 6),
        Danger(2, "pause", "broker", 1, 8),
        Danger(2, "kill", "broker", 3, 6, "edge-1"),
    ),
    "back": (
        Danger(4, "kill", "worker-1", 0, 4),
        Danger(1, "pause", "worker-1", 1, 14),
        Danger(1, "pause", "worker-2", 1, 14),
        Danger(3, "kill", "ClickHouse", 0, 5),
        Danger(2, "pause", "ClickHouse", 1, 8),
    ),
}
EMBEDDED = {
    "front": (Danger(3, "kill", "edge"), Danger(1, "kill", "up", 0, 3)),
    "back": (
        Danger(3, "kill", "worker"),
        Danger(1, "pause", "worker", 1, 10),
        Danger(3, "kill", "ClickHouse"),
        Danger(2, "pause", "ClickHouse", 1, 8),
    ),
}
OPERATOR = (
    Danger(3, "run", "purge"),
    Danger(3, "run", "replay --from journal"),
    Danger(1, "run", "migrate"),
    Danger(1, "run", "audit"),
)


def schedule(seed: int, seconds: float, log: str, commands: set[str]) -> dict[str, list[Fault]]:
    """The faults of each lane, in order. `commands`: those of `penstock` that there are."""
    lanes = dict(KAFKA if log == "kafka" else EMBEDDED)
    # `up` makes its tables itself, and nobody else knows the address.
    known = commands if log == "kafka" else commands - {"migrate"}
    lanes["operator"] = tuple(danger for danger in OPERATOR if danger.what.split()[0] in known)
    # A seed of its own for each lane: one lane's dangers do not move another's times.
    return {
        name: _lane(random.Random(f"{seed} {name}"), seconds, dangers) for name, dangers in lanes.items() if dangers
    }


def _lane(rng: random.Random, seconds: float, dangers: tuple[Danger, ...]) -> list[Fault]:
    # In a short run they follow each other more closely; `up` gives a part up that dies five times within seconds.
    gap = min(20.0, max(8.0, seconds / 10))
    faults: list[Fault] = []
    at = FIRST + rng.uniform(0, gap / 2)
    while at < seconds * ROOM:
        danger = rng.choices(dangers, [danger.weight for danger in dangers])[0]
        lasts = rng.uniform(danger.least, min(danger.most, max(danger.least, seconds / 15)))
        faults.append(Fault(at, danger.kind, danger.what, lasts, danger.meanwhile))
        at += lasts + rng.uniform(0.6, 1.4) * gap
    return faults
