"""What decides who is who, as it was read."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

CIO = "cio"
ANONYMOUS = "anon"
EFFECTIVE = 86  # bits of a version below its effective time in ms
# The other end of a claim that whoever it is about must be known already.
UPDATE = 1
_CIO_ID = re.compile(r"(?P<founder>[0-9a-f]{32})(?P<life>[1-9a-f][0-9a-f]{0,10})?")


class Node(NamedTuple):
    """An identifier. `hash`: `subject_hash` of the tables. kind and text are empty where only the hash is known."""

    hash: int
    workspace: str = ""
    kind: str = ""
    text: str = ""

    @property
    def subject(self) -> str:
        return f"{self.kind}:{self.text}"

    @property
    def named(self) -> tuple[int, int] | None:
        """Of a `cio_id`: the hash of the founder and the life that it names; None if it can be nobody's."""
        match = _CIO_ID.fullmatch(self.text) if self.kind == CIO else None
        return (int(match["founder"], 16), int(match["life"] or "0", 16)) if match else None


class Claim(NamedTuple):
    """What one message said of two identifiers. `linked`: 0 behind a `cio_id` that is none, or `UPDATE`. alias: it is
    no claim of the client's, but what a `cio_id` stands for, or `UPDATE`; `bare` if it is said of the subject."""

    subject: int
    linked: int
    version: int
    kind: str
    must_exist: bool
    alias: bool = False
    bare: bool = False


class Creation(NamedTuple):
    """A message that would bring an identifier into being. again: it is the first after an erasure, else the
    very first. event: its id, if it is one that a repeat may replace."""

    subject: int
    version: int
    again: bool = False
    event: str = ""


class Erasure(NamedTuple):
    """A deletion, a suppression or its end, of one identifier. id: of the message. purged: of those whom that message
    hit, what was said before may be gone."""

    subject: int
    version: int
    kind: str
    workspace: str
    id: str
    requested_at: datetime
    purged: bool = False

    @property
    def message(self) -> tuple[str, str, int]:
        """Which one asked for it: the same for all that one message did."""
        return self.workspace, self.id, self.version


@dataclass
class Facts:
    """All that is known of identifiers which have to do with each other.

    creations: of each identifier the first, and the first after each erasure.
    last_claims: of each pair, the version of its last claim that nothing may have refused as a whole; else 0.
    last_events: of an anonymous identifier, the version of its last event.
    addressed: identifiers under which something may have been said.
    excess: pairs that are beyond what one identifier may have to do with.
    """

    nodes: dict[int, Node] = field(default_factory=dict)
    claims: set[Claim] = field(default_factory=set)
    erasures: set[Erasure] = field(default_factory=set)
    creations: set[Creation] = field(default_factory=set)
    last_claims: dict[tuple[int, int], int] = field(default_factory=dict)
    last_events: dict[int, int] = field(default_factory=dict)
    addressed: set[int] = field(default_factory=set)
    excess: set[tuple[int, int]] = field(default_factory=set)

    def parts(self, hashes: Iterable[int]) -> Iterator[set[int]]:
        """Of these, each with all that it has to do with: by a claim, or a suppression that hit them together."""
        if not (left := set(hashes)):
            return
        bonds: dict[int, set[int]] = {}
        for one, other in self._bonds():
            bonds.setdefault(one, set()).add(other)
            bonds.setdefault(other, set()).add(one)
        while left:
            part, reached = set(), {left.pop()}
            while reached:
                part |= reached
                reached = {other for hash in reached for other in bonds.get(hash, ())} - part
            left -= part
            yield part

    def _bonds(self) -> Iterator[tuple[int, int]]:
        yield from ((claim.subject, claim.linked) for claim in self.claims if claim.linked in self.nodes)
        first: dict[tuple[str, str, int], int] = {}
        for erasure in self.erasures:
            if erasure.kind == "suppress":
                yield erasure.subject, first.setdefault(erasure.message, erasure.subject)
