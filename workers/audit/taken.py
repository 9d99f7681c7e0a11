"""Which messages of a slice of append time the tables must have.

Each is a part of a question with the parameters `from`, `to`, `log` and `committed`. What is being inserted just now is
at or beyond the committed offsets, and is left out.
"""

SLICE = "_at >= {from:UInt64} AND _at < {to:UInt64}"
_COMMITTED = "_offset < arrayElement({committed:Array(UInt64)}, _partition + 1)"
_COLUMNS = (
    "_log",
    "_partition",
    "_offset",
    "id",
    "kind",
    "workspace",
    "subject",
    "name",
    "target",
    "links",
    "relationships",
    "other_hashes",
    "attributes",
    "filed_at",
    "received_at",
    "subject_hash",
    "version",
)
# Not dead, and something is left of them.
KEPT = f"""(
    SELECT {", ".join(_COLUMNS)}
    FROM journal
    WHERE {SLICE} AND kind != 'erased' AND (_log != {{log:String}} OR {_COMMITTED})
    AND (_log, _partition, _offset) NOT IN (
        SELECT _log, _partition, _offset FROM stored_dead_letters FINAL WHERE {SLICE} AND status = 'dead'
    )
)"""  # noqa: S608  nothing of it comes from outside


def _named(*more: str) -> str:
    return ", ".join(f"message.{column} AS {column}" for column in (*_COLUMNS, *more))


# And nothing erased them since.
_TAKEN = f"""(
    SELECT {_named()}
    FROM {KEPT} AS message
    LEFT ANTI JOIN erased_subjects AS erased
        ON message.subject_hash = erased.subject_hash AND message.version < erased.below
    LEFT ANTI JOIN erased_workspaces AS gone
        ON message.workspace = gone.workspace AND message.version < gone.version
)"""  # noqa: S608


def taken(which: str) -> str:
    """Messages of which that is true."""
    return f"(SELECT * FROM {_TAKEN} WHERE {which})"  # noqa: S608


def taken_with_others(which: str, others: str) -> str:
    """The same, once for each of `others`: an array of a hash and two texts, `part` and `detail`. Without those whose
    hash is of somebody who was erased since."""
    return f"""(
    SELECT {_named("other", "part", "detail")}
    FROM
    (
        SELECT *, said.1 AS other, said.2 AS part, said.3 AS detail
        FROM {taken(which)}
        ARRAY JOIN {others} AS said
    ) AS message
    LEFT ANTI JOIN erased_subjects AS erased ON message.other = erased.subject_hash AND message.version < erased.below
)"""  # noqa: S608
