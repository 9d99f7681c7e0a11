"""Reads all that decides who some identifiers are: of those, and of everybody they have to do with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from workers.connection import Connection
from workers.people.facts import ANONYMOUS, CIO, UPDATE, Claim, Creation, Erasure, Facts, Node
from workers.people.in_turn import hashes_given, in_turn, texts_given

# An identifier that everybody is said to have, as test@example.com, is nobody's: so many others may claim one, and so
# many one may claim; the first.
MOST = 1_000

# Of what was said over and over the first time counts, and the last for how long an anonymous visitor is known. What
# may have failed at first, for somebody was not known then, is read whole.
_CLAIMS = """
SELECT subject_hash, linked_hash, any(workspace), any(customer), any(customer_kind), any(linked), linked_kind,
    toString(kind), must_exist,
    if(
        must_exist OR kind = 'merge' OR any(linked) != '' AND (any(customer_kind) = 'cio' OR linked_kind = 'cio')
            OR {whole:Bool},
        groupUniqArray(version),
        [min(version)]
    ),
    max(version)
FROM stored_claims
WHERE subject_hash IN (SELECT hash FROM given)
GROUP BY subject_hash, linked_hash, linked_kind, kind, must_exist
ORDER BY min(version), linked_hash
LIMIT {most:UInt32} BY subject_hash
"""
_CLAIMED = """
SELECT linked_hash, subject_hash
FROM stored_claimed
WHERE linked_hash IN (SELECT hash FROM given)
GROUP BY linked_hash, subject_hash
ORDER BY min(first_version), subject_hash
LIMIT {most:UInt32} BY linked_hash
"""
_ERASURES = """
SELECT subject_hash, version, any(kind), any(workspace), any(id), any(requested_at), max(purged)
FROM stored_erasures
WHERE subject_hash IN (SELECT hash FROM given)
GROUP BY subject_hash, version
"""
_TOGETHER = """
SELECT workspace, groupUniqArray(subject_hash) AS hashes
FROM stored_erasures
WHERE kind = 'suppress' AND (workspace, id, version) IN (SELECT workspace, id, version FROM given)
GROUP BY workspace, id, version
HAVING length(hashes) > 1
"""
# Of whom only the hash is known: behind a `cio_id`.
_NAMES = """
SELECT DISTINCT subject_hash, workspace, customer, customer_kind
FROM stored_customers
WHERE subject_hash IN (SELECT hash FROM given) AND workspace IN {workspaces:Array(String)}
"""
_CREATED = """
SELECT subject_hash, min(first_version)
FROM stored_customers
WHERE (workspace, customer, customer_kind) IN (SELECT workspace, text, kind FROM given)
GROUP BY subject_hash
"""
# After an erasure an event counts where its last repeat stands.
_CREATED_AGAIN = """
SELECT known.subject_hash, wanted.since, min(known.version), argMin(known.event, known.version)
FROM
(
    SELECT workspace, customer, customer_kind, subject_hash, version, '' AS event
    FROM stored_identifies
    WHERE (workspace, customer, customer_kind) IN (SELECT workspace, text, kind FROM given)
    UNION ALL
    SELECT workspace, customer, customer_kind, subject_hash, version, id
    FROM packed_events FINAL
    WHERE customer_kind != 'anon'
    AND (workspace, customer, customer_kind) IN (SELECT workspace, text, kind FROM given)
) AS known
INNER JOIN given AS wanted
    ON known.workspace = wanted.workspace AND known.customer = wanted.text AND known.customer_kind = wanted.kind
