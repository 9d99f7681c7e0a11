"""The model's views against expectations worked out by hand: what was said of one of a person's identifiers was said of
the person."""

from tests.telling import W, identify, say, seen

MERGED = identify(1, "id:1"), identify(2, "id:2", "email:b@x.com"), say(9, "merge", "id:1", "id:2")


def test_rows_keep_the_identifier_that_was_used() -> None:
    now = seen(
        *MERGED,
        say(3, "event", "email:b@x.com", name="e"),
        say(4, "add_device", "id:2", target="t", name="ios"),
        say(5, "form", "id:1", target="f"),
        identify(6, "id:2", "phone:+491", cio_subscription_preferences="x"),
        say(7, "add_to_segment", "email:b@x.com", target="s"),
    )

    assert now.events == {(W, "email:b@x.com", "m3"): ("e", "{}", "id:1")}
    assert now.devices == {(W, "t"): ("id:2", "id:1", "ios", {}, 4)}
    assert now.form_submissions == {(W, "f", "id:1", "m5"): ("{}", "id:1")}
    assert now.identifiers[W, "id:2", "phone:+491", "identify"] == ("m6", 6, "id:1")
    assert now.segment_members == {(W, "s", "id:1"): ("email:b@x.com", 7)}


def test_device_is_taken_away_under_any_identifier_of_its_owner() -> None:
    added = say(4, "add_device", "id:2", target="t")

    assert seen(*MERGED, added, say(5, "delete_device", "id:1", target="t")).devices == {}
    assert seen(*MERGED[:2], added, say(5, "delete_device", "id:1", target="t")).devices != {}


def test_person_is_in_a_segment_once_and_as_last_said() -> None:
    added = say(3, "add_to_segment", "id:1", target="s"), say(4, "add_to_segment", "id:2", target="s")
    removed = say(5, "remove_from_segment", "email:b@x.com", target="s")

    assert seen(*MERGED, *added).segment_members == {(W, "s", "id:1"): ("id:2", 4)}
    assert seen(*MERGED, *added, removed).segment_members == {}


def test_somebody_unknown_is_in_a_segment_once_known() -> None:
    added = say(3, "add_to_segment", "id:3", target="s")

    assert seen(added).segment_members == {}
    assert seen(added, identify(4, "id:3")).segment_members == {(W, "s", "id:3"): ("id:3", 3)}


def test_relationship_is_one_of_person_and_object() -> None:
    """Attributes that were given under one identifier stay under the next; its end clears them."""
    first = say(3, "add_relationships", "id:1", relationships=(("object:1/a", (("x", "1"),)),))
    second = say(4, "identify", "object:1/a", relationships=(("id:2", (("y", "2"),)),))
    end = say(5, "delete_relationships", "email:b@x.com", relationships=(("object:1/a", ()),))

    assert seen(*MERGED, first, second).relationships == {
        (W, "id:1", "object:1/a"): ("id:2", {"x": "1", "y": "2"}, 4),
    }
    assert seen(*MERGED, first, second, end).relationships == {}


def test_relationship_of_somebody_unknown_is_shown() -> None:
    now = seen(say(1, "identify", "object:1/a", relationships=(("id:3", ()),)))

    assert now.relationships == {(W, "id:3", "object:1/a"): ("id:3", {}, 1)}
    assert now.customers == {}


def test_preferences_are_those_of_the_attributes_that_the_person_has() -> None:
    name = "cio_subscription_preferences.topics.t"
    said = say(3, "identify", "id:2", attributes=((name, "true"),))
    kept = say(4, "identify", "id:1", attributes=((name, "false"),))

    assert seen(*MERGED, said).subscription_preferences == {(W, "id:1", "topics.t"): ("id:2", "true")}
    assert seen(*MERGED, said, kept).subscription_preferences == {(W, "id:1", "topics.t"): ("id:1", "false")}


def test_email_is_the_attribute_or_the_identifier_that_joined_last() -> None:
    assert seen(*MERGED).customers[W, "id:1"].email == "b@x.com"
    assert seen(*MERGED, identify(10, "id:1", "email:c@x.com")).customers[W, "id:1"].email == "c@x.com"
    assert seen(*MERGED, identify(10, "id:2", email="None")).customers[W, "id:1"].email == "None"


def test_person_is_seen_from_the_first_to_the_last_message_under_any_identifier() -> None:
    assert seen(*MERGED, say(12, "page", "email:b@x.com", name="p")).seen == {(W, "id:1"): (1, 12)}
