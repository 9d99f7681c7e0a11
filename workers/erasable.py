"""The tables that hold what somebody sent, whom their rows name, and how that leaves each of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from workers.unresolved import NAMED

# What of `removals` one of them leaves, and what it takes.
STAYING = "SELECT subject_hash FROM removals WHERE removal = {removal:String} AND waits"
_GOING = f"""
SELECT subject_hash, version
FROM removals
WHERE removal = {{removal:String}} AND subject_hash NOT IN ({STAYING})
"""  # noqa: S608


@dataclass(frozen=True)
class Cause:
    """What was erased: subjects, or workspaces.

    source: rows of `who` and `version`, below which it is gone.
    column: by which every table names it; empty where each has its own way.
    """

    source: str
    column: str = ""

    def erased(self, who: str, version: str = "version") -> str:
        """Whether what a row of that version says of `who` is to go in a removal, whose parameters are in it."""
        if self.column:
            return f"({who} = {{removal:String}} AND {version} < {{below:UInt128}})"
        return f"({who}, {version}) IN ({_GOING})"


# A suppression that nobody ended hides whatever comes. What of it is no older than `open` stays on disk: its end may
# still be in an edge's spool, and frees what came after it. Whom an unresolved message names waits: of what is gone
# nobody could find out whose else it was.
SUBJECTS = Cause(
    f"""
    (
        SELECT subject_hash AS who, greatest(settled, least(below, {{open:UInt128}})) AS version
        FROM erased_subjects
        LEFT ANY JOIN ({NAMED}) AS named ON subject_hash = named.hash
        WHERE named.bound = 0 OR named.bound >= version
    )
    """  # noqa: S608  nothing of it comes from outside
)
# The same, whoever waits: of claims that is asked later, and of all whom they have to do with.
ALL_SUBJECTS = Cause(
    """
    (
        SELECT subject_hash AS who, greatest(settled, least(below, {open:UInt128})) AS version FROM erased_subjects
    )
    """
)
# Nobody's identifiers that only somebody named who is gone. A finding that comes later is another matter.
FORGOTTEN = Cause(
    """
    (
        WITH nobodys AS (SELECT subject_hash FROM stored_people FINAL WHERE founder_hash = 0)
        SELECT subject_hash AS who, toUInt128(resolved_at) + 1 AS version
        FROM stored_people FINAL
        WHERE founder_hash = 0
        AND subject_hash NOT IN (SELECT subject_hash FROM stored_claims WHERE subject_hash IN (SELECT * FROM nobodys))
        AND subject_hash NOT IN (SELECT linked_hash FROM stored_claims WHERE linked_hash IN (SELECT * FROM nobodys))
    )
    """
)
WORKSPACES = Cause("(SELECT workspace AS who, version FROM erased_workspaces)", "workspace")


@dataclass(frozen=True)
class Erasable:
    """A table, and one way in which its rows name somebody.

    who: the hash of the subject.
    others: instead, an array of hashes of all whom it names so.
    version: its column to compare.
    blanked: what an erased row is overwritten with, where its place must stay; else the row is deleted.
    holding: whether a row has anything to erase.
    itself: 1 for the row of a deletion, which says whom it deleted and goes with what is below it.
    causes: for which this way is looked at.
    together: whether all of them leave it at once.
    behind: whether a row stays until the claims below are gone: it may be why one of them was refused.
    """

    table: str
    who: str = "subject_hash"
    others: str = ""
    version: str = "version"
    blanked: str = ""
    holding: str = "1"
    itself: str = "0"
    causes: Sequence[Cause] = (SUBJECTS, WORKSPACES)
    together: bool = False
    behind: bool = False

    def without(self, idle: Collection[Cause]) -> "Erasable":
        """The same where nothing was erased for these causes."""
        return replace(self, causes=[cause for cause in self.causes if cause not in idle])

    def named(self, cause: Cause) -> str:
        """What `cause` calls `who`, in a row for each that is named."""
        return f"arrayJoin({self.others})" if self.others else cause.column or self.who

    @property
    def last(self) -> str:
        """A row is to go if this is below an erasure."""
        return self.version if self.itself == "0" else f"toUInt128({self.version} - {self.itself})"

    def erased(self, cause: Cause) -> str:
        """Whether a row is to be removed, or something in it."""
        if self.others:
            return f"arrayExists(other -> {cause.erased('other', self.last)}, {self.others})"
        return cause.erased(cause.column or self.who, self.last)


_BLANK = (
    "kind = 'erased', id = '', client_id = '', subject = '', name = '', sent_timestamp = '', target = '', links = [],"
    " relationships = [], other_hashes = [], attributes = [], data = '', fingerprint = '', context = ''"
)
_OTHER_ERASED = SUBJECTS.erased("other")
# What others say of somebody stays theirs without the name. The hashes are in the order of the names. The attribute
# that is such a name goes as well.
_WITHOUT_OTHERS = f"""
    attributes = arrayFilter(
        attribute -> attribute.1 NOT IN ('id', 'email', 'phone', 'anonymous_id') OR NOT arrayExists(
            (link, other) -> startsWith(link, if(attribute.1 = 'anonymous_id', 'anon', attribute.1) || ':')
                AND {_OTHER_ERASED},
            links,
            arraySlice(other_hashes, 1, length(links))
        ),
        attributes
    ),
    links = arrayFilter((link, other) -> NOT {_OTHER_ERASED}, links, arraySlice(other_hashes, 1, length(links))),
    relationships = arrayFilter(
        (end, other) -> NOT {_OTHER_ERASED},
        relationships,
        arraySlice(other_hashes, length(links) + 1, length(relationships))
    ),
    other_hashes = arrayFilter(other -> NOT {_OTHER_ERASED}, other_hashes)
