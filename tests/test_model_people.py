"""The model of people against expectations worked out by hand: who is created, linked and merged."""

from collections.abc import Iterable

import pytest

from schemas.messages import Kind
from tests.placed import Placed
from tests.telling import (
    CIO_1,
    CIO_2,
    UPDATE,
    W,
    attributes,
    identify,
    persons,
    refused,
    refused_links,
    say,
    seen,
)

# Who is created

CREATING: list[Kind] = ["identify", "event", "page", "screen", "add_device", "add_relationships", "form"]
NOT_CREATING: list[Kind] = ["delete_device", "delete_relationships", "add_to_segment", "remove_from_segment", "merge"]


@pytest.mark.parametrize("kind", CREATING)
@pytest.mark.parametrize("subject", ["id:1", "email:a@x.com", "phone:+491"])
def test_creating_kinds_bring_somebody_into_being(kind: Kind, subject: str) -> None:
    assert persons(say(1, kind, subject)) == {subject: (subject,)}


@pytest.mark.parametrize("kind", NOT_CREATING)
def test_other_kinds_create_nobody(kind: Kind) -> None:
    assert persons(say(1, kind, "id:1")) == {}


def test_somebody_anonymous_is_created_by_an_identify_only() -> None:
    assert persons(*[say(1 + n, kind, "anon:1") for n, kind in enumerate(CREATING[1:])]) == {}
    assert persons(identify(1, "anon:1")) == {"anon:1": ("anon:1",)}


def test_update_creates_nobody_and_applies_to_who_was_known_before() -> None:
    early = say(1, "identify", "id:1", attributes=(("a", "1"), *UPDATE))
    late = say(3, "identify", "id:1", attributes=(("b", "2"), *UPDATE))

    assert persons(early) == {}
    assert attributes(seen(early, identify(2, "id:1"), late), "id:1") == {"b": "2"}


def test_update_of_a_link_that_is_known_is_of_that_person() -> None:
    """Who gains the identifier."""
    known = identify(1, "email:a@x.com")
    update = say(2, "identify", "id:1", "email:a@x.com", attributes=(("b", "2"), *UPDATE))

    assert persons(known, update) == {"email:a@x.com": ("email:a@x.com", "id:1")}
    assert attributes(seen(known, update), "email:a@x.com") == {"b": "2"}


def test_update_of_nobody_is_refused_with_all_it_says() -> None:
    update = say(1, "identify", "id:1", "email:a@x.com", relationships=(("object:1/a", ()),), attributes=UPDATE)

    assert persons(update) == {}
    assert seen(update).relationships == {}
    assert refused(update) == {("unknown_person", "m1")}


# Links


@pytest.mark.parametrize(
    "links", [("id:2",), ("email:a@x.com",), ("phone:+491",), ("anon:1",), ("anon:1", "phone:+491", "email:a@x.com")]
)
def test_unknown_links_of_somebody_unknown_are_one_person_with_them(links: tuple[str, ...]) -> None:
    """The founder first, of the others none came before the other: in the order of their texts."""
    assert persons(identify(1, "id:1", *links)) == {"id:1": ("id:1", *sorted(links))}


@pytest.mark.parametrize("kind", CREATING)
def test_unknown_subject_with_a_known_link_is_gained(kind: Kind) -> None:
    records = identify(1, "email:a@x.com"), say(2, kind, "id:1", "email:a@x.com")

    assert persons(*records) == {"email:a@x.com": ("email:a@x.com", "id:1")}


def test_two_people_in_one_call_stay_two() -> None:
    """The addressed one gets the attributes, without the identifier of the other."""
    records = (
        identify(1, "id:1", plan="a"),
        identify(2, "id:2", "email:b@x.com"),
        identify(3, "id:1", "email:b@x.com", "phone:+491", email="b@x.com", phone="+491", plan="b"),
    )

    assert persons(*records) == {"id:1": ("id:1", "phone:+491"), "id:2": ("id:2", "email:b@x.com")}
    assert attributes(seen(*records), "id:1") == {"plan": '"b"', "phone": '"+491"'}
    assert refused(*records) == {("identifier_conflict", "m3")}
    assert refused_links(*records) == [("email:b@x.com", "identifier_conflict")]


