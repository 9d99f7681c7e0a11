"""How the identifiers of a person were linked, and which links were refused."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from workers.asking import Asking
from workers.people.facts import ANONYMOUS, CIO, UPDATE
from workers.person import FOR_EVER, Identifier, Link, Message, Refusal, effective
from workers.person.nodes import Whose, below
from workers.person.said import Messages

_OF_THEM = """subject_hash IN (
    SELECT arrayJoin({hashes:Array(UInt128)})
    UNION ALL
    SELECT subject_hash FROM stored_claimed WHERE linked_hash IN {hashes:Array(UInt128)}
)
AND (subject_hash IN {hashes:Array(UInt128)} OR linked_hash IN {hashes:Array(UInt128)})"""
# A row without a text at its other end is what a `cio_id` stands for, and no claim of a client.
_CLAIMS = f"""
SELECT subject_hash, linked_hash, version, customer_kind || ':' || customer, linked_kind || ':' || linked,
    kind, endpoint, id
FROM stored_claims FINAL
WHERE {_OF_THEM} AND version IN {{versions:Array(UInt128)}} AND linked_kind NOT IN ('', '_update')
ORDER BY version, subject_hash, linked_hash
"""  # noqa: S608  nothing of it comes from outside
_REFUSED = f"""
SELECT refused.subject_hash, refused.linked_hash, refused.since, refused.until, any(refused.reason), count(),
    argMax(
        (version, customer_kind || ':' || customer, linked_kind || ':' || linked, kind, endpoint, id), claims.version
    )
FROM (SELECT * FROM stored_claims FINAL WHERE {_OF_THEM}) AS claims
INNER JOIN (SELECT * FROM stored_refusals FINAL WHERE {_OF_THEM}) AS refused
    ON claims.subject_hash = refused.subject_hash AND claims.linked_hash = refused.linked_hash
WHERE version >= refused.since AND version < refused.until
GROUP BY ALL
ORDER BY refused.since, refused.subject_hash, refused.linked_hash
"""  # noqa: S608


class Claim(NamedTuple):
    """One that was made, at a version; of a refusal the last one that it hit."""

    subject: int
    linked: int
    version: int
    subject_text: str
    linked_text: str
    message: Message


class Refused(NamedTuple):
    since: int
    until: int
    reason: str
    times: int
    claim: Claim


class Links:
    """Of the people's identifiers `nodes`, the founder first. Names nobody who was erased since."""

    def __init__(self, asking: Asking, nodes: Sequence[Whose]) -> None:
        self._nodes = {node.hash: node for node in nodes}
        hashes = list(self._nodes)
        versions = sorted({version for node in nodes for version in (node.joined, *node.absorbed)})
        self._refused = [
            Refused(since, until, reason, times, _claim((subject, linked, *last)))
            for subject, linked, since, until, reason, times, last in asking.rows(_REFUSED, hashes=hashes)
        ]
        claims = [_claim(row) for row in asking.rows(_CLAIMS, hashes=hashes, versions=versions)]
        self._claims = [claim for claim in claims if not self.is_refused(claim.subject, claim.linked, claim.version)]
        every = [*self._claims, *(refused.claim for refused in self._refused)]
        self._hidden = below(asking, sorted({end for claim in every for end in (claim.subject, claim.linked)}))

    def is_refused(self, subject: int, linked: int, version: int) -> bool:
        """Whether that claim was."""
        return any(
            (refused.claim.subject, refused.claim.linked) == (subject, linked)
            and refused.since <= version < refused.until
            for refused in self._refused
        )

    def identifiers(self, messages: Messages) -> list[Identifier]:
        """A `cio_id` is none: it is the person's name."""
        return [
            self._identifier(node, founder=place == 0, messages=messages)
            for place, node in enumerate(self._nodes.values())
            if node.kind != CIO
        ]

    def refusals(self) -> list[Refusal]:
        """Those that somebody tried since the identifier is this person's."""
        found = []
        for refused in self._refused:
            claim = refused.claim
            node = self._nodes.get(claim.subject) or self._nodes[claim.linked]
            if claim.version >= node.below and claim.linked != UPDATE:
                found.append(Refusal(node.subject, refused.reason, refused.times, self._link(claim, node)))
        return found

    def _identifier(self, node: Whose, *, founder: bool, messages: Messages) -> Identifier:
        joined = effective(node.joined)
        made = [claim for claim in self._claims if self._made(claim, node)]
        linked = min(made, key=lambda claim: self._since(claim, node), default=None)
        merged = [link for version in reversed(node.absorbed) for link in self._merger(version)]
        until = effective(node.until) if node.kind == ANONYMOUS and node.until < FOR_EVER else None
        message = messages.of(node.hash, node.joined)
        if founder:
            return Identifier(node.subject, joined, message, merged=merged, until=until)
        link = self._link(linked, node) if linked else None
        return Identifier(node.subject, joined, linked.message if linked else message, link, merged, until)

    def _made(self, claim: Claim, node: Whose) -> bool:
        return claim.version == node.joined and node.hash in (claim.subject, claim.linked)

    def _since(self, claim: Claim, node: Whose) -> int:
        """The version from which on the other end is the person's: of two that came at once, the one that was known."""
        other = self._nodes.get(claim.subject if node.hash == claim.linked else claim.linked)
        return other.joined if other else FOR_EVER

    def _merger(self, version: int) -> list[Link]:
        """At that version: between one whose person ended then, and one whose person went on."""
        for claim in self._claims:
            ends = [self._nodes.get(end) for end in (claim.subject, claim.linked)]
            if claim.version == version and all(ends):
                former = [end for end in ends if end and version in end.absorbed]
                if len(former) == 1:
                    return [Link(effective(version), former[0].subject, claim.message)]
        return [Link(effective(version), "", Message())]

    def _link(self, claim: Claim, node: Whose) -> Link:
        other, text = (claim.linked, claim.linked_text)
        if node.hash == claim.linked:
            other, text = (claim.subject, claim.subject_text)
        gone = claim.version < self._hidden.get(other, 0)
        return Link(effective(claim.version), "" if gone else text, claim.message)


def _claim(row: Sequence[Any]) -> Claim:
    return Claim(*(*row[:5], Message(*row[5:])))
