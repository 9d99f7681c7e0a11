"""`penstock person` on a real ClickHouse: who somebody is, by any identifier, and which message said so."""

import time
from datetime import UTC
from typing import Any

import msgspec

from deploy.person import subject
from schemas.messages import MUST_EXIST, Message
from tests.embedded import Embedded, made
from workers.person import Found, Person
from workers.person.person import person

DAY = 86_400


def found(place: Embedded, identifier: str, workspace: str = "", events: int = 10) -> Found:
    return person(place.settings.clickhouse, subject(identifier), workspace, events)


def known(place: Embedded, identifier: str, **more: Any) -> Person:
    answer = found(place, identifier, **more)
    assert answer.person, answer
    return answer.person


def said(person: Person) -> dict[str, tuple[str, str]]:
    """Of each attribute its value and the identifier under which it was said."""
    return {each.name: (bytes(each.value).decode(), each.identifier) for each in person.attributes}


def identify(number: int, subject: str, *links: str, **attributes: str) -> Message:
    pairs = tuple((name, msgspec.json.encode(value).decode()) for name, value in attributes.items())
    return made(number, "identify", subject, links=links, attributes=pairs)


def test_person_is_found_by_each_identifier(place: Embedded) -> None:
    """Also by the `cio_id`, and by a kind in front; with how each identifier came to it."""
    place.land(
        identify(1, "email:bob@example.com", plan="free"),
        identify(2, "id:5", "email:bob@example.com", "anon:v1", plan="paid"),
    )

    by_id = known(place, "5")

    assert (by_id.workspace, by_id.founder) == ("site", "email:bob@example.com")
    for identifier in ("id:5", "Bob@example.com", "email:BOB@example.com", "anon:v1", f"cio_{by_id.cio_id}"):
        assert known(place, identifier) == by_id
    founder, *others = by_id.identifiers
    assert (founder.identifier, founder.linked, founder.message.id) == (by_id.founder, None, made(1).id)
    assert {each.identifier: each.linked.other for each in others if each.linked} == {
        "id:5": "email:bob@example.com",
        "anon:v1": "id:5",
    }
    assert {(each.message.kind, each.message.endpoint, each.message.id) for each in others} == {
        ("identify", "track", made(2).id)
    }
    assert [each.identifier for each in others if each.until] == ["anon:v1"]


def test_attribute_names_the_message_that_set_it(place: Embedded) -> None:
    """The last write wins under whichever identifier; what was unset since is none."""
    place.land(
        identify(1, "email:bob@example.com", plan="free", city="Berlin", old="x"),
        identify(2, "id:5", "email:bob@example.com", plan="paid", old=""),
    )

    seen = {each.name: each for each in known(place, "5").attributes}

    assert said(known(place, "5")) == {"city": ('"Berlin"', "email:bob@example.com"), "plan": ('"paid"', "id:5")}
    assert (seen["plan"].message.id, seen["city"].message.id) == (made(2).id, made(1).id)
    assert seen["plan"].message.endpoint == "track"
    assert abs(seen["plan"].set_at.timestamp() - time.time()) < 60


def test_message_older_than_the_journal_is_not_named(place: Embedded) -> None:
    """The time is still known."""
    place.land(identify(1, "id:5", plan="paid"))
    place.command("TRUNCATE TABLE journal")

    [plan] = known(place, "5").attributes

    assert plan.message.id == ""
    assert abs(plan.set_at.timestamp() - time.time()) < 60


def test_merged_person_keeps_what_it_has_and_gains_what_it_lacks(place: Embedded) -> None:
    """And says of which former person its identifiers were; what is written later counts under any of them."""
    place.land(
        identify(1, "id:1", plan="paid", city=""),
        identify(2, "id:2", "email:two@example.com", plan="free", city="Berlin", tier="gold"),
        made(3, "merge", "id:1", links=("id:2",), name=""),
        identify(4, "email:two@example.com", tier="silver"),
    )

    one = known(place, "two@example.com")

    assert one.founder == "id:1"
    assert said(one) == {
        "city": ('"Berlin"', "id:2"),
        "plan": ('"paid"', "id:1"),
        "tier": ('"silver"', "email:two@example.com"),
    }
    mergers = {each.identifier: [merger.other for merger in each.merged] for each in one.identifiers}
    assert mergers == {"id:1": [], "id:2": ["id:2"], "email:two@example.com": ["id:2"]}
    assert one.identifiers[1].merged[0].message.id == made(3).id


