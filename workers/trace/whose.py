"""Whose a message is by now, and what was not done of it though it was taken."""

from collections.abc import Sequence

from workers.asking import Asking
from workers.person.nodes import of_hashes

_REFUSED = """
SELECT DISTINCT refused.reason, claims.linked_kind, claims.linked
FROM
(
    SELECT subject_hash, linked_hash, linked_kind, linked, version
    FROM stored_claims FINAL
    WHERE subject_hash IN {hashes:Array(UInt128)} AND version = {version:UInt128}
) AS claims
INNER JOIN
(
    SELECT subject_hash, linked_hash, since, until, reason
    FROM stored_refusals FINAL
    WHERE subject_hash IN {hashes:Array(UInt128)} AND since < until
) AS refused ON claims.subject_hash = refused.subject_hash AND claims.linked_hash = refused.linked_hash
WHERE claims.version >= refused.since AND claims.version < refused.until
ORDER BY ALL
"""


def person(asking: Asking, workspace: str, hash: int, version: int) -> str:
    """The `cio_id`, as in `customers`; empty if it is nobody's."""
    one = of_hashes(asking, workspace, [hash])[hash]
    if not one.founder or version > one.until:
        return ""
    return f"{one.founder:032x}" + (f"{one.life:x}" if one.life else "")


def refusals(asking: Asking, hash: int, others: Sequence[int], version: int) -> list[str]:
    """Which links were refused, and why, as in `rejections`. others: whom the message names."""
    rows = asking.rows(_REFUSED, hashes=[hash, *others], version=version)
    return [f"{reason}: {kind}:{linked}" if linked else str(reason) for reason, kind, linked in rows]
