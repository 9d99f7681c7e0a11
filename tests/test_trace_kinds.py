"""`penstock trace` of what is rarer than events: which table proves it, and what hides it."""

from typing import get_args

import msgspec

from deploy.trace import FATES, VIEWS, following
from schemas.messages import Kind, Message
from tests.embedded import Embedded, made
from workers.purge import purge
from workers.trace import Sighting, Wanted
from workers.trace.trace import trace

RELATED = (("object:1/x", (("role", '"r"'),)),)
# With the table that has its row.
SAID: list[tuple[Message, str]] = [
    (made(1, "add_device", target="t", name="ios"), "stored_devices"),
    (made(2, "delete_device", "id:2", target="t"), "stored_devices"),
    (made(3, "add_relationships", relationships=RELATED), "stored_relationships"),
    (made(4, "delete_relationships", "object:1/x", relationships=(("id:2", ()),)), "stored_relationships"),
    (made(5, "add_to_segment", target="7"), "stored_segment_members"),
    (made(6, "remove_from_segment", "id:2", target="7"), "stored_segment_members"),
    (made(7, "form", target="f"), "stored_form_submissions"),
    (made(8, "metric", "delivery:d", name="sent", attributes=(("recipient", '"1"'),)), "stored_deliveries"),
    (made(9, "unsubscribe", "delivery:d", attributes=(("unsubscribe", "true"),)), "stored_unsubscribes"),
    (made(10, "merge", links=("id:2",)), "stored_links"),
    (made(11, "suppress", "id:9"), "stored_erasures"),
    (made(12, "unsuppress", "id:9"), "stored_erasures"),
]


def seen(place: Embedded, number: int) -> list[Sighting]:
    """Of the message of that number, in the order of the log."""
    return trace(place.settings, place.settings.clickhouse, Wanted(made(number).id)).sightings


def fates(place: Embedded, *numbers: int) -> list[tuple[str, str]]:
    return [(one.fate, one.detail) for number in numbers for one in seen(place, number)]


def test_each_kind_is_proved_by_its_table(place: Embedded) -> None:
    """Inserted; and lacking once that table has lost it."""
    place.land(*(message for message, _ in SAID), made(13, "telemetry", "telemetry:x"))
    numbers = range(1, 14)
    whole = fates(place, *numbers)
    for table in {table for _, table in SAID}:
        place.command(f"TRUNCATE TABLE {table}")
    damaged = fates(place, *numbers)

    assert whole == [("inserted", "")] * 13
    assert damaged == [*(("lacking", table) for _, table in SAID), ("inserted", "")]


def test_later_one_of_the_same_thing_replaces(place: Embedded) -> None:
    """The same device, segment and metric; not another's."""
    again = [msgspec.structs.replace(message, id=made(100 + n).id) for n, (message, _) in enumerate(SAID[:10])]
    place.land(*(message for message, _ in SAID[:10]), made(50, "add_device", target="other"), *again)

    found = [seen(place, number)[0] for number in range(1, 11)]

    assert [one.fate for one in found] == ["replaced"] * 6 + ["inserted"] + ["replaced"] * 3  # a form has its own id
    assert found[0].detail == "offset 12"
    assert fates(place, 50, 100) == [("inserted", "")] * 2


def test_suppressed_message_names_the_suppression(place: Embedded) -> None:
    """What came while it lasted, also after its end; what was before it was erased by it, what came after it counts."""
    place.land(made(1), made(2, "suppress"), made(3), made(4, "add_device", target="t"), made(5, "unsuppress"), made(6))
    before, first, second, after = fates(place, 1, 3, 4, 6)

    assert (before[0], first[0], second[0], after[0]) == ("erased", "suppressed", "suppressed", "inserted")
    assert before[1].startswith(f"by the suppression {made(2).id}, requested at ")
    assert first[1] == second[1]
    assert first[1].startswith(f"since the suppression {made(2).id}, requested at ")
    place.land(made(7, "delete"))
    assert fates(place, 3)[0][0] == "suppressed"
    assert fates(place, 6)[0][1].startswith(f"by the deletion {made(7).id}")


