"""No view shows anything twice."""

from collections.abc import Iterator

from workers.asking import Asking
from workers.audit.report import Finding

LISTED = 100

# What there is one row of in each. The same id in another month is another event: `packed_events` says why.
KEYS = {
    "events": "workspace, customer_kind, customer, toYYYYMM(filed_at), id",
    "customers": "workspace, cio_id",
    "attributes": "workspace, person, name",
    "devices": "workspace, token",
    "objects": "workspace, object_type_id, object_id, cio_object_id",
    "relationships": (
        "workspace, person, if(person = '', customer_kind || ':' || customer, ''),"
        " object_type_id, object_id, cio_object_id"
    ),
    "segment_members": "workspace, segment_id, person",
    "deliveries": "workspace, delivery_id, metric",
    "form_submissions": "workspace, form_id, customer_kind, customer, id",
    "forms": "workspace, form_id",
    "unsubscribes": "workspace, delivery_id",
    "subscription_preferences": "workspace, person, preference",
    "identifiers": "workspace, customer_kind, customer, linked_kind, linked, kind",
}
DOUBLES = "SELECT workspace, count() AS times FROM {view} GROUP BY {key} HAVING times > 1 LIMIT {{listed:UInt32}}"


def check(asking: Asking) -> Iterator[Finding]:
    """The whole of each view, whenever it was appended; at most `LISTED` of each. Raises `Away` and `Failed`."""
    for view, key in KEYS.items():
        for workspace, times in asking.rows(DOUBLES.format(view=view, key=key), listed=LISTED):
            yield Finding("double", view, None, None, None, f"{times} times, in workspace {workspace}")
