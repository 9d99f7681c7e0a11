"""Which identifiers a batch may have changed. A batch of nothing but events of known customers costs one question, one
of identifies that say what was said before two."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workers.connection import Connection
from workers.people.in_turn import in_turn, texts_given

# By partition, the first and the last offset.
Places = Mapping[int, tuple[int, int]]

_CREATES = "kind IN ('identify', 'event', 'page', 'screen', 'add_device', 'add_relationships', 'form')"
_CIO = "startsWith(subject, 'cio:')"
_UPDATE = "(kind = 'identify' AND has(attributes, ('_update', 'true')) AND NOT startsWith(subject, 'object:'))"
_LATE = f"({_CREATES} AND version < {{high:UInt128}})"
_ERASES = "kind IN ('delete', 'suppress', 'unsuppress')"
_ANONYMOUS = "(startsWith(subject, 'anon:') AND kind IN ('event', 'page', 'screen'))"
_SAID = f"((startsWith(subject, 'email:') OR startsWith(subject, 'phone:')) AND NOT {_ERASES})"
_OF_OBJECTS = "(notEmpty(relationships) AND (startsWith(subject, 'object:') OR startsWith(subject, 'cio_object:')))"
# Of whom an event brought into being again: it does so where it was last repeated.
_RETURNED = "(kind IN ('event', 'page', 'screen') AND subject_hash IN (SELECT subject_hash FROM stored_returns))"
_KINDS_OF_ROWS = """
SELECT
    countIf(notEmpty(links) OR {cio} OR {update}),
    countIf({erases}),
    countIf({late}),
    countIf({anonymous}),
    countIf({said} OR {of_objects}),
    countIf({returned})
FROM journal
WHERE {here}
"""
_BEHIND_CIO = (
    "if(match(subject, '^cio:[0-9a-f]{32}([1-9a-f][0-9a-f]{0,10})?$') AND NOT match(subject, '^cio:0{31}1'),"
    " reinterpretAsUInt128(reverse(unhex(substring(subject, 5, 32)))), toUInt128(0))"
)
# What was said once more after all that made them who they are changes nothing. Both ends: whoever reads the one's
# claims reads the other's too, and each reading of many goes through whole tables.
_CLAIMED = """
WITH said AS
(
    SELECT
        subject_hash AS claimant,
        arrayJoin(arraySlice(other_hashes, 1, length(links))) AS linked,
        min(version) AS version
    FROM journal
    WHERE {here} AND notEmpty(links)
    GROUP BY claimant, linked
    UNION ALL
    SELECT subject_hash AS claimant, {behind} AS linked, min(version) AS version
    FROM journal
    WHERE {here} AND {cio}
    GROUP BY claimant, linked
    UNION ALL
    SELECT subject_hash AS claimant, toUInt128(1) AS linked, min(version) AS version
    FROM journal
    WHERE {here} AND {update}
    GROUP BY claimant
)
SELECT DISTINCT claimant, if(linked > 1, linked, claimant)
FROM said
LEFT ANY JOIN
(
    SELECT subject_hash, argMax((settled, last, addressed), resolved_at) AS now
    FROM stored_people
    WHERE subject_hash IN (SELECT claimant FROM said)
    GROUP BY subject_hash
) AS known
    ON said.claimant = known.subject_hash
WHERE NOT has(known.now.1, said.linked) OR said.version < known.now.2 OR NOT known.now.3
"""
_ERASED = "SELECT DISTINCT subject_hash FROM journal WHERE {here} AND {erases}"
_REPEATED = """
SELECT DISTINCT subject_hash
FROM journal
WHERE {here} AND {returned} AND (subject_hash, id) IN (
    SELECT subject_hash, event
    FROM stored_returns
    WHERE subject_hash IN (SELECT subject_hash FROM journal WHERE {here})
)
"""
_CREATED_LATE = """
WITH late AS
(
    SELECT subject_hash, min(version) AS first FROM journal WHERE {here} AND {late} GROUP BY subject_hash
)
SELECT late.subject_hash
FROM late
LEFT ANY JOIN
(
    SELECT subject_hash, last FROM stored_people FINAL WHERE subject_hash IN (SELECT subject_hash FROM late)
) AS known ON late.subject_hash = known.subject_hash
LEFT ANY JOIN
(
    SELECT linked_hash FROM stored_claimed WHERE linked_hash IN (SELECT subject_hash FROM late)
) AS named ON late.subject_hash = named.linked_hash
-- Whom only a `cio_id` ever named is in no other table.
WHERE late.first < known.last OR known.last = 0 AND named.linked_hash > 0
SETTINGS join_use_nulls = 0
"""
_BEYOND = """
WITH said AS
(
    SELECT subject_hash, max(version) AS version FROM journal WHERE {here} AND {anonymous} GROUP BY subject_hash
)
SELECT said.subject_hash
FROM said
INNER JOIN
(
    SELECT subject_hash, until, beyond
    FROM stored_overrides FINAL
    WHERE active AND subject_hash IN (SELECT subject_hash FROM said)
) AS known ON said.subject_hash = known.subject_hash
WHERE said.version > known.until AND NOT known.beyond
"""
_OF_KEYS = """
    SELECT assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), unhex(key)))) AS hash
    FROM given