def test_chain_of_mergers_ends_in_one_value(place: Embedded) -> None:
    """Each merger decides between what was there at its time."""
    place.land(
        identify(1, "id:1", a="1"),
        identify(2, "id:2", b="2", c="2"),
        identify(3, "id:3", a="3", b="3", c="3", d="3"),
        made(4, "merge", "id:2", links=("id:3",), name=""),
        identify(5, "id:2", c=""),
        made(6, "merge", "id:1", links=("id:2",), name=""),
    )

    assert {name: value for name, (value, _) in said(known(place, "3")).items()} == {"a": '"1"', "b": '"2"', "d": '"3"'}
    assert [len(each.merged) for each in known(place, "1").identifiers] == [0, 1, 2]


def test_refused_link_says_why_and_how_often(place: Embedded) -> None:
    """At both ends; the attribute that it came with is not applied."""
    place.land(
        identify(1, "id:1", email="one@example.com"),
        identify(2, "email:two@example.com", plan="free"),
        *(identify(number, "id:1", "email:two@example.com", email="two@example.com") for number in (3, 4)),
    )

    one, two = known(place, "1"), known(place, "two@example.com")

    [refusal] = one.refused
    assert (refusal.identifier, refusal.reason, refusal.times) == ("id:1", "identifier_conflict", 2)
    assert (refusal.link.other, refusal.link.message.id) == ("email:two@example.com", made(4).id)
    assert [each.link.other for each in two.refused] == ["id:1"]
    assert said(one) == {"email": ('"one@example.com"', "id:1")}


def test_update_of_nobody_counts_for_nobody(place: Embedded) -> None:
    """What must exist creates nobody, and says nothing of who comes later."""
    pairs = (("plan", '"free"'), MUST_EXIST)
    place.land(made(1, "identify", "id:5", attributes=pairs))
    assert found(place, "5").state == "unknown"

    place.land(identify(2, "id:5", city="Berlin"))
    assert said(known(place, "5")) == {"city": ('"Berlin"', "id:5")}

    place.land(made(3, "identify", "id:5", attributes=pairs))
    assert said(known(place, "5")).keys() == {"city", "plan"}

    place.land(made(4, "identify", "id:7", links=("id:5",), attributes=(("tier", '"gold"'), MUST_EXIST)))
    assert said(known(place, "5"))["tier"] == ('"gold"', "id:7")


def test_things_and_last_events_under_any_identifier(place: Embedded) -> None:
    """The newest events first, no more than wanted; of the visitor only what it did as that person."""
    now = time.time()
    place.land(
        made(1, subject="anon:v1", name="browsed", timestamp=now - DAY),
        identify(2, "id:5", "email:bob@example.com", "anon:v1"),
        made(3, "add_device", "email:bob@example.com", target="t1", name="ios", attributes=(("os", '"18"'),)),
        made(4, "add_to_segment", "id:5", target="7"),
        made(5, "add_relationships", "id:5", relationships=(("object:1/acme", (("role", '"boss"'),)),)),
        made(6, subject="id:5", name="bought", timestamp=now - 60),
        made(7, subject="id:6", name="another's"),
    )

    bob = known(place, "bob@example.com")

    assert [(each.platform, each.token, bytes(each.attributes)) for each in bob.devices] == [
        ("ios", "t1", b'{"os":"18"}')
    ]
    assert [each.segment_id for each in bob.segments] == ["7"]
    assert [(each.object_id, bytes(each.attributes)) for each in bob.relationships] == [("acme", b'{"role":"boss"}')]
    assert [(each.name, each.identifier) for each in bob.events] == [("bought", "id:5"), ("browsed", "anon:v1")]
    assert [each.name for each in known(place, "5", events=1).events] == ["bought"]


