"""What a model of people is made of: nodes, persons, and what was written of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.messages import MUST_EXIST, Message
from tests.placed import Placed, Version

KINDS = ("id:", "email:", "phone:", "cio:", "anon:")  # of people, in the order in which links are looked at
OBJECTS = ("object:", "cio_object:")
ANONYMOUS, CIO = "anon:", "cio:"
EVENTS = ("event", "page", "screen")
CREATING = (*EVENTS, "add_device", "add_relationships", "form")  # and an identify, which does so of anybody
CONTROL = ("delete", "suppress", "unsuppress")
NOT_SET = ("null", '""')
FIVE_MINUTES = 300_000
_CIO_ID = re.compile(r"cio:([0-9a-f]{32})((?:[1-9a-f][0-9a-f]*)?)")
Hashes = Mapping[tuple[str, str], str]  # (workspace, 32 hex digits) -> whose hash that is


class Written(NamedTuple):
    """The exact text of an attribute, and by which message."""

    text: str
    version: Version
    subject: str


@dataclass(eq=False)
class Person:
    """`nodes`: also those that its cio_ids are, each with when it joined, after the times at which its person became
    another, the last one first."""

    founder: str
    life: int
    nodes: dict[str, tuple[Version, ...]]
    attributes: dict[str, Written] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return named(self.founder, self.life)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """In the order in which they came to this person, the founder first; of one message's none came before the
        other."""
        found = [node for node in self.nodes if not node.startswith(CIO)]
        return tuple(sorted(found, key=lambda node: (node != self.founder, self.nodes[node], node)))

    @property
    def anonymous_only(self) -> bool:
        return all(node.startswith(ANONYMOUS) for node in self.identifiers)

    def gain(self, other: "Person", version: Version) -> None:
        """All that it lacks and the other has."""
        self.nodes |= {node: (version, *since) for node, since in other.nodes.items()}
        for name, written in other.attributes.items():
            if written.text not in NOT_SET and (name not in self.attributes or self.attributes[name].text in NOT_SET):
                self.attributes[name] = written


def named(founder: str, life: int) -> str:
    """A person's name in this model; `life`: ms, 0 if nothing of the founder was erased before."""
    return f"{founder} since {life}" if life else founder


class Nodes:
    """Which node a subject is. A cio_id is one by whom it names, since only ClickHouse can make one."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    def of(self, workspace: str, subject: str) -> str:
        found = _CIO_ID.fullmatch(subject)
        founder = self._hashes.get((workspace, found[1])) if found else None
        return cio_node(founder, int(found[2] or "0", 16)) if found and founder else subject


def cio_node(founder: str, life: int) -> str:
    return f"{CIO}{named(founder, life)}"


def in_order(links: Iterable[str]) -> Sequence[str]:
    return sorted(links, key=lambda link: (KINDS.index(kind_of(link)), link))


def kind_of(subject: str) -> str:
    return subject[: subject.index(":") + 1]


def must_exist(message: Message) -> bool:
    return message.kind == "identify" and MUST_EXIST in message.attributes


def creates(message: Message) -> bool:
    """Whether it is of a kind that brings its subject into being."""
    events = message.kind in CREATING and not message.subject.startswith(ANONYMOUS)
    return (message.kind == "identify" or events) and message.subject.startswith(KINDS)


def begins(message: Message) -> bool:
    """Whether it brings its subject, an object, into being."""
    return message.kind in ("identify", "add_relationships") and message.subject.startswith(OBJECTS)


def link_of(message: Message, attribute: str) -> str | None:
    """The link that an attribute became."""
    kind = {"id": "id:", "email": "email:", "phone": "phone:", "anonymous_id": ANONYMOUS}.get(attribute)
    return next((link for link in message.links if kind and link.startswith(kind)), None)


def last_repeats(records: Iterable[Placed]) -> dict[tuple[str, str, str], Version]:
    """Of each event by workspace, subject and id."""
    found: dict[tuple[str, str, str], Version] = {}
    for record in records:
        message = record.message
        if message.kind in EVENTS:
            key = (message.workspace, message.subject, message.id)
            found[key] = max(record.version, found.get(key, record.version))
    return found
