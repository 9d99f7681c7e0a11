"""The history of one workspace, told message by message in the order of versions: who is who in the end."""

from collections.abc import Iterable

from schemas.messages import MUST_EXIST
from tests.model_persons import (
    ANONYMOUS,
    CIO,
    CONTROL,
    EVENTS,
    FIVE_MINUTES,
    KINDS,
    Hashes,
    Nodes,
    Person,
    Written,
    cio_node,
    creates,
    in_order,
    last_repeats,
    link_of,
    must_exist,
)
from tests.model_suppression import Erased
from tests.placed import Placed, Version

Refusal = tuple[Placed, str, str]  # the message, the link (empty: all of it), why


class History:
    """`owners`: of each node that belongs to somebody. `dropped`: places of messages of which nothing counts;
    `suppressed`: of those whose subject was suppressed at that place."""

    def __init__(self, records: Iterable[Placed], erased: Version | None, hashes: Hashes) -> None:
        """erased: below which nothing but deletions ever was."""
        self.erased = Erased()
        self._anew = erased is not None
        self.owners: dict[str, Person] = {}
        self.refusals: list[Refusal] = []
        self.dropped: set[tuple[int, int]] = set()
        self.suppressed: set[tuple[int, int]] = set()
        self._claims: list[tuple[str, str, Version]] = []  # an anonymous node, who claims it, when
        self._nodes = Nodes(hashes)
        told = sorted(records, key=lambda record: (record.version, record.message.subject))
        self._last = last_repeats(told)
        for record in told:
            if record.message.kind in CONTROL or erased is None or record.version >= erased:
                self._add(record)

    def node(self, record: Placed, subject: str = "") -> str:
        """That a subject is; without one the message's own."""
        return self._nodes.of(record.message.workspace, subject or record.message.subject)

    def until(self, node: str) -> int | None:
        """Up to which ms the events of an anonymous node are its person's. None: all of them are."""
        person = self.owners[node]
        if person.founder == node:
            return None
        below = self.erased.below
        claims = [
            version[0]
            for claimed, by, version in self._claims
            if claimed == node
            and self.owners.get(by) is person
            and all(version >= below.get(each, version) for each in (node, by))
        ]
        return max(claims, default=-FIVE_MINUTES) + FIVE_MINUTES

    def _add(self, record: Placed) -> None:
        message, node = record.message, self.node(record)
        if message.kind in CONTROL:
            self._control(record, node)
        elif not message.subject.startswith(KINDS):
            return
        elif self.erased.blocks(node):
            self.suppressed.add(record.place)
        elif message.kind == "merge":
            self._merge(record, node)
        elif node.startswith(CIO) and node not in self.owners:
            self._drop(record, "unknown_cio_id")
        elif creates(message):
            self._create(record, node)

    def _control(self, record: Placed, node: str) -> None:
        """A deletion takes all nodes of its person."""
        person, blocked = self.owners.get(node), self.erased.blocks(node)
        if node.startswith(CIO) and not person and not blocked:
            self._drop(record, "unknown_cio_id")
        if record.message.kind == "unsuppress":
            self.erased.unsuppress(node, record.version)
        elif not blocked:
            together = {node, *(person.nodes if person else ())}
            for each in together:
                self.owners.pop(each, None)
            if record.message.kind == "delete":
                self.erased.delete(together, record.version)
            else:
                self.erased.suppress(together)

    def _create(self, record: Placed, node: str) -> None:
        """An identify or another message that brings its subject into being, with what it links to it."""
        links = in_order(record.message.links)
        impossible = {link: reason for link in links if (reason := self._impossible(record, link))}
        person = self._addressed(node, [self.node(record, link) for link in links])
        if person is None and not self._brings(record, node):
            if must_exist(record.message):
                self._drop(record, "unknown_person", links)
            return
        person = person or self._founded(node, record.version)
        refused = []
        # Of one message's identifiers none came before the other.
        for each in sorted({record.message.subject, *links}):
            if each == record.message.subject:
                self._join(person, node, record.version)
            elif not self._link(record, person, each, impossible.get(each, "")):
                refused.append(each)
        self._claim(record, node, links)
        self._write(record, person, refused)

    def _brings(self, record: Placed, node: str) -> bool:
        """Whether somebody unknown is created. By an event, if something of them was erased before, or their whole
        workspace, only where that was last repeated."""
        message = record.message
        if message.kind in EVENTS and not message.links and (self._anew or node in self.erased.below):
            return record.version == self._last[message.workspace, message.subject, message.id]
        return not must_exist(message)

    def _impossible(self, record: Placed, link: str) -> str:
        """Why a link can be to nobody; empty if it can."""
        node = self.node(record, link)
        if self.erased.blocks(node):
            return "suppressed"
        return "unknown_cio_id" if node.startswith(CIO) and node not in self.owners else ""

    def _addressed(self, node: str, links: Iterable[str]) -> Person | None:
        """Whom a message with these nodes is about: the first that is known, and not just anonymous if one is. Somebody
        else's browser names nobody."""
        known = [self.owners[node]] if node in self.owners else []
        owners = ((link, self.owners[link]) for link in links if link in self.owners)
        known += [owner for link, owner in owners if owner.anonymous_only or not link.startswith(ANONYMOUS)]
        return next((person for person in known if not person.anonymous_only), known[0] if known else None)

    def _link(self, record: Placed, person: Person, link: str, impossible: str) -> bool:
        """Whether a link is one of the person's identifiers now."""
        node = self.node(record, link)
        known = self.owners.get(node, person)
        conflict = "identifier_conflict" if known is not person and not known.anonymous_only else ""
        if reason := impossible or conflict:
            self.refusals.append((record, link, reason))
            return False
        self._join(person, node, record.version)
        return True

    def _merge(self, record: Placed, node: str) -> None:
        """Of the linked ones all is the subject's person's."""
        for link in in_order(record.message.links):
            secondary = self.node(record, link)
            if reason := self._no_merge(record, node, link):
                self.refusals.append((record, link, reason))
            else:
                self._join(self.owners[node], secondary, record.version)
                self._claim(record, node, [link])

    def _no_merge(self, record: Placed, node: str, link: str) -> str:
        if node not in self.owners:
            return "unknown_primary"
        secondary = self.node(record, link)
        if self.erased.blocks(secondary):
            return "suppressed"
        return "" if secondary in self.owners or link.startswith(ANONYMOUS) else "unknown_secondary"

    def _founded(self, node: str, version: Version) -> Person:
        life = self.erased.life(node)
        own = [each for each in (node, cio_node(node, life)) if not self.erased.blocks(each)]
        person = Person(node, life, dict.fromkeys(own, (version,)))
        self.owners |= dict.fromkeys(person.nodes, person)
        return person

    def _join(self, person: Person, node: str, version: Version) -> None:
        """The node becomes the person's, and whoever has it is absorbed."""
        other = self.owners.get(node)
        if other is None:
            person.nodes[node] = (version,)
            self.owners[node] = person
        elif other is not person:
            person.gain(other, version)
            self.owners |= dict.fromkeys(other.nodes, person)
            if other.founder.startswith(ANONYMOUS):
                # What was all theirs is from now on as what else somebody anonymous did.
                self._claims.append((other.founder, other.founder, version))

    def _claim(self, record: Placed, node: str, links: Iterable[str]) -> None:
        """A message that names somebody anonymous beside somebody claims them, whichever of the two it is about."""
        for link in links:
            ends = node, self.node(record, link)
            for claimed, by in (ends, ends[::-1]):
                if claimed.startswith(ANONYMOUS):
                    self._claims.append((claimed, by, record.version))

    def _write(self, record: Placed, person: Person, refused: Iterable[str]) -> None:
        message, without = record.message, set(refused)
        if message.kind in ("identify", "form"):
            for name, text in message.attributes:
                if name != MUST_EXIST[0] and link_of(message, name) not in without:
                    person.attributes[name] = Written(text, record.version, message.subject)

    def _drop(self, record: Placed, reason: str, links: Iterable[str] = ("",)) -> None:
        self.dropped.add(record.place)
        self.refusals += [(record, link, reason) for link in links]
