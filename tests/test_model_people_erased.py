"""The model of people against expectations worked out by hand: who is deleted, suppressed and comes back, and what is
anonymous."""

import pytest

from schemas.messages import Kind
from tests.model import World, world
from tests.model_persons import FIVE_MINUTES
from tests.placed import Placed
from tests.telling import CIO_1, CIO_ANON, HASHES, W, attributes, identify, persons, refused, refused_links, say, seen

KNOWN = (
    identify(1, "id:1", "email:a@x.com", "anon:1", email="a@x.com"),
    say(2, "event", "anon:1", name="e"),
    say(3, "event", "email:a@x.com", name="e"),
    say(4, "add_device", "id:1", target="t"),
    say(5, "add_to_segment", "email:a@x.com", target="s"),
)


def event(at: int, subject: str = "anon:1", id: str = "") -> Placed:
    return say(at, "event", subject, id=id, name="e")


def doers(*records: Placed) -> dict[str, str]:
    """By the ids of events the names of whoever did them."""
    return {id: person for (_, _, id), (_, _, person) in seen(*records).events.items()}


# Deletions


@pytest.mark.parametrize("subject", ["id:1", "email:a@x.com", "anon:1", CIO_1])
@pytest.mark.parametrize("kind", ["delete", "suppress"])
def test_deletion_of_any_identifier_takes_the_person(kind: Kind, subject: str) -> None:
    now = seen(*KNOWN, say(6, kind, subject))

    assert now == World()


def test_deletion_takes_who_was_absorbed_too() -> None:
    records = (*KNOWN, identify(6, "id:2"), say(7, "merge", "id:2", "id:1"), say(8, "delete", "id:2"))

    assert seen(*records).events == {}


def test_each_identifier_comes_back_as_somebody_new() -> None:
    """In a life of their own, and with nothing of before."""
    records = (*KNOWN, say(6, "delete", "id:1"), event(7, "email:a@x.com"), identify(8, "id:1"), event(9))

    assert persons(*records) == {"email:a@x.com since 6": ("email:a@x.com",), "id:1 since 6": ("id:1",)}
    assert doers(*records) == {"m7": "email:a@x.com since 6", "m9": ""}


def test_who_comes_late_is_hidden_with_the_rest() -> None:
    """Linked before the deletion by its version, whenever it came."""
    late = say(20, "identify", "id:1", "phone:+491", sent=4, sent_timestamp="4")
    records = (*KNOWN, event(7, "phone:+491"), say(8, "delete", "email:a@x.com"), late)

    assert persons(*records) == {}


def test_deletion_of_somebody_unknown_takes_that_identifier_alone() -> None:
    records = (event(1), say(2, "delete", "anon:1"), event(3), identify(4, "id:1", "anon:1"))

    assert doers(*records) == {"m3": "id:1"}


def test_event_of_who_was_erased_counts_where_it_was_last_repeated() -> None:
    """As the tables keep it; so the merge between finds nobody."""
    repeats = event(3, "id:2", id="x"), event(5, "id:2", id="x")
    records = identify(1, "id:1"), *repeats, say(4, "merge", "id:1", "id:2")

    assert persons(*records) == {"id:1": ("id:1", "id:2")}
    assert refused(*records, say(2, "delete", "id:2")) == {("unknown_secondary", "m4")}
    assert seen(*records, say(2, "delete", "id:2")).seen[W, "id:2"] == (5, 5)


# Suppressions


def test_suppressed_person_is_blocked_under_every_identifier() -> None:
    """Nothing that is said of one counts, and a link of somebody else to one is refused."""
    records = (*KNOWN, say(6, "suppress", "email:a@x.com"), identify(7, "id:1"), event(8), identify(9, CIO_1))
    other = identify(10, "id:2", "email:a@x.com", email="a@x.com", plan="b")

    assert persons(*records, other) == {"id:2": ("id:2",)}
    assert attributes(seen(*records, other), "id:2") == {"plan": '"b"'}
    assert refused(*records) == {("suppressed", f"m{n}") for n in (7, 8, 9)}
    assert refused_links(*records, other) == [("email:a@x.com", "suppressed")]


@pytest.mark.parametrize("subject", ["id:1", "email:a@x.com", "anon:1", CIO_1])
def test_unsuppress_of_any_identifier_frees_all(subject: str) -> None:
    """What was said between stays hidden."""
    records = (*KNOWN, say(6, "suppress", "id:1"), event(7, "id:1"), say(8, "unsuppress", subject))
    back = event(9, "email:a@x.com"), event(10, "id:1")

    assert doers(*records) == {}
    assert persons(*records, *back) == {"email:a@x.com since 8": ("email:a@x.com",), "id:1 since 8": ("id:1",)}


def test_unsuppress_of_who_was_not_suppressed_changes_nothing() -> None:
    assert seen(*KNOWN, say(6, "unsuppress", "id:1")) == seen(*KNOWN)


def test_deletion_within_a_suppression_changes_nothing() -> None:
    records = (*KNOWN, say(6, "suppress", "id:1"), say(8, "unsuppress", "id:1"), identify(9, "id:1"))

    assert seen(*records, say(7, "delete", "id:1")) == seen(*records)


# Anonymous

LATER = 10 + FIVE_MINUTES


@pytest.mark.parametrize("claim", [identify(10, "id:1", "anon:1"), identify(10, "anon:1", "id:1")])
def test_claimed_events_are_the_persons_up_to_five_minutes_later(claim: Placed) -> None:
    records = identify(1, "id:1"), event(2), claim, event(LATER), event(LATER + 1)

    assert doers(*records) == {"m2": "id:1", f"m{LATER}": "id:1", f"m{LATER + 1}": ""}


def test_later_claim_takes_what_was_anonymous_again() -> None:
    records = identify(1, "id:1", "anon:1"), event(LATER + 1), identify(LATER + 2, "id:1", "anon:1")

    assert doers(*records) == {f"m{LATER + 1}": "id:1"}


def test_claim_of_somebody_else_does_not_count_until_they_are_one() -> None:
    records = identify(1, "id:1", "anon:1"), identify(2, "id:2"), identify(LATER, "id:2", "anon:1"), event(LATER + 1)

    assert doers(*records) == {f"m{LATER + 1}": ""}
    assert doers(*records, say(LATER + 2, "merge", "id:1", "id:2")) == {f"m{LATER + 1}": "id:1"}


def test_events_of_who_was_identified_anonymously_are_all_his() -> None:
    assert doers(identify(1, "anon:1"), event(LATER * 2)) == {f"m{LATER * 2}": "anon:1"}


def test_events_of_who_was_identified_anonymously_go_where_he_goes() -> None:
    """Up to five minutes after he was absorbed, also if he was by another of his names."""
    records = identify(1, "anon:1"), event(5), identify(9, "id:1"), say(10, "merge", "id:1", CIO_ANON)

    assert doers(*records, event(LATER), event(LATER + 1)) == {"m5": "id:1", f"m{LATER}": "id:1", f"m{LATER + 1}": ""}


def test_unclaimed_visitor_is_nobody() -> None:
    assert doers(event(1), event(2, "invite:7")) == {"m1": "", "m2": ""}


# A whole workspace


def test_erased_workspace_never_had_people() -> None:
    """What was blocked in it stays blocked, each identifier by itself."""
    records = (
        *KNOWN,
        say(6, "suppress", "id:1"),
        identify(8, "email:a@x.com"),
        identify(9, "id:1"),
    )
    now = world(records, [(W, (7, 7, 7))], HASHES)

    assert {row.person for row in now.customers.values()} == {"email:a@x.com"}
