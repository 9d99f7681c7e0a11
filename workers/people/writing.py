"""Findings become rows, where they are not what the tables have already."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from workers.connection import Connection
from workers.people.facts import ANONYMOUS, EFFECTIVE, UPDATE, Facts
from workers.people.findings import FOR_EVER, Derived, Findings, State
from workers.people.in_turn import hashes_given, in_turn

# An anonymous visitor's events may come so much later than who it was, ms; see the contract, "late merge".
LATE = 300_000

PEOPLE = {
    "subject_hash": "UInt128",
    "workspace": "LowCardinality(String)",
    "customer": "String",
    "customer_kind": "LowCardinality(String)",
    "founder_hash": "UInt128",
    "life": "UInt64",
    "joined": "UInt128",
    "absorbed": "Array(UInt128)",
    "until": "UInt128",
    "beyond": "Bool",
    "settled": "Array(UInt128)",
    "addressed": "Bool",
    "override": "Enum8('never' = 0, 'active' = 1, 'ended' = 2)",
    "last": "UInt128",
    "resolved_at": "UInt64",
}
DERIVED = {
    "subject_hash": "UInt128",
    "version": "UInt128",
    "kind": "LowCardinality(String)",
    "workspace": "LowCardinality(String)",
    "id": "String",
    "requested_at": "DateTime64(3, 'UTC')",
    "resolved_at": "UInt64",
}
RETURNS = {
    "subject_hash": "UInt128",
    "event": "String",
    "version": "UInt128",
    "workspace": "LowCardinality(String)",
}
REFUSALS = {
    "subject_hash": "UInt128",
    "linked_hash": "UInt128",
    "since": "UInt128",
    "until": "UInt128",
    "reason": "LowCardinality(String)",
    "resolved_at": "UInt64",
}


class Kept:
    """What the tables have of some identifiers, by their keys."""

    def __init__(self, connection: Connection, hashes: Iterable[int]) -> None:
        """Raises `Away` and `Failed`."""
        self.people: dict[int, tuple[Any, ...]] = {}
        self.derived: dict[tuple[int, int], tuple[Any, ...]] = {}
        self.refusals: dict[tuple[int, int, int], tuple[Any, ...]] = {}
        for some in in_turn(hashes):
            for row in connection.rows(_kept("stored_people", PEOPLE), given=hashes_given(some)):
                self.people[row[0]] = tuple(row)
            for row in connection.rows(_kept("stored_derived_erasures", DERIVED), given=hashes_given(some)):
                self.derived[row[0], row[1]] = tuple(row)
            for row in connection.rows(_kept("stored_refusals", REFUSALS), given=hashes_given(some)):
                self.refusals[row[0], row[1], row[2]] = tuple(row)


def _kept(table: str, columns: Iterable[str]) -> str:
    """Of several rows of a key the last counts. FINAL would read every column of whatever is near a key that is asked
    for, also of those that have no row."""
    named = ", ".join(name for name in columns if name != "resolved_at")
    asked = "subject_hash IN (SELECT hash FROM given)"
    return f"SELECT {named} FROM {table} PREWHERE {asked} ORDER BY resolved_at"  # noqa: S608


class Rows:
    """Those to write, of what was found. `read_at`: ns, by ClickHouse's clock, before anything was read."""

    def __init__(self, facts: Facts, findings: Findings, kept: Kept, read_at: int) -> None:
        self._facts = facts
        self._kept = kept
        self._read_at = read_at
        self._rows: dict[str, list[Sequence[object]]] = {"people": [], "derived": [], "refusals": [], "returns": []}
        self._last: dict[int, int] = {}  # by founder
        self._said: dict[int, int] = {}  # of those who have to do with their own person, the last version
        self._settled: dict[int, set[int]] = {}
        self._people(findings)
        self._derived(findings)
        self._refusals(findings)
        self._returns()

    def _people(self, findings: Findings) -> None:
        states = findings.states
        for state in states.values():
            if state.owner:
                founder = state.owner.founder
                self._last[founder] = max(state.last, self._last.get(founder, 0))
        self._claims(findings)
        claimed = {hash for pair in self._facts.last_claims for hash in pair}
        for hash, state in states.items():
            if hash in claimed or hash in self._kept.people:
                row = self._person(state)
                if row != self._kept.people.get(hash):
                    self._rows["people"].append((*row, self._read_at))

    def _claims(self, findings: Findings) -> None:
        states, inner = findings.states, []
        for (subject, linked), last in self._facts.last_claims.items():
            one, other = states[subject], states.get(linked)
            if linked == UPDATE and one.owner:
                self._settled.setdefault(subject, set()).add(linked)
            if other and one.owner and one.owner is other.owner:
                inner.append((one, other))
                said = max(last, findings.last_claims.get((subject, linked), 0))
                if said >= max(one.below, other.below):
                    for hash in (subject, linked):
                        self._said[hash] = max(said, self._said.get(hash, 0))
        for one, other in inner:
            if not self._beyond(one) and not self._beyond(other):
                self._settled.setdefault(one.node.hash, set()).add(other.node.hash)
        for refusal in findings.refusals:
            if refusal.until == FOR_EVER and refusal.reason in ("identifier_conflict", "too_many_links"):
                self._settled.setdefault(refusal.subject, set()).add(refusal.linked)

    def _beyond(self, state: State) -> bool:
        return self._facts.last_events.get(state.node.hash, 0) > self._until(state)

    def _until(self, state: State) -> int:
        """The last version that an anonymous visitor's event may have to be its person's."""
        node, owner = state.node, state.owner
        if node.kind != ANONYMOUS or owner is None or owner.founder == node.hash:
            return FOR_EVER
        said = max(state.claimed, self._said.get(node.hash, 0))
        return ((said >> EFFECTIVE) + LATE + 1 << EFFECTIVE) - 1

    def write(self, connection: Connection) -> int:
        """How many. Raises `Away` and `Failed`; a repeat changes nothing."""
        for table, columns, rows in (
            # What has to be decided anew if it moves comes before what is decided.
            ("stored_returns", RETURNS, self._rows["returns"]),
            ("stored_refusals", REFUSALS, self._rows["refusals"]),
            ("stored_derived_erasures", DERIVED, self._rows["derived"]),
            ("stored_people", PEOPLE, self._rows["people"]),
        ):
            if rows:
                connection.insert_rows(table, columns, rows)
        return sum(len(rows) for rows in self._rows.values())

    def _person(self, state: State) -> tuple[Any, ...]:
        """In the order of `PEOPLE`, without the last."""
        node, owner = state.node, state.owner
        kept = self._kept.people.get(node.hash)
        addressed = node.hash in self._facts.addressed or bool(kept and kept[_ADDRESSED])
        override = "never"
        if owner and owner.founder != node.hash and addressed:
            override = "active"
        elif kept and kept[_OVERRIDE] != "never":
            override = "ended"
        return (
            node.hash,
            node.workspace,
            node.text,
            node.kind,
            owner.founder if owner else 0,
            owner.life if owner else 0,
            state.joined if owner else 0,
            state.absorbed,
            self._until(state),
            self._beyond(state),
            sorted(self._settled.get(node.hash, ())),
            addressed,
            override,
            self._last[owner.founder] if owner else state.last,
        )

    def _derived(self, findings: Findings) -> None:
        found = {(each.subject, each.version): each for each in findings.derived}
        for key, each in found.items():
            if self._kept.derived.get(key) != tuple(each):
                self._rows["derived"].append((*each, self._read_at))
        for key, row in self._kept.derived.items():
            if key[0] in self._facts.nodes and key not in found and row[2] != "none":
                none = Derived(*key, "none", row[3], "", datetime.fromtimestamp(0, UTC))
                self._rows["derived"].append((*none, self._read_at))

    def _refusals(self, findings: Findings) -> None:
        found = {refusal[:3]: refusal for refusal in findings.refusals}
        for key, refusal in found.items():
            if self._kept.refusals.get(key) != tuple(refusal):
                self._rows["refusals"].append((*refusal, self._read_at))
        for key, row in self._kept.refusals.items():
            if key[0] in self._facts.nodes and key not in found and row[3] > row[2]:
                self._rows["refusals"].append((*key, key[2], row[4], self._read_at))

    def _returns(self) -> None:
        """Those that are there already are written once more: few, and only where somebody is decided anew."""
        for each in self._facts.creations:
            if each.event:
                workspace = self._facts.nodes[each.subject].workspace
                self._rows["returns"].append((each.subject, each.event, each.version, workspace))


_OVERRIDE = list(PEOPLE).index("override")
_ADDRESSED = list(PEOPLE).index("addressed")
