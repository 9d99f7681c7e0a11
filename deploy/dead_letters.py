"""`penstock dead-letters`: what became no row, counted by reason and listed, newest first."""

from typing import BinaryIO

from deploy.query import query

# ClickHouse ends what it says in the name of its error; a record that it never saw has a sentence of ours.
_NAME = r"if(code = 0, reason, extract(reason, '\\(([A-Z][A-Z_]+)\\)'))"
COUNTS = f"""
SELECT status, code, {_NAME} AS reason, count() AS records, min(appended_at) AS first, max(appended_at) AS last
FROM dead_letters
GROUP BY ALL
ORDER BY records DESC
"""  # noqa: S608  nothing of it comes from outside
# Somebody else's bytes: none of them may command the terminal.
_SHOWN = r"replaceRegexpAll(substringUTF8(toValidUTF8(value), 1, 60), '[\\x00-\\x1f\\x7f-\\x9f]', '.')"
NEWEST = """
SELECT appended_at, log, partition, offset, code, {shown} AS value
FROM dead_letters
ORDER BY appended_at DESC, partition, offset DESC
LIMIT {limit}
"""


def show(url: str, out: BinaryIO, limit: int) -> None:
    """Write two tables. Raises `QueryFailed`."""
    query(url, COUNTS, "PrettyCompact", out)
    if limit:
        query(url, NEWEST.format(limit=limit, shown=_SHOWN), "PrettyCompact", out)
