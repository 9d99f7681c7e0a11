"""What each kind of message must have made: questions for messages that a table lacks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workers.audit.taken import KEPT, SLICE, taken, taken_with_others

LISTED = 100  # of one question
# What there is in a slice: kinds, and whether any message has links or relationships, or is about a `cio_id`.
KINDS = f"""
SELECT arrayConcat(
    groupUniqArray(toString(kind)),
    if(max(notEmpty(links)), ['links'], []),
    if(max(notEmpty(relationships)), ['relationships'], []),
    if(max(startsWith(subject, 'cio:')), ['cio'], [])
)
FROM journal
WHERE {SLICE}
"""  # noqa: S608  nothing of it comes from outside
EVENTS = ("event", "page", "screen")
ERASURES = ("delete", "suppress", "unsuppress")
RARER = ("add_device", "add_relationships", "form")  # that bring a customer into being
# Who is anonymous becomes one by an identify alone.
_CUSTOMERS = "(kind = 'identify' OR NOT match(subject, '^(anon|invite|form):'))"
# Rejections are kept for seven days from their time, which may have been spent in a spool.
_NOT_EXPIRING = "received_at > toUnixTimestamp(now()) - 6 * 86400"
_AT = "toUInt64(bitAnd(bitShiftRight(version, 44), 4398046511103)) BETWEEN {from:UInt64} AND {to:UInt64}"


@dataclass(frozen=True)
class Question:
    """kinds: of the messages that it is about, as `KINDS` answers. Where there are none it need not be asked."""

    kinds: frozenset[str]
    sql: str


def _in(kinds: Iterable[str]) -> str:
    return f"kind IN ({', '.join(repr(kind) for kind in kinds)})"


def _lacking(table: str, kinds: Iterable[str], messages: str, key: str, rows: str) -> Question:
    """Messages of which `rows`, by `key` and its highest version, has nothing as high as theirs."""
    on = " AND ".join(f"message.{column} = stored.{column}" for column in key.split(", "))
    return Question(
        frozenset(kinds),
        f"""
SELECT '{table}', _log, _partition, _offset
FROM {messages} AS message
LEFT ANTI JOIN ({rows}) AS stored ON {on} AND message.version <= stored.version
LIMIT {LISTED}
""",  # noqa: S608
    )


def _last(
    table: str, kinds: Iterable[str], key: Mapping[str, str], messages: str = "", bound: str = "1"
) -> tuple[str, Question]:
    """Where a table keeps the last row of a key: its columns by those of the messages, besides the subject."""
    kinds = tuple(kinds)
    messages = messages or taken(_in(kinds))
    named = {"subject_hash": "kept.subject_hash", **key}
    columns, ours = ", ".join(named), ", ".join(named.values())
    rows = f"""
    SELECT {", ".join(f"{value} AS {name}" for name, value in named.items())}, max(kept.version) AS version
    FROM {table} AS kept
    WHERE {bound} AND ({ours}) IN (SELECT {columns} FROM {messages})
    GROUP BY {columns}
"""  # noqa: S608
    return table, _lacking(table, kinds, messages, columns, rows)


def _customers() -> Question:
    kinds = ("identify", *EVENTS, *RARER)
    messages = taken(f"{_in(kinds)} AND {_CUSTOMERS}")
    return Question(
        frozenset(kinds),
        f"""
SELECT 'stored_customers', _log, _partition, _offset
FROM {messages} AS message
LEFT ANTI JOIN
(
    SELECT subject_hash, min(first_version) AS first_version, max(last_version) AS last_version
    FROM stored_customers
    WHERE subject_hash IN (SELECT subject_hash FROM {messages})
    GROUP BY subject_hash
) AS stored
    ON message.subject_hash = stored.subject_hash
    AND message.version >= stored.first_version AND message.version <= stored.last_version