def test_unknown_subject_with_two_known_links_is_of_the_first_kind() -> None:
    records = (
        identify(1, "email:a@x.com"),
        identify(2, "phone:+491"),
        identify(3, "id:1", "phone:+491", "email:a@x.com"),
    )

    assert persons(*records)["email:a@x.com"] == ("email:a@x.com", "id:1")
    assert refused_links(*records) == [("phone:+491", "identifier_conflict")]


def test_somebody_only_anonymous_is_absorbed_by_who_is_not() -> None:
    """Whichever of the two the message is about."""
    known = identify(1, "anon:1", plan="a", lang="de"), identify(2, "id:1", plan="b")

    for third in (identify(3, "id:1", "anon:1"), identify(3, "anon:1", "id:1")):
        assert persons(*known, third) == {"id:1": ("id:1", "anon:1")}
        assert attributes(seen(*known, third), "id:1") == {"plan": '"b"', "lang": '"de"'}
        assert refused(*known, third) == set()


def test_unknown_subject_joins_somebody_only_anonymous() -> None:
    assert persons(identify(1, "anon:1"), identify(2, "id:1", "anon:1")) == {"anon:1": ("anon:1", "id:1")}


def test_anonymous_id_of_somebody_known_is_not_taken_by_another() -> None:
    records = identify(1, "id:1", "anon:1"), identify(2, "id:2"), identify(3, "id:2", "anon:1", anonymous_id="1")

    assert persons(*records) == {"id:1": ("id:1", "anon:1"), "id:2": ("id:2",)}
    assert attributes(seen(*records), "id:2") == {}
    assert refused_links(*records) == [("anon:1", "identifier_conflict")]


# By cio_id


def test_cio_id_is_its_person_who_gains_by_it() -> None:
    records = identify(1, "id:1", plan="a"), identify(2, CIO_1, "email:a@x.com", "id:5", email="a@x.com", id="5")

    assert persons(*records) == {"id:1": ("id:1", "email:a@x.com", "id:5")}
    assert attributes(seen(*records), "id:1") == {"plan": '"a"', "email": '"a@x.com"', "id": '"5"'}


def test_cio_id_of_somebody_absorbed_is_whoever_absorbed_him() -> None:
    records = identify(1, "id:1"), identify(2, "id:2"), say(3, "merge", "id:2", "id:1"), identify(4, CIO_1, plan="a")

    assert attributes(seen(*records), "id:2") == {"plan": '"a"'}


@pytest.mark.parametrize("subject", ["cio:7", CIO_1, CIO_2, f"{CIO_2}9"])
def test_unknown_cio_id_drops_the_message(subject: str) -> None:
    """Before its person is, after he is gone, in another life, or if it is none."""
    records = (
        identify(1, CIO_2),
        say(2, "event", subject, name="e"),
        say(3, "add_to_segment", subject, target="s"),
        identify(4, subject, plan="x"),
        identify(5, "id:2"),
    )

    now = seen(*records)

    assert set(now.customers) == {(W, "id:2")}
    assert (now.events, now.segment_members) == ({}, {})
    assert {(reason, id) for _, reason, id in now.rejections} == {("unknown_cio_id", f"m{n}") for n in (1, 2, 3, 4)}


def test_cio_id_of_a_new_life_has_the_time_of_the_deletion() -> None:
    records = identify(1, "id:1"), say(0x64, "delete", "id:1"), identify(101, "id:1")

    old, new = identify(102, CIO_1, a="old"), identify(103, f"{CIO_1}64", a="new")

    assert persons(*records) == {"id:1 since 100": ("id:1",)}
    assert attributes(seen(*records, old, new), "id:1") == {"a": '"new"'}
    assert refused(*records, old) == {("unknown_cio_id", "m102")}


def test_cio_id_in_a_body_links_as_any_other() -> None:
    records = identify(1, "id:1"), identify(2, "email:a@x.com", CIO_1), identify(3, "id:9", "cio:7", plan="a")

    assert persons(*records) == {"id:1": ("id:1", "email:a@x.com"), "id:9": ("id:9",)}
    assert refused_links(*records) == [("cio:7", "unknown_cio_id")]


