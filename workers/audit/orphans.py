"""The question for rows that no message made."""

from workers.audit.taken import SLICE

LISTED = 100  # of one table

_AT = "toUInt64(bitAnd(bitShiftRight({version}, 44), 4398046511103))"
_OFFSET = "toUInt64(bitAnd({version}, 17592186044415))"
_SENT = f"(SELECT subject_hash, version FROM journal WHERE {SLICE})"  # noqa: S608  nothing of it comes from outside
_CUSTOMER = "customer_kind || ':' || customer"


def _rows(
    table: str, subject: str = _CUSTOMER, *, version: str = "version", who: str = "subject_hash", which: str = "1"
) -> str:
    """Those appended within the slice. subject: that of the message, and `who` its hash; without the text of it, its
    partition is not known."""
    place, at = _OFFSET.format(version=version), _AT.format(version=version)
    partition = f"CRC32(workspace || '\\0' || {subject}) % length({{committed:Array(UInt64)}})"
    committed = f"arrayElement({{committed:Array(UInt64)}}, {partition} + 1)"
    return f"""
    SELECT '{table}' AS table, {place} AS place, {who} AS who, {version} AS seen
    FROM {table}
    WHERE {which} AND {at} >= {{from:UInt64}} AND {at} < {{to:UInt64}}
    AND ({at} < {{began:UInt64}} OR {place} < {committed if subject else "arrayMin({committed:Array(UInt64)})"})
"""  # noqa: S608


_TABLES = (
    _rows("packed_events"),
    _rows("stored_attributes"),
    _rows("stored_identifies"),
    _rows("stored_customers", version="first_version"),
    _rows("stored_customers", version="last_version"),
    _rows("stored_devices"),
    _rows(
        "stored_relationships",
        f"if(by_object, object_kind || ':' || object, {_CUSTOMER})",
        who="if(by_object, object_hash, subject_hash)",
    ),
    _rows("stored_segment_members"),
    _rows("stored_deliveries", "'delivery:' || delivery_id"),
    _rows("stored_form_submissions"),
    _rows("stored_unsubscribes", "'delivery:' || delivery_id"),
    _rows("stored_links"),
    # Of those behind a `cio_id` in a link no message is the subject's.
    _rows("stored_claims", which="NOT (customer_kind = 'cio' AND linked = '' AND linked_kind != '')"),
    _rows("stored_rejections", "'rejection:' || rejection"),
    # What a purge made final of whom a deletion deleted besides has no message of its own.
    _rows(
        "stored_erasures",
        "",
        which="(subject_hash, version) NOT IN (SELECT subject_hash, version FROM stored_derived_erasures)",
    ),
)
# All tables at once: what was sent is looked up in one set.
ROWS_WITHOUT_MESSAGES = f"""
SELECT table, place, seen
FROM
(
    SELECT table, place, who, seen
    FROM ({" UNION ALL ".join(_TABLES)})
    WHERE (who, seen) NOT IN {_SENT}
    LIMIT 1 BY table, who, seen
)
LIMIT {LISTED} BY table
"""  # noqa: S608