WHERE known.version > wanted.since
GROUP BY ALL
SETTINGS do_not_merge_across_partitions_select_final = 1
"""
_LAST_EVENTS = """
SELECT subject_hash, max(version)
FROM packed_events
WHERE (workspace, customer, customer_kind) IN (SELECT workspace, text, kind FROM given)
GROUP BY subject_hash
"""
# Those under which something was said that brings nobody into being.
_SAID = " UNION DISTINCT ".join(
    f"SELECT DISTINCT subject_hash FROM {table} WHERE subject_hash IN (SELECT hash FROM given)"  # noqa: S608  ours
    for table in ("stored_relationships", "stored_segment_members", "stored_devices")
)
_NAMED = "workspace String, text String, kind String"
_NAMELESS = Node(0)
_ERASED_WORKSPACES = "SELECT workspace, max(version) FROM erased_workspaces GROUP BY workspace"


def facts_of(connection: Connection, hashes: Iterable[int]) -> Facts:
    """Raises `Away` and `Failed`."""
    return _Reading(connection).read(set(hashes))


def bound_to(connection: Connection, hashes: Iterable[int]) -> set[int]:
    """These, and everybody they have to do with. Raises `Away` and `Failed`."""
    return _Reading(connection).close(set(hashes))


class _Reading:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._facts = Facts()
        self._unnamed: dict[int, str] = {}  # and in which workspace their `cio_id` was used
        self._erased_workspaces: dict[str, int] = {}
        self._claimants: dict[int, set[int]] = {}

    def read(self, hashes: set[int]) -> Facts:
        facts = self._facts
        self._erased_workspaces = dict(self._connection.rows(_ERASED_WORKSPACES))  # type: ignore[arg-type]
        self.close(hashes)
        for subject, linked in facts.last_claims:
            claimants = self._claimants.get(linked, ())
            if len(claimants) == MOST and subject not in claimants:
                facts.excess.add((subject, linked))
        self._name()
        facts.erasures = {erasure for erasure in facts.erasures if erasure.subject in facts.nodes}
        self._created()
        self._again()
        facts.addressed |= {hash for hash, node in facts.nodes.items() if node.kind in ("id", ANONYMOUS, CIO)}
        facts.addressed |= {creation.subject for creation in facts.creations}
        self._leave_out_erased()
        facts.addressed |= {row[0] for row in self._rows(_SAID, facts.nodes.keys() - facts.addressed)}
        return facts

    def close(self, hashes: set[int]) -> set[int]:
        """Read the claims and erasures of these, and of whoever else is in them."""
        known: set[int] = set()
        while hashes:
            known |= hashes
            hashes = (self._claims(hashes, whole=False) | self._erasures(hashes)) - known
        return known

    def _rows(self, sql: str, hashes: Iterable[int], **more: object) -> Iterator[Sequence[Any]]:
        for some in in_turn(hashes):
            yield from self._connection.rows(sql, more, given=hashes_given(some))

    def _claims(self, hashes: Iterable[int], *, whole: bool) -> set[int]:
        """Those of these subjects; returned is whom they name, and who names them."""
        facts, others = self._facts, set()
        for row in self._rows(_CLAIMS, hashes, whole=whole, most=MOST):
            subject, linked, workspace, text, kind, linked_text, linked_kind, said, must_exist, versions, last = row
            facts.nodes[subject] = Node(subject, workspace, kind, text)
            facts.addressed.add(subject)
            alias = not linked_text
            if linked > UPDATE:
                others.add(linked)
                if alias:
                    self._unnamed[linked] = workspace
                elif not facts.nodes.get(linked, _NAMELESS).kind:  # as of who was suppressed with others
                    facts.nodes[linked] = Node(linked, workspace, linked_kind, linked_text)
            bare = alias and (not linked_kind or linked == UPDATE)
            facts.claims |= {Claim(subject, linked, each, said, must_exist, alias, bare) for each in versions}
            certain = said != "merge" and not must_exist and kind != CIO
            pair = (subject, linked)
            facts.last_claims[pair] = max(last if certain else 0, facts.last_claims.get(pair, 0))
        for linked, subject in self._rows(_CLAIMED, hashes, most=MOST):
            others.add(subject)
            self._claimants.setdefault(linked, set()).add(subject)
        return others

    def _erasures(self, hashes: Iterable[int]) -> set[int]:
        """Those of these subjects; returned is who was suppressed with them, though nothing else may tell any more."""
        found = {Erasure(*row) for row in self._rows(_ERASURES, hashes)}
        self._facts.erasures |= found
        asked = sorted({erasure.message for erasure in found if erasure.kind == "suppress"})
        together: dict[int, str] = {}
        for some in in_turn(asked):
            rows = [(workspace, id, str(version)) for workspace, id, version in some]
            given = texts_given("workspace String, id String, version UInt128", rows)
            for workspace, hit in self._connection.rows(_TOGETHER, given=given):
                together |= dict.fromkeys(hit, workspace)
        for hash, workspace in together.items():
            self._facts.nodes.setdefault(hash, Node(hash, workspace))
        return set(together)

    def _name(self) -> None:
        unnamed = {hash: workspace for hash, workspace in self._unnamed.items() if hash not in self._facts.nodes}
        for row in self._rows(_NAMES, unnamed, workspaces=sorted(set(unnamed.values()))):
            hash, workspace, text, kind = row
            self._facts.nodes[hash] = Node(hash, workspace, kind, text)

    def _created(self) -> None:
        nodes = [node for node in self._facts.nodes.values() if node.kind not in ("", CIO)]
        for some in in_turn(_name(node) for node in nodes):
            for hash, version in self._connection.rows(_CREATED, given=texts_given(_NAMED, some)):
                self._facts.creations.add(Creation(hash, version))
        for some in in_turn(_name(node) for node in nodes if node.kind == ANONYMOUS):
            rows = self._connection.rows(_LAST_EVENTS, given=texts_given(_NAMED, some))
            self._facts.last_events |= dict(rows)  # type: ignore[arg-type]

    def _again(self) -> None:
        """Of those who were erased, or may have been with others, also what came after the first time."""
        erasures: dict[int, set[int]] = {}
        for erasure in self._facts.erasures:
            erasures.setdefault(erasure.subject, set()).add(erasure.version)
        gone = {hash for hash, node in self._facts.nodes.items() if node.workspace in self._erased_workspaces}
        parts = list(self._facts.parts(gone | erasures.keys()))
        self._claims(set().union(*parts), whole=True)
        for some in in_turn(row for part in parts for row in self._since(part, erasures)):
            given = texts_given(f"{_NAMED}, since UInt128", some)
            for hash, _, version, event in self._connection.rows(_CREATED_AGAIN, given=given):
                self._facts.creations.add(Creation(hash, version, True, event))

    def _since(self, part: set[int], erasures: Mapping[int, set[int]]) -> Iterator[tuple[str, ...]]:
        """By name the versions after which one of these may have come into being again."""
        versions = set().union(*(erasures[hash] for hash in part & erasures.keys()))
        for node in (self._facts.nodes[hash] for hash in part):
            if node.kind not in ("", CIO):
                yield from ((*_name(node), str(version)) for version in versions)
                if node.workspace in self._erased_workspaces:
                    yield *_name(node), str(self._erased_workspaces[node.workspace] - 1)

    def _leave_out_erased(self) -> None:
        """What a whole workspace said before it was erased never was, and whom it speaks of since are there again."""
        facts, gone = self._facts, self._erased_workspaces
        if not gone:
            return
        below = {hash: gone.get(node.workspace, 0) for hash, node in facts.nodes.items()}
        facts.claims = {claim for claim in facts.claims if claim.version >= below[claim.subject]}
        left = {(claim.subject, claim.linked) for claim in facts.claims}
        facts.last_claims = {pair: last for pair, last in facts.last_claims.items() if pair in left}
        facts.creations = {
            each
            for each in facts.creations
            if not (bound := below[each.subject]) or (each.again and each.version >= bound)
        }


def _name(node: Node) -> tuple[str, str, str]:
    return node.workspace, node.text, node.kind