# Merges


def test_primary_keeps_what_it_has_and_gains_what_it_lacks() -> None:
    records = (
        identify(1, "id:1", plan="a", lang=""),
        identify(2, "id:2", plan="b", lang="de", city="x"),
        say(3, "merge", "id:1", "id:2"),
    )
    later = identify(4, "id:2", plan="c")

    assert persons(*records) == {"id:1": ("id:1", "id:2")}
    assert attributes(seen(*records), "id:1") == {"plan": '"a"', "lang": '"de"', "city": '"x"'}
    assert attributes(seen(*records, later), "id:1") == {"plan": '"c"', "lang": '"de"', "city": '"x"'}


def test_merges_in_chains_and_cycles_end_in_one_person() -> None:
    known = [identify(n, f"id:{n}") for n in (1, 2, 3)]
    merges = [say(4, "merge", "id:1", "id:2"), say(5, "merge", "id:2", "id:3"), say(6, "merge", "id:3", "id:1")]

    assert persons(*known, *merges) == {"id:1": ("id:1", "id:2", "id:3")}
    assert refused(*known, *merges) == set()


def test_identifiers_stand_in_the_order_in_which_they_came_to_the_person() -> None:
    """Those of an absorbed one when he was."""
    records = (
        identify(1, "id:2", "email:b@x.com"),
        identify(2, "id:1"),
        identify(3, "id:1", "phone:+491"),
        say(4, "merge", "id:1", "email:b@x.com"),
        identify(5, "id:2", "anon:1"),
    )

    assert persons(*records) == {"id:1": ("id:1", "phone:+491", "email:b@x.com", "id:2", "anon:1")}


@pytest.mark.parametrize(
    ("primary", "secondary", "reason"),
    [
        ("id:9", "id:1", "unknown_primary"),
        ("id:9", "id:8", "unknown_primary"),
        ("id:1", "id:9", "unknown_secondary"),
        ("cio:7", "id:1", "unknown_primary"),
        ("id:1", "cio:7", "unknown_secondary"),
    ],
)
def test_merge_with_nobody_changes_nothing_and_is_refused(primary: str, secondary: str, reason: str) -> None:
    records = identify(1, "id:1"), say(2, "merge", primary, secondary)

    assert persons(*records) == {"id:1": ("id:1",)}
    assert refused(*records) == {(reason, "m2")}


def test_merged_visitor_joins() -> None:
    assert persons(identify(1, "id:1"), say(2, "merge", "id:1", "anon:1")) == {"id:1": ("id:1", "anon:1")}


def test_conflict_ends_with_a_merge() -> None:
    """What was refused before it stays so."""
    records = (
        identify(1, "id:1"),
        identify(2, "id:2", "email:b@x.com"),
        identify(3, "id:1", "email:b@x.com", email="b@x.com"),
        say(4, "merge", "id:1", "id:2"),
    )
    again = identify(5, "id:1", "email:b@x.com", email="b@x.com")

    assert attributes(seen(*records), "id:1") == {}
    assert attributes(seen(*records, again), "id:1") == {"email": '"b@x.com"'}
    assert refused(*records, again) == {("identifier_conflict", "m3")}


def test_order_is_that_of_versions() -> None:
    """A merge counts at its append, an identify at the client's time: this one brought its secondary into being."""
    merge = say(10, "merge", "id:1", "id:2")
    late = say(20, "identify", "id:2", sent=5, sent_timestamp="5")

    assert persons(identify(1, "id:1"), merge, late) == {"id:1": ("id:1", "id:2")}


def same_whatever_the_order(records: Iterable[Placed]) -> None:
    given = list(records)
    assert seen(*given) == seen(*given[::-1])


def test_order_of_arrival_changes_nothing() -> None:
    same_whatever_the_order(
        [
            identify(1, "id:1", "email:a@x.com"),
            identify(2, "id:2", "anon:1"),
            say(3, "event", "anon:1", name="e"),
            say(4, "merge", "id:1", "id:2"),
            say(5, "delete", "email:a@x.com"),
            identify(6, "anon:1", "id:2"),
        ]
    )