"""
_LINKED = """
WITH named AS ({named})
SELECT DISTINCT subject_hash FROM stored_claims WHERE subject_hash IN (SELECT hash FROM named)
UNION DISTINCT
SELECT DISTINCT linked_hash FROM stored_claimed WHERE linked_hash IN (SELECT hash FROM named)
"""
_ADDRESSED = """
SELECT subject_hash
FROM stored_people FINAL
WHERE NOT addressed AND subject_hash IN (
    SELECT subject_hash FROM journal WHERE {here} AND {said}
    UNION ALL
    SELECT arrayJoin(arraySlice(other_hashes, length(links) + 1, length(relationships)))
    FROM journal
    WHERE {here} AND {of_objects}
)
"""


def touched(connection: Connection, log: str, places: Places, high: int) -> tuple[set[int], set[int]]:
    """The hashes of the identifiers, and of those among them under which something was said for the first time. high:
    the highest version that ever had a part in who is who. Raises `Away` and `Failed`.
    """
    asking = _Asking(connection, log, places, high)
    claims, erasures, late, anonymous, said, returned = next(asking.rows(_KINDS_OF_ROWS))
    addressed = asking.hashes(_ADDRESSED) if said else set()
    found = set(addressed)
    for count, question in (
        (claims, _CLAIMED),
        (erasures, _ERASED),
        (late, _CREATED_LATE),
        (anonymous, _BEYOND),
        (returned, _REPEATED),
    ):
        if count:
            found |= asking.hashes(question)
    return found, addressed


def linked(connection: Connection, keys: Iterable[bytes]) -> set[int]:
    """The hashes of those among some records' keys of whom it was ever said that they are somebody else, or may be."""
    found: set[int] = set()
    for some in in_turn(keys):
        asked = _LINKED.format(named=_OF_KEYS)
        found |= {
            row[0] for row in connection.rows(asked, given=texts_given("key String", [(key.hex(),) for key in some]))
        }
    return found


def linked_in_journal(connection: Connection, condition: str, parameters: Mapping[str, object]) -> set[int]:
    """The same for the rows of `journal` of which the condition is true."""
    named = f"SELECT subject_hash AS hash FROM journal WHERE {condition}"  # noqa: S608  of ours
    return {row[0] for row in connection.rows(_LINKED.format(named=named), parameters)}


class _Asking:
    def __init__(self, connection: Connection, log: str, places: Places, high: int) -> None:
        self._connection = connection
        self._parameters: dict[str, object] = {"log": log, "high": high}
        spans = []
        for partition, (first, last) in places.items():
            spans.append(f"(_partition = {partition:d} AND _offset BETWEEN {first:d} AND {last:d})")
        self._here = f"_log = {{log:String}} AND ({' OR '.join(spans)})"

    def rows(self, sql: str) -> Iterator[Any]:
        asked = sql.format(
            here=self._here,
            cio=_CIO,
            late=_LATE,
            erases=_ERASES,
            anonymous=_ANONYMOUS,
            said=_SAID,
            update=_UPDATE,
            returned=_RETURNED,
            of_objects=_OF_OBJECTS,
            behind=_BEHIND_CIO,
        )
        return iter(self._connection.rows(asked, self._parameters))

    def hashes(self, sql: str) -> set[int]:
        return {hash for row in self.rows(sql) for hash in row}