def test_what_names_two_is_erased_with_the_other_one(place: Embedded) -> None:
    """A merge, a relationship, a delivery: before the purge; after it nothing is left of a delivery."""
    place.land(
        made(1, "merge", "id:2", links=("id:1",)),
        made(2, "add_relationships", "object:1/x", relationships=(("id:1", ()),)),
        made(3, "add_relationships", "object:1/x", relationships=(("id:1", ()), ("id:2", ()))),
        made(4, "metric", "delivery:d", name="sent", attributes=(("recipient", '"1"'),)),
        made(5, "delete"),
    )
    gone = ("erased", "with the other one whom it names")

    assert fates(place, 1, 2, 3, 4) == [gone, gone, ("inserted", ""), gone]
    purge(place.settings.clickhouse)
    assert fates(place, 1, 2, 3, 4) == [gone, gone, ("inserted", "")]


def test_message_tells_whose_it_is(place: Embedded) -> None:
    """Whatever identifier it was said under; nobody's while nobody claims the visitor."""
    place.land(made(1, subject="anon:a"), made(2, subject="id:1"), made(3, subject="anon:b"))
    alone = [seen(place, number)[0].person for number in (1, 2, 3)]
    place.land(made(4, "identify", "id:1", links=("email:a@x.org", "anon:a")), made(5, subject="email:a@x.org"))
    together = [seen(place, number)[0].person for number in range(1, 6)]
    place.land(made(6, subject=f"cio:{together[1]}"))

    assert (alone[0], alone[2], together[2]) == ("", "", "")
    assert len(alone[1]) == 32
    assert [together[0], together[1], together[3], together[4], seen(place, 6)[0].person] == [alone[1]] * 5


def test_message_tells_what_was_not_done_of_it(place: Embedded) -> None:
    """A merge with nobody, a link to somebody else, a `cio_id` that is none; a merge that took effect tells nothing."""
    place.land(
        made(1, subject="id:1"),
        made(2, subject="email:b@x.org"),
        made(3, "identify", "id:1", links=("email:b@x.org",)),
        made(4, "merge", "id:nobody", links=("id:1",)),
        made(5, "merge", "id:1", links=("id:nobody",)),
        made(6, subject=f"cio:{1:032x}"),
        made(7, "merge", "id:1", links=("email:b@x.org",)),
    )

    told = {number: seen(place, number)[0].refusals for number in range(1, 8)}

    assert {number: refusals for number, refusals in told.items() if refusals} == {
        3: ["identifier_conflict: email:b@x.org"],
        4: ["unknown_primary: id:1"],
        5: ["unknown_secondary: id:nobody"],
        6: ["unknown_cio_id"],
    }


def test_rejection_is_found_by_its_id(place: Embedded) -> None:
    """With the reason and what it would have been told; also where nobody knows whose it was."""
    data = msgspec.Raw(b'{"status":400,"messages":["userId is required","type is unknown"],"excerpt":"{","left_out":0}')
    place.land(made(1, "rejection", "rejection:r", workspace="", name="bad_request", data=data))

    [refused] = seen(place, 1)

    assert (refused.fate, refused.detail) == ("refused", "bad_request, else 400: userId is required; type is unknown")
    assert "X-Strict-Mode" in following(refused)
    place.command("TRUNCATE TABLE stored_rejections")
    assert fates(place, 1) == [("lacking", "stored_rejections")]


def test_what_has_an_id_outlives_its_record(place: Embedded) -> None:
    """A form and a delivery, as an event."""
    place.land(SAID[6][0], SAID[7][0], made(20))
    place.command("TRUNCATE TABLE journal")

    assert [(one.fate, one.kind) for number in (7, 8, 20) for one in seen(place, number)] == [
        ("old", "form"),
        ("old", "metric"),
        ("old", "event"),
    ]


def test_every_fate_has_words_and_every_kind_a_view() -> None:
    """A new kind is not called an event."""
    assert set(get_args(Kind)) - {"event", "page", "screen", "rejection"} == VIEWS.keys()
    assert {name for name in FATES if name in (Sighting.__doc__ or "")} == FATES.keys()