"""
_BLANK_LETTER = "status = 'erased', key = '', value = '', headers = [], reason = ''"
# Whom a dead letter names besides the subject in its key, as far as it can be read: nothing has parsed it. A recipient
# is tried as all that it may be.
_OTHERS_OF_LETTER = """
    arrayMap(
        other -> assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
            (SELECT (k0, k1) FROM erasure_key), workspace || '\\0' || other
        ))),
        arrayConcat(
            JSONExtract(value, 'links', 'Array(String)'),
            arrayMap(end -> JSONExtractString(end, 1), JSONExtractArrayRaw(value, 'relationships')),
            arrayFlatten(arrayMap(
                name -> ['id:' || name, 'email:' || lowerUTF8(name), 'cio:' || substring(name, 5)],
                arrayMap(
                    text -> if(startsWith(text, '"'), JSONExtractString(text), text),
                    arrayMap(
                        pair -> JSONExtractString(pair, 2),
                        arrayFilter(
                            pair -> JSONExtractString(pair, 1) = 'recipient', JSONExtractArrayRaw(value, 'attributes')
                        )
                    )
                )
            ))
        )
    )
"""
# Where a replay reads comes first, the names of who was erased last.
ERASABLE = (
    Erasable(
        "journal",
        blanked=_BLANK,
        holding="kind != 'erased'",
        itself="(kind IN ('delete', 'suppress', 'unsuppress'))",
    ),
    # What was delivered to somebody is theirs as a whole, though its subject is the delivery.
    Erasable("journal", "other_hashes[1]", blanked=_BLANK, holding="kind = 'metric'", causes=(SUBJECTS,)),
    Erasable(
        "journal",
        others="other_hashes",
        blanked=_WITHOUT_OTHERS,
        holding="kind != 'metric' AND notEmpty(other_hashes)",
        causes=(SUBJECTS,),
    ),
    Erasable("stored_dead_letters", blanked=_BLANK_LETTER, holding="status != 'erased'"),
    Erasable(
        "stored_dead_letters",
        others=_OTHERS_OF_LETTER,
        blanked=_BLANK_LETTER,
        holding="status != 'erased' AND match(value, '\"(links|relationships|recipient)\"')",
        causes=(SUBJECTS,),
    ),
    # Before all else that decides who is who, and at once: of two claims the one may be why the other was refused. Also
    # of a deletion, which may name somebody by a `cio_id`.
    Erasable(
        "stored_claims",
        others="[subject_hash, linked_hash]",
        itself="(kind IN ('delete', 'suppress', 'unsuppress'))",
        causes=(ALL_SUBJECTS,),
        together=True,
    ),
    Erasable("stored_claims", causes=(WORKSPACES,)),
    Erasable("packed_events", behind=True),
    Erasable("stored_attributes"),
    Erasable("stored_attributes", "linked_hash", holding="linked_hash != 0", causes=(SUBJECTS,)),
    Erasable("stored_identifies", behind=True),
    Erasable("stored_customers", version="last_version", behind=True),
    Erasable("stored_devices"),
    Erasable("stored_relationships"),
    Erasable("stored_relationships", "object_hash", causes=(SUBJECTS,)),
    Erasable("stored_segment_members"),
    Erasable("stored_deliveries"),
    Erasable("stored_deliveries", "recipient_hash", causes=(SUBJECTS,)),
    Erasable("stored_form_submissions"),
    Erasable("stored_unsubscribes"),
    Erasable("stored_links"),
    Erasable("stored_links", "linked_hash", causes=(SUBJECTS,)),
    # Of nobody's it is 0.
    Erasable("stored_finder", version="joined"),
    Erasable("stored_finder", version="toUInt128(resolved_at)", causes=(FORGOTTEN,)),
    Erasable("stored_people", version="joined"),
    Erasable("stored_people", version="toUInt128(resolved_at)", causes=(FORGOTTEN,)),
    Erasable("stored_returns"),
    Erasable("stored_rejections"),
    Erasable("erasures", itself="1"),
)
