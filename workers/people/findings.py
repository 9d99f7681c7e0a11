"""What was decided: who has which identifier."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from workers.people.facts import Claim, Node

FOR_EVER = (1 << 128) - 1
# Its workspace, id and version.
Message = tuple[str, str, int]


@dataclass(eq=False)
class Person:
    """founder, life: what its `cio_id` is made of. named: how many of its identifiers are neither anonymous nor made by
    us."""

    founder: int
    life: int
    nodes: set[int] = field(default_factory=set)
    named: int = 0


@dataclass(eq=False)
class State:
    """Of one identifier. joined: the version from which on it is its owner's. absorbed: versions of the mergers in
    which its person became another, the last one first. below: version of its last erasure. blocked: the message that
    suppressed it; None if none does. last: version of the last message that made it what it is. claimed: version in
    which the person that it founded became another's; 0 if none did."""

    node: Node
    owner: Person | None = None
    joined: int = 0
    absorbed: list[int] = field(default_factory=list)
    below: int = 0
    blocked: Message | None = None
    last: int = 0
    claimed: int = 0


class Derived(NamedTuple):
    """What the deletion of one identifier did to another one of the same person. kind: delete, suppress, unsuppress."""

    subject: int
    version: int
    kind: str
    workspace: str
    id: str
    requested_at: datetime


class Refusal(NamedTuple):
    """The claims of a pair from one version up to another, that one not in it."""

    subject: int
    linked: int
    since: int
    until: int
    reason: str


@dataclass
class Findings:
    """refusals: those without an end among them. last_claims: of each pair the version of the last claim in a message
    that was taken."""

    states: dict[int, State] = field(default_factory=dict)
    derived: list[Derived] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    last_claims: dict[tuple[int, int], int] = field(default_factory=dict)

    def count(self, claims: Iterable[Claim]) -> None:
        """In the order of the versions."""
        for claim in claims:
            self.last_claims[claim.subject, claim.linked] = claim.version

    @property
    def high(self) -> int:
        """The highest version that had a part in it."""
        return max((state.last for state in self.states.values()), default=0)