LIMIT {LISTED}
""",  # noqa: S608
    )


# As in `packed_events`.
_MONTH = "toYYYYMM(toDateTime(if(filed_at >= 1262304000 AND filed_at < 2208988800, toUInt32(filed_at), 0), 'UTC'))"
_FILED = f"(SELECT *, {_MONTH} AS month FROM {taken(_in(EVENTS))})"  # noqa: S608
_OF_CUSTOMERS = taken(f"{_in(('identify', 'form'))} AND {_CUSTOMERS}")
_ATTRIBUTES = f"(SELECT *, arrayJoin(attributes.1) AS attribute FROM {_OF_CUSTOMERS})"  # noqa: S608
_RECIPIENTS = taken_with_others("kind = 'metric'", "[(other_hashes[1], '', '')]")
_LINKS = taken_with_others(
    "match(subject, '^(id|email|phone|cio|anon):')",
    "arrayMap(hash -> (hash, '', ''), arraySlice(other_hashes, 1, length(links)))",
)
# As in `to_claims`: also whom a `cio_id` names that a message is about.
_NAMED = taken_with_others(
    "startsWith(subject, 'cio:')",
    "[(if(match(subject, '^cio:[0-9a-f]{32}([1-9a-f][0-9a-f]{0,10})?$') AND NOT match(subject, '^cio:0{31}1'),"
    " reinterpretAsUInt128(reverse(unhex(substring(subject, 5, 32)))), toUInt128(0)), '', '')]",
)
_CLAIMS = f"(SELECT * FROM {_LINKS} UNION ALL SELECT * FROM {_NAMED})"  # noqa: S608
# As in `to_relationships`: a customer's with an object, that it is or is no more, and each of its attributes.
_RELATIONSHIPS = taken_with_others(
    "1",
    """arrayFlatten(arrayMap(
        (end, hash) -> if(
            match(end.1, '^(cio_)?object:') = match(subject, '^(cio_)?object:'),
            [],
            arrayMap(
                said -> (hash, said.1, said.2),
                if(
                    kind = 'delete_relationships',
                    [('deleted', '')],
                    arrayPushFront(arrayMap(pair -> ('attribute', pair.1), end.2), ('added', ''))
                )
            )
        ),
        relationships,
        arraySlice(other_hashes, length(links) + 1, length(relationships))
    ))""",
)
_ENDS = {
    "subject_hash": "if(kept.by_object, kept.object_hash, kept.subject_hash)",
    "other": "if(kept.by_object, kept.subject_hash, kept.object_hash)",
    "part": "kept.part",
    "detail": "kept.name",
}

MESSAGES_WITHOUT_ROWS: Mapping[str, Question] = {
    "stored_customers": _customers(),
    "stored_identifies": _lacking(
        "stored_identifies",
        ("identify", *RARER),
        taken(f"{_in(('identify', *RARER))} AND {_CUSTOMERS}"),
        "subject_hash, version",
        f"SELECT subject_hash, version FROM stored_identifies WHERE {_AT}",  # noqa: S608
    ),
    "stored_claims": _lacking(
        "stored_claims",
        ("links", "cio"),
        _CLAIMS,
        "subject_hash, other, version",
        f"SELECT subject_hash, linked_hash AS other, version FROM stored_claims WHERE {_AT}",  # noqa: S608
    ),
    # Also those below another one: none of them is ever removed.
    "stored_erasures": _lacking(
        "stored_erasures",
        ERASURES,
        f"(SELECT * FROM {KEPT} WHERE {_in(ERASURES)})",  # noqa: S608
        "subject_hash, version",
        "SELECT subject_hash, version FROM stored_erasures",
    ),
} | dict(
    [
        _last(
            "packed_events",
            EVENTS,
            {"month": "toYYYYMM(kept.filed_at)", "id": "kept.id"},
            _FILED,
            f"toYYYYMM(kept.filed_at) IN (SELECT month FROM {_FILED})",  # noqa: S608
        ),
        _last("stored_attributes", ("identify", "form"), {"attribute": "kept.name"}, _ATTRIBUTES),
        _last("stored_devices", ("add_device", "delete_device"), {"target": "kept.token", "kind": "kept.kind"}),
        _last("stored_relationships", ("relationships",), _ENDS, _RELATIONSHIPS),
        _last("stored_segment_members", ("add_to_segment", "remove_from_segment"), {"target": "kept.segment_id"}),
        _last("stored_deliveries", ("metric",), {"name": "kept.metric", "other": "kept.recipient_hash"}, _RECIPIENTS),
        _last("stored_form_submissions", ("form",), {"target": "kept.form_id", "id": "kept.id"}),
        _last("stored_unsubscribes", ("unsubscribe",), {}),
        _last("stored_links", ("links",), {"other": "kept.linked_hash", "kind": "kept.kind"}, _LINKS),
        _last("stored_rejections", ("rejection",), {}, taken(f"kind = 'rejection' AND {_NOT_EXPIRING}")),
    ]
)
