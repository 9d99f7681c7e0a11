"""From facts to people: everything that was said of some identifiers, applied in the order of the versions.

The order of two messages of one version, which only two partitions can have, is that of their subjects.
"""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter, itemgetter

from workers.people.facts import ANONYMOUS, CIO, EFFECTIVE, UPDATE, Claim, Creation, Erasure, Facts, Node
from workers.people.findings import FOR_EVER, Derived, Findings, Message, Person, Refusal, State

_KINDS = {"id": 0, "email": 1, "phone": 2, CIO: 3, ANONYMOUS: 4}


def decide(facts: Facts) -> Findings:
    """Who has each identifier now, what deletions of one did to others, and which claims were refused."""
    return _Deciding(facts).decide()


class _Deciding:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._states = {hash: State(node) for hash, node in facts.nodes.items()}
        self._cio_ids: dict[tuple[int, int], list[State]] = {}
        for state in self._states.values():
            if named := state.node.named:
                self._cio_ids.setdefault(named, []).append(state)
        self._suppressed: dict[Message, set[int]] = {}  # by the message that suppressed them
        self._open: dict[tuple[int, int], Refusal] = {}
        self._refused: dict[int, set[tuple[int, int]]] = {}  # the pairs of `_open`, by each of their ends
        self._own = {(erasure.subject, erasure.version) for erasure in facts.erasures}
        self._purged: dict[int, list[Erasure]] = {}
        for erasure in sorted(facts.erasures, key=attrgetter("version")):
            if erasure.purged:
                self._purged.setdefault(erasure.subject, []).append(erasure)
        self._findings = Findings()

    def decide(self) -> Findings:
        for _, _, _, what in sorted(self._steps(), key=itemgetter(0, 1, 2)):
            if isinstance(what, Erasure):
                self._erase(what)
            elif isinstance(what, Creation):
                self._create(what)
            else:
                self._claim(what)
        self._findings.refusals.extend(self._open.values())
        self._findings.states = self._states
        return self._findings

    def _steps(self) -> Iterator[tuple[int, str, int, "Erasure | Creation | Sequence[Claim]"]]:
        """Of one message its claims come first: they say who it is that it brings into being."""
        messages: dict[tuple[int, int], list[Claim]] = {}
        for claim in self._facts.claims:
            if not claim.alias or claim.bare:
                messages.setdefault((claim.version, claim.subject), []).append(claim)
        for (version, subject), claims in messages.items():
            claims.sort(key=self._order)
            yield version, self._states[subject].node.subject, 0, claims
        for erasure in self._facts.erasures:
            yield erasure.version, self._states[erasure.subject].node.subject, 1, erasure
        for creation in self._facts.creations:
            yield creation.version, self._states[creation.subject].node.subject, 2, creation

    def _order(self, claim: Claim) -> tuple[bool, int, str]:
        node = self._states[claim.linked].node if claim.linked in self._states else Node(0)
        return claim.alias, _KINDS.get(node.kind, len(_KINDS)), node.text

    def _claim(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            for hash in (claim.subject, claim.linked):
                self._part(hash, claim.version)
        if claims[0].kind != "merge":
            self._link(claims)
        elif not claims[0].alias:  # else a purge took whom it named
            self._merge(claims[0])

    def _part(self, hash: int, version: int) -> None:
        """It has a part in what was said, and so has whom it names, though not known yet."""
        if state := self._states.get(hash):
            state.last = version
            founder, _ = state.node.named or (0, 0)
            if founder in self._states:
                self._states[founder].last = version

    def _create(self, creation: Creation) -> None:
        """The very first message brings nobody into being who was erased before: if it is an event that was sent again,
        the tables have but the last one, and may have forgotten the first."""
        state = self._states[creation.subject]
        if not state.blocked and state.owner is None and (creation.again or not state.below):
            self._begin(state, creation.version)

    def _link(self, claims: Sequence[Claim]) -> None:
        """A message that says that its subject and others are one person."""
        subject, version = self._states[claims[0].subject], claims[0].version
        if subject.blocked:
            return
        if subject.node.kind == CIO and subject.owner is None:
            for claim in claims:
                if claim.bare and claim.linked != UPDATE:
                    self._refuse(claim, "unknown_cio_id")
            return
        links = [claim for claim in claims if not claim.alias]
        person = self._meant(subject, [self._states[claim.linked] for claim in links if not self._parted(claim)])
        if person is None and claims[0].must_exist:
            for claim in claims:
                self._refuse(claim, "unknown_person", version + 1)
            return
        # Whom a `cio_id` names is looked up before anybody comes into being.
        impossible = [self._impossible(claim) for claim in links]
        self._findings.count(links)
        person = person or self._begin(subject, version)
        self._gain(person, subject, version)
        for claim, reason in zip(links, impossible, strict=True):
            linked = self._states[claim.linked]
            if reason == "unknown_cio_id" and linked.owner:
                # Of whom this message brought into being.
                self._refuse(claim, reason, version + 1)
            elif reason or not self._gain(person, linked, version):
                self._refuse(claim, reason or "identifier_conflict")

    def _impossible(self, claim: Claim) -> str:
        """Why nobody can gain what is claimed; empty if somebody may."""
        linked = self._states[claim.linked]
        if (claim.subject, claim.linked) in self._facts.excess:
            return "too_many_links"
        if linked.blocked:
            return "suppressed"
        if linked.node.kind == CIO and linked.owner is None:
            return "unknown_cio_id"
        return "identifier_conflict" if self._parted(claim) else ""

    def _parted(self, claim: Claim) -> bool:
        """Whether a purge took, of what is as old as this, what was said of the one and not of the other: it knew that
        they are two people, and what comes again may lack why. Whom it took may still turn out to have been somebody
        of whom nothing else is known."""
        if not self._purged:
            return False
        subject, linked, version, *_ = claim
        message, other = self._taken_by(subject, version), self._taken_by(linked, version)
        if other is not None or message is None:
            return message != other
        owner = self._states[linked].owner
        return owner is not None and owner is not self._states[subject].owner and owner.named > 0

    def _taken_by(self, hash: int, version: int) -> Message | None:
        """The first one above that version whose deletion a purge made final."""
        return next((each.message for each in self._purged.get(hash, ()) if each.version > version), None)

    def _meant(self, subject: State, linked: Sequence[State]) -> Person | None:
        """The first known person, those last who are nothing but anonymous. Who shares a browser with somebody is not
        them: an anonymous identifier alone names nobody who has another."""
        known = [subject.owner] if subject.owner else []
        known += [
            state.owner for state in linked if state.owner and not (state.node.kind == ANONYMOUS and state.owner.named)
        ]
        return next((person for person in known if person.named), known[0] if known else None)

    def _gain(self, person: Person, state: State, version: int) -> bool:
        """Whether the identifier is that person's now. Who is nothing but anonymous gives way."""
        owner = state.owner
        if owner is None:
            self._join(person, state, version)
        elif owner is not person:
            if owner.named:
                return False
            self._absorb(person, owner, version)
        return True

    def _merge(self, claim: Claim) -> None:
        primary, secondary = self._states[claim.subject], self._states[claim.linked]
        if reason := self._no_merge(claim, primary, secondary):
            self._refuse(claim, reason, claim.version + 1)
        elif primary.owner:
            self._findings.count([claim])
            if secondary.owner is None:
                self._join(primary.owner, secondary, claim.version)
            elif secondary.owner is not primary.owner:
                self._absorb(primary.owner, secondary.owner, claim.version)

    def _no_merge(self, claim: Claim, primary: State, secondary: State) -> str:
        if primary.owner is None:
            return "unknown_primary"
        if (claim.subject, claim.linked) in self._facts.excess:
            return "too_many_links"
        if secondary.blocked:
            return "suppressed"
        return "" if secondary.owner or secondary.node.kind == ANONYMOUS else "unknown_secondary"

    def _begin(self, state: State, version: int) -> Person:
        state.last = version
        person = Person(state.node.hash, state.below >> EFFECTIVE)
        self._join(person, state, version)
        for cio_id in self._cio_ids.get((person.founder, person.life), ()):
            # What another workspace is told of it names nobody there.
            ours = cio_id.node.workspace == state.node.workspace and not cio_id.blocked
            if ours and self._taken_by(cio_id.node.hash, version) == self._taken_by(person.founder, version):
                self._join(person, cio_id, version)
                self._close(version, [cio_id.node.hash])
        return person

    def _join(self, person: Person, state: State, version: int) -> None:
        state.owner, state.joined, state.absorbed = person, version, []
        person.nodes.add(state.node.hash)
        person.named += state.node.kind not in (ANONYMOUS, CIO)

    def _absorb(self, person: Person, other: Person, version: int) -> None:
        joining, other.nodes = other.nodes, set()
        self._states[other.founder].claimed = version
        for hash in joining:
            state = self._states[hash]
            state.owner, state.absorbed, state.last = person, [version, *state.absorbed], version
        person.nodes |= joining
        person.named += other.named
        self._close(version, joining, within=person)

    def _erase(self, erasure: Erasure) -> None:
        state = self._states[erasure.subject]
        if erasure.kind == "unsuppress":
            self._free(state, erasure)
            return
        if not state.blocked:
            owner = state.owner
            hit = {state.node.hash, *(owner.nodes if owner else ())}
            if owner:
                owner.nodes, owner.named = set(), 0
            self._hide(hit, erasure)
            if erasure.kind == "suppress":
                self._suppressed.setdefault(erasure.message, set()).update(hit)
                for hash in hit:
                    self._states[hash].blocked = erasure.message
        state.below = erasure.version

    def _free(self, state: State, erasure: Erasure) -> None:
        if state.blocked:
            freed = self._suppressed.pop(state.blocked)
            for hash in freed:
                self._states[hash].blocked = None
            self._hide(freed, erasure)

    def _hide(self, hashes: set[int], erasure: Erasure) -> None:
        for hash in hashes:
            state = self._states[hash]
            state.owner, state.absorbed, state.below, state.last = None, [], erasure.version, erasure.version
            if (hash, erasure.version) not in self._own:
                self._findings.derived.append(
                    Derived(
                        hash,
                        erasure.version,
                        erasure.kind,
                        state.node.workspace,
                        erasure.id,
                        erasure.requested_at,
                    )
                )
        # Of a `cio_id` that was nobody's before nobody was deleted, though it may be suppressed.
        self._close(erasure.version, hashes, but="" if erasure.kind == "suppress" else "unknown_cio_id")

    def _refuse(self, claim: Claim, reason: str, until: int = FOR_EVER) -> None:
        """From its version on; what is refused already stays so."""
        pair = (claim.subject, claim.linked)
        if until != FOR_EVER:
            self._findings.refusals.append(Refusal(*pair, claim.version, until, reason))
        elif pair not in self._open:
            self._open[pair] = Refusal(*pair, claim.version, until, reason)
            for end in pair:
                self._refused.setdefault(end, set()).add(pair)

    def _close(self, version: int, hashes: Iterable[int], *, within: Person | None = None, but: str = "") -> None:
        """What is refused of these ends at that version; within: if its other end is that person's too; but: unless it
        is for that reason."""
        pairs = {pair for hash in hashes for pair in self._refused.get(hash, ())}
        for pair in pairs:
            mended = within is None or all(hash in within.nodes for hash in pair)
            if mended and self._open[pair].reason != but:
                refusal = self._open.pop(pair)
                self._findings.refusals.append(refusal._replace(until=max(version, refusal.since + 1)))
                for end in pair:
                    self._refused[end].discard(pair)
