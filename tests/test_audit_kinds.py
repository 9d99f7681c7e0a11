"""The audit of what is rarer than events: each kind of message has its row, and each row its message."""

import time

import msgspec
import pytest

from tests.embedded import Embedded, made
from workers.audit.audit import audit
from workers.audit.expected import MESSAGES_WITHOUT_ROWS
from workers.audit.report import Report
from workers.audit.views import KEYS
from workers.erasable import ERASABLE
from workers.purge import purge

ROLE = (("role", '"r"'),)


@pytest.fixture
def landed(place: Embedded) -> Embedded:
    """Offsets 1 to 22, each of its number: all kinds of messages. Customer 9 was suppressed for a while, 8 still is."""
    place.land(
        made(1, "identify", links=("email:a@b.c",), relationships=(("object:1/x", ROLE),)),
        made(2, "identify", "object:1/x", relationships=(("id:2", ()),)),
        made(3, "add_device", target="t", name="ios"),
        made(4, "delete_device", target="t"),
        made(5, "add_relationships", "id:2", relationships=(("object:1/x", ROLE), ("id:1", ROLE))),
        made(6, "delete_relationships", relationships=(("object:1/x", ROLE),)),
        made(7, "add_to_segment", target="7"),
        made(8, "remove_from_segment", "id:2", target="7"),
        made(9, "form", target="f", attributes=(("color", '"red"'),)),
        made(10, "form", "form:f", target="f", attributes=(("color", '"red"'),)),
        made(11, "metric", "delivery:d", name="sent", attributes=(("recipient", '"1"'),)),
        made(12, "metric", "delivery:e", name="sent"),
        made(13, "unsubscribe", "delivery:d", attributes=(("unsubscribe", "true"),)),
        made(14, "merge", links=("id:2",)),
        made(15, "rejection", "rejection:r", workspace="", name="unknown_workspace", data=msgspec.Raw(b"{}")),
        made(16, "telemetry", "telemetry:x"),
        made(17, "suppress", "id:9"),
        made(18, subject="id:9"),
        made(19, "unsuppress", "id:9"),
        made(20, "suppress", "id:8"),
        made(21, subject="id:8"),
        made(22, subject=f"cio:{1:032x}"),
    )
    return place


def audited(place: Embedded) -> Report:
    return audit(place.settings, place.settings.clickhouse, 0, lambda *_: None)


def test_whole_tables_are_proved(landed: Embedded) -> None:
    """What is hidden by a suppression counts as erased, as the suppression itself does."""
    report = audited(landed)

    assert report.proved, report.findings
    [span] = report.spans
    assert (span.end, span.taken, span.erased) == (23, 18, 4)


LOST = [
    ("stored_devices", "kind = 'add_device'", 3),
    ("stored_devices", "kind = 'delete_device'", 4),
    ("stored_relationships", "part = 'added' AND customer = '1'", 1),
    ("stored_relationships", "by_object", 2),
    ("stored_relationships", "part = 'attribute' AND customer = '2'", 5),
    ("stored_relationships", "part = 'deleted'", 6),
    ("stored_segment_members", "customer = '1'", 7),
    ("stored_segment_members", "customer = '2'", 8),
    ("stored_form_submissions", "customer_kind = 'id'", 9),
    ("stored_form_submissions", "customer_kind = 'form'", 10),
    ("stored_attributes", "name = 'color'", 9),
    ("stored_identifies", "customer = '2'", 5),
    ("stored_customers", "customer = '2'", 5),
    ("stored_deliveries", "recipient != ''", 11),
    ("stored_unsubscribes", "1", 13),
    ("stored_deliveries", "recipient = ''", 12),
    ("stored_links", "kind = 'identify'", 1),
    ("stored_links", "kind = 'merge'", 14),
    ("stored_claims", "kind = 'identify'", 1),
    ("stored_claims", "kind = 'merge'", 14),
    ("stored_claims", "customer_kind = 'cio'", 22),
    ("stored_erasures", "kind = 'unsuppress'", 19),
    ("stored_erasures", "kind = 'suppress' AND id LIKE '%20'", 20),
    ("stored_rejections", "1", 15),
]


