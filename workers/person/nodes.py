"""Whose an identifier is, and what else that person is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workers.asking import Asking
from workers.people.facts import CIO, Node
from workers.person import FOR_EVER

# Whom the text names, in each workspace that ever heard of it. Behind a `cio_id` there is a hash alone. log_queries:
# the name of who was erased is not to stand in ClickHouse's own log.
_HASH = (
    "if({named:UInt128} > 0, {named:UInt128}, assumeNotNull(reinterpretAsUInt128(sipHash128Keyed("
    "(SELECT (k0, k1) FROM erasure_key), workspace || '\\0' || {kind:String} || ':' || {text:String}))))"
)
_IS_IT = """if(
    {named:UInt128} > 0, subject_hash = {named:UInt128}, customer = {text:String} AND customer_kind = {kind:String}
)"""
_HEARD_OF = f"""
SELECT DISTINCT workspace, {_HASH} AS hash
FROM
(
    SELECT workspace FROM stored_customers WHERE {_IS_IT}
    UNION ALL
    SELECT workspace FROM stored_finder WHERE {_IS_IT}
    UNION ALL
    SELECT workspace FROM packed_events WHERE {{kind:String}} = 'anon' AND customer_kind = 'anon' AND customer = {{text:String}}
    UNION ALL
    SELECT workspace FROM stored_erasures WHERE subject_hash = {_HASH}
    UNION ALL
    SELECT workspace FROM stored_derived_erasures WHERE subject_hash = {_HASH}
)
WHERE {{workspace:String}} = '' OR workspace = {{workspace:String}}
ORDER BY workspace
SETTINGS log_queries = 0
"""  # noqa: S608, E501  nothing of it comes from outside
_MEMBERS = "SELECT DISTINCT subject_hash FROM stored_members WHERE founder_hash = {founder:UInt128}"
_GONE = "SELECT max(version) FROM erased_workspaces WHERE workspace = {workspace:String}"
_HIDDEN = "SELECT subject_hash, below FROM erased_subjects WHERE subject_hash IN {hashes:Array(UInt128)}"
# Who was somebody in the past only, and is spoken of again, is alone.
_PEOPLE = """
SELECT subject_hash, customer_kind, customer, founder_hash, life, joined, absorbed, until
FROM stored_people FINAL
WHERE founder_hash != 0 AND subject_hash IN {hashes:Array(UInt128)}
"""
_SEEN = """
SELECT subject_hash, any(customer_kind), any(customer), min(first_version), max(last_version)
FROM stored_customers
WHERE workspace = {workspace:String} AND subject_hash IN {hashes:Array(UInt128)}
GROUP BY subject_hash
"""
# Of somebody who was erased and came back.
_FIRST_SINCE = """
SELECT min(version)
FROM
(
    SELECT subject_hash, version
    FROM stored_identifies
    WHERE workspace = {workspace:String} AND customer = {text:String}
    UNION ALL
    SELECT subject_hash, version
    FROM packed_events FINAL
    WHERE workspace = {workspace:String} AND customer = {text:String} AND customer_kind != 'anon'
)
WHERE subject_hash = {hash:UInt128} AND version >= {below:UInt128}
"""


@dataclass(frozen=True)
class Whose:
    """An identifier and whose it is.

    founder, life: of its person; founder is 0 if it is nobody's.
    below: what is said of it under a lower version is gone; erased: by its own erasure, not by that of the workspace.
    first, last: versions of what was said of it since; 0 if it never brought anybody into being.
    """

    hash: int
    kind: str
    text: str
    founder: int
    life: int
    joined: int
    absorbed: Sequence[int]
    until: int
    below: int
    erased: int
    first: int
    last: int

    @property
    def subject(self) -> str:
        return f"{self.kind}:{self.text}"

    @property
    def suppressed(self) -> bool:
        return self.erased == FOR_EVER


def heard_of(asking: Asking, subject: str, workspace: str) -> Sequence[tuple[str, int]]:
    """The workspaces that know or knew it, and its hash there; of a `cio_id` that of the founder."""
    kind, _, text = subject.partition(":")
    named = Node(0, "", kind, text).named
    if kind == CIO and not named:
        return []
    asked = {"named": named[0] if named else 0, "kind": kind, "text": text, "workspace": workspace}
    return [(site, hash) for site, hash in asking.rows(_HEARD_OF, **asked)]


def whose(asking: Asking, workspace: str, subject: str, hash: int) -> Whose:
    """Its founder is 0 too if the `cio_id` was another life's, or never anybody's."""
    kind, _, text = subject.partition(":")
    found = of_hashes(asking, workspace, [hash])[hash]
    named = Node(0, "", kind, text).named
    if named and not (named[1] == found.erased >> 86 and (found.founder == hash or found.absorbed)):
        return _nobodys(found)
    return found


def members(asking: Asking, workspace: str, one: Whose) -> Sequence[Whose]:
    """All identifiers of its person, in the order in which they became that, the founder first."""
    hashes = {one.hash, one.founder, *(hash for (hash,) in asking.rows(_MEMBERS, founder=one.founder))}
    found = of_hashes(asking, workspace, sorted(hashes)).values()
    theirs = [each for each in found if (each.founder, each.life) == (one.founder, one.life)]
    return sorted(theirs, key=lambda each: (each.hash != one.founder, each.joined, each.subject))


def of_hashes(asking: Asking, workspace: str, hashes: Sequence[int]) -> Mapping[int, Whose]:
    """Who is no other's is a person alone, if anything was ever said that makes somebody of it."""
    [(gone,)] = asking.rows(_GONE, workspace=workspace)
    hidden = below(asking, hashes)
    people = {row[0]: row[1:] for row in asking.rows(_PEOPLE, hashes=list(hashes))}
    seen = {row[0]: row[1:] for row in asking.rows(_SEEN, workspace=workspace, hashes=list(hashes))}
    found = {}
    for hash in hashes:
        erased = hidden.get(hash, 0)
        least = max(erased, gone)
        kind, text, first, last = seen.get(hash, ("", "", 0, 0))
        if last < least:
            first = last = 0
        elif first < least:
            asked = {"workspace": workspace, "text": text, "hash": hash, "below": least}
            [(first,)] = asking.rows(_FIRST_SINCE, **asked)
        alone = (kind, text, hash if last else 0, erased >> 86, first, (), FOR_EVER)
        one = Whose(hash, *(*people.get(hash, alone), least, erased, first, last))
        found[hash] = one if one.joined >= least else _nobodys(one)
    return found


def below(asking: Asking, hashes: Sequence[int]) -> Mapping[int, int]:
    """Of those among them of whom something is hidden: the version below which all is."""
    return {row[0]: row[1] for row in asking.rows(_HIDDEN, hashes=list(hashes))}


def _nobodys(one: Whose) -> Whose:
    return Whose(one.hash, one.kind, one.text, 0, 0, 0, (), FOR_EVER, one.below, one.erased, 0, 0)