def test_who_was_erased_is_not_shown(place: Embedded) -> None:
    """By no identifier, also not by the old `cio_id`; who comes back is somebody else."""
    place.land(
        identify(1, "id:5", "email:bob@example.com", plan="paid"),
        identify(2, "id:6", plan="free"),
        identify(3, "id:6", "email:bob@example.com"),
    )
    before = known(place, "5").cio_id
    place.land(made(4, "delete", "id:5", name=""))

    for identifier in ("5", "bob@example.com", f"cio_{before}"):
        assert (found(place, identifier).state, found(place, identifier).erasure) == ("erased", made(4).id)
    assert "bob" not in msgspec.json.encode(known(place, "6")).decode()

    place.land(identify(5, "id:5", city="Berlin"))
    assert said(known(place, "5")) == {"city": ('"Berlin"', "id:5")}
    assert [each.identifier for each in known(place, "5").identifiers] == ["id:5"]
    assert known(place, "5").cio_id != before
    assert found(place, f"cio_{before}").state == "erased"


def test_suppressed_unclaimed_and_unknown_are_told_apart(place: Embedded) -> None:
    """None of them is anybody."""
    place.land(
        identify(1, "id:5", "email:bob@example.com"),
        made(2, "suppress", "email:bob@example.com", name=""),
        identify(3, "id:5"),
        made(4, subject="anon:v1"),
    )

    states = {each: found(place, each).state for each in ("5", "bob@example.com", "anon:v1", "7", "cio_7")}

    assert states == {
        "5": "suppressed",
        "bob@example.com": "suppressed",
        "anon:v1": "anonymous",
        "7": "unknown",
        "cio_7": "unknown",
    }


def test_erased_workspace_has_nobody(place: Embedded) -> None:
    """There is no deletion to name."""
    place.land(identify(1, "id:5"), identify(2, "id:6", "email:six@example.com"))
    below = int(time.time() * 1000 + 9_000) << 86
    place.client.command(f"INSERT INTO erased_workspaces VALUES ('site', {below}, now64())")

    assert [(found(place, each).state, found(place, each).erasure) for each in ("5", "six@example.com")] == [
        ("erased", "")
    ] * 2


def test_workspace_is_named_where_several_know_somebody(place: Embedded) -> None:
    """They are two people."""
    place.land(identify(1, "id:5", plan="a"), made(2, "identify", "id:5", workspace="other"))

    assert (found(place, "5").state, found(place, "5").workspaces) == ("several", ["other", "site"])
    assert known(place, "5", workspace="other").attributes == []
    assert known(place, "5", workspace="site").cio_id != known(place, "5", workspace="other").cio_id


def test_page_says_what_the_view_says(place: Embedded) -> None:
    """Whoever it is: the same identifiers in the same order, attributes and times."""
    place.land(
        identify(1, "id:1", a="1", b=""),
        identify(2, "id:2", "email:two@example.com", a="2", b="2", email="two@example.com"),
        identify(3, "id:3", "anon:v1", a="3", c="3"),
        made(4, "merge", "id:2", links=("id:3",), name=""),
        identify(5, "id:3", "phone:+49151", c="", d="5", phone="+49151"),
        made(6, "merge", "id:1", links=("email:two@example.com",), name=""),
        identify(7, "id:4", a="4"),
        identify(12, "id:4", "email:two@example.com", email="two@example.com", b="4"),
        made(9, subject="id:6", name="bought"),
        made(10, "delete", "id:6", name=""),
        made(11, subject="id:6", name="bought again"),
    )

    shown = place.client.query("SELECT cio_id, identifiers, attributes_json, first_seen_at, updated_at FROM customers")

    assert {row[1][0] for row in shown.result_rows} == {"id:1", "id:4", "id:6"}
    for cio_id, identifiers, attributes, *times in shown.result_rows:
        one = known(place, f"cio_{cio_id}")
        exact = msgspec.json.decode(attributes, type=dict[str, msgspec.Raw])
        assert (one.cio_id, [each.identifier for each in one.identifiers]) == (cio_id, identifiers)
        assert {each.name: bytes(each.value) for each in one.attributes} == {
            name: bytes(value) for name, value in exact.items()
        }
        assert [one.first_seen_at, one.updated_at] == [at.replace(tzinfo=UTC) for at in times]