@pytest.mark.parametrize("lost", [LOST[::2], LOST[1::2]], ids=["one half", "the other"])
def test_lost_rows_are_named(landed: Embedded, lost: list[tuple[str, str, int]]) -> None:
    """With the places of the messages that they were made of, and none but those; the others' rows cover nothing."""
    for table, where, _ in lost:
        landed.command(f"DELETE FROM {table} WHERE {where}")

    report = audited(landed)

    found = {(finding.where, finding.first) for finding in report.findings if finding.what == "no row"}
    assert found == {(table, offset) for table, _, offset in lost}


def test_rows_without_a_message_are_named(landed: Embedded) -> None:
    """Somebody wrote them into the tables, under whatever subject."""
    now, expected = int(time.time() * 1000), set()
    for offset, table in enumerate(MESSAGES_WITHOUT_ROWS, 1):
        versions = ["first_version", "last_version"] if table == "stored_customers" else ["version"]
        given = dict.fromkeys(versions, f"toUInt128('{(now << 86) + (now << 44) + offset}')") | {"subject_hash": "42"}
        if table == "packed_events":
            given = {"place": f"toUInt128('{(now << 86) + offset}')", "subject_hash": "42"}
        if table == "stored_rejections":
            given["rejected_at"] = "now64(3)"  # else it is too old to be kept
        landed.command(f"INSERT INTO {table} ({', '.join(given)}) SELECT {', '.join(given.values())}")
        expected.add(("no message", table, offset))

    assert {(finding.what, finding.where, finding.first) for finding in audited(landed).findings} == expected


def test_every_table_is_audited_and_every_view(landed: Embedded) -> None:
    """A new one is not forgotten: but those of the text of deletions, of what is dead, of what the log held, and of
    what follows from others."""
    tables = {one.table for one in ERASABLE} - {"erasures", "stored_dead_letters", "journal"}
    tables -= {"stored_people", "stored_finder", "stored_returns"}
    views = landed.client.query("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'")
    # They show one thing more often, or are none for people.
    several = {"dead_letters", "rejections", "repeats", "subjects", "erased_subjects", "erasure_key", "all_erasures"}
    several |= {"overrides", "identified", "seen", "said_attributes", "current_attributes", "attributes_of", "resolved"}
    several |= {"identifiers_by", "identifiers_of", "events_by", "customer_events", "customer_by", "customer"}
    several |= {"person_by", "recent_events"}

    assert tables | {"stored_erasures"} == set(MESSAGES_WITHOUT_ROWS)
    assert set(KEYS) == {name for (name,) in views.result_rows} - several


def test_what_names_somebody_erased_demands_no_row(landed: Embedded) -> None:
    """A relationship, a link, a delivery: neither before the purge nor after it."""
    landed.land(made(23, "delete"))
    for table in ("stored_relationships", "stored_links", "stored_deliveries"):
        hashes = {"stored_relationships": "subject", "stored_links": "linked", "stored_deliveries": "recipient"}
        landed.command(f"DELETE FROM {table} WHERE {hashes[table]}_hash IN (SELECT subject_hash FROM erased_subjects)")
    hidden = audited(landed)
    purge(landed.settings.clickhouse)
    purged = audited(landed)

    assert (hidden.findings, purged.findings) == ([], [])
    assert purged.spans[0].erased > hidden.spans[0].erased


def test_deletion_that_follows_from_another_one_needs_no_message(landed: Embedded) -> None:
    """A purge makes it final: it is no row that nobody sent."""
    landed.land(made(23, "identify", "id:3", links=("phone:+4930",)), made(24, "delete", "id:3"))
    derived = landed.client.query("SELECT count() FROM stored_derived_erasures FINAL WHERE kind = 'delete'")
    assert derived.result_rows == [(1,)]
    purge(landed.settings.clickhouse)

    assert audited(landed).findings == []


def test_doubled_rows_of_the_views_are_named(landed: Embedded) -> None:
    """Whatever each shows one row of."""
    shown = "filed_at, id, customer_kind, customer, token, object_type_id, object_id, cio_object_id, segment_id,"
    shown += " delivery_id, metric, form_id, preference, linked_kind, linked, kind, cio_id, person, name"
    columns = ", ".join(f"'1' AS {name}" for name in shown.split(", ")).replace("'1' AS filed", "now() AS filed")
    for view in KEYS:
        landed.client.command(f"CREATE OR REPLACE VIEW {view} AS SELECT 'w' AS workspace, {columns} FROM numbers(2)")

    assert {(finding.what, finding.where) for finding in audited(landed).findings} == {
        ("double", view) for view in KEYS
    }
