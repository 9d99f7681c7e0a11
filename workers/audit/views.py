"""No view shows anything twice."""

from collections.abc import Iterator

from workers.asking import Asking
from workers.audit.report import Finding

LISTED = 100

# The same id in another month is another event: `stored_events` says why.
DOUBLES = {
    "events": """
SELECT workspace, count() AS times
FROM events
GROUP BY workspace, customer_kind, customer, toYYYYMM(filed_at), id
HAVING times > 1
LIMIT {listed:UInt32}
""",
    "customers": """
SELECT workspace, count() AS times
FROM customers
GROUP BY workspace, customer_kind, customer
HAVING times > 1
LIMIT {listed:UInt32}
""",
}


def check(asking: Asking) -> Iterator[Finding]:
    """The whole of each view, whenever it was appended; at most `LISTED` of each. Raises `Away` and `Failed`."""
    for view, question in DOUBLES.items():
        for workspace, times in asking.rows(question, listed=LISTED):
            yield Finding("double", view, None, None, None, f"{times} times, in workspace {workspace}")
