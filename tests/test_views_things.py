"""What customers have besides their attributes: devices, relationships, segments, deliveries, forms, preferences."""

from dataclasses import replace

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from schemas.messages import Kind
from tests.erasing import Story
from tests.tables import land, views
from workers.sink import Sink


@pytest.fixture
def story() -> Story:
    return Story()


def owner(client: Client, story: Story) -> str:
    """Of the device `t`; empty if it is nobody's."""
    device = views(client, [story.workspace], ["devices"]).devices.get((story.workspace, "t"))
    return device[0] if device else ""


def test_device_is_the_last_customers_that_was_given_it(sink: Sink, client: Client, story: Story) -> None:
    """In whatever order they come; who had it before cannot take it away, who has it can."""
    first, second = (story.add("add_device", who, target="t", name="ios") for who in ("id:1", "id:2"))
    former, present = (story.add("delete_device", who, target="t") for who in ("id:1", "id:2"))

    owners = []
    for one in (second, first, former, present):
        land(sink, story.log, [one])
        owners.append(owner(client, story))

    assert owners == ["id:2", "id:2", "id:2", ""]


def test_things_of_two_subjects_depend_on_no_order_of_arrival(sink: Sink, client: Client, story: Story) -> None:
    """Two partitions may give two records one version: of a device, and of a relationship told by both ends."""
    alike = [story.add("add_device", who, target="t", name="ios") for who in ("id:1", "id:2")]
    alike += [story.add("delete_relationships", "id:1", relationships=(("object:1/acme", ()),))]
    alike += [story.add("add_relationships", "object:1/acme", relationships=(("id:1", ()),))]
    records = [replace(one, offset=0, at=alike[0].at, partition=number) for number, one in enumerate(alike)]

    shown = []
    for ordered in (records, records[::-1]):
        story.log, story.workspace = f"{story.log}x", f"{story.workspace}x"
        for one in ordered:
            land(
                sink, story.log, [replace(one, message=msgspec.structs.replace(one.message, workspace=story.workspace))]
            )
        now = views(client, [story.workspace], ["devices", "relationships"])
        shown.append((owner(client, story), len(now.relationships)))

    assert shown == [("id:2", 1), ("id:2", 1)]


def test_device_of_who_was_deleted_is_whose_it_was_before(sink: Sink, client: Client, story: Story) -> None:
    """As if the deleted one had never been."""
    land(sink, story.log, [story.add("add_device", who, target="t", name="ios") for who in ("id:1", "id:2")])
    land(sink, story.log, [story.add("delete", "id:2")])

    assert owner(client, story) == "id:1"


def test_relationship_that_begins_anew_has_none_of_its_old_attributes(sink: Sink, client: Client, story: Story) -> None:
    """Whichever end said it; while it lasts its attributes are merged by name."""
    acme, person = "object:1/acme", "id:1"

    def say(kind: Kind, by: str, *pairs: tuple[str, str]) -> None:
        land(sink, story.log, [story.add(kind, by, relationships=((person if by == acme else acme, pairs),))])

    def attributes() -> list[dict[str, str]]:
        return [row for _, row, _ in views(client, [story.workspace], ["relationships"]).relationships.values()]

    say("identify", person, ("role", '"boss"'), ("since", "1"))
    say("add_relationships", acme, ("role", '"owner"'), ("since", "null"), ("part", "0.50"))
    assert attributes() == [{"role": "owner", "part": "0.50"}]
    say("delete_relationships", acme)
    assert attributes() == []
    say("add_relationships", person, ("since", "2"))
    assert attributes() == [{"since": "2"}]


@pytest.mark.parametrize("gone", ["id:1", "object:1/acme"])
def test_relationship_goes_with_either_of_its_ends(sink: Sink, client: Client, story: Story, gone: str) -> None:
    """A copy of it that comes late does not come back, one that is said since does."""
    early = story.add("add_relationships", "id:1", relationships=(("object:1/acme", (("role", '"boss"'),)),))
    deletion = story.add("delete", gone)
    anew = story.add("add_relationships", "id:1", relationships=(("object:1/acme", ()),))

    for records, rows in (([deletion, early], 0), ([anew], 1)):
        land(sink, story.log, records)
        assert len(views(client, [story.workspace], ["relationships"]).relationships) == rows


def test_object_is_named_as_the_client_named_it(sink: Sink, client: Client, story: Story) -> None:
    """The type may hold a slash, and so may the id."""
    named = [story.add("identify", subject) for subject in ("object:a%2Fb%20c/d/e%20+", "cio_object:9")]
    land(sink, story.log, named)

    rows = client.query(
        "SELECT object_type_id, object_id, cio_object_id FROM objects WHERE workspace = {w:String} ORDER BY ALL",
        parameters={"w": story.workspace},
    ).result_rows
    assert rows == [("", "", "9"), ("a/b c", "d/e%20+", "")]


def test_segment_has_only_customers_who_are_known(sink: Sink, client: Client, story: Story) -> None:
    """Who is put into one before anything else is heard of them is in it from then on; who is deleted is in none, also
    if they are put there and nothing else is heard of them since."""
    added = [story.add("add_to_segment", who, target="7") for who in ("id:1", "id:2", "id:3")]
    known = [story.add("identify", who) for who in ("id:1", "id:2", "id:4")]
    gone = [story.add("delete", "id:2"), story.add("identify", "id:2"), story.add("delete", "id:4")]
    land(sink, story.log, [*added, *known, *gone, story.add("add_to_segment", "id:4", target="7")])

    members = views(client, [story.workspace], ["segment_members"]).segment_members
    assert set(members) == {(story.workspace, "7", "id:1")}


@pytest.mark.parametrize(
    ("recipient", "customer"),
    [('"Bob@Example.com"', "email:bob@example.com"), ('"42"', "id:42"), ("42", "id:42"), ('"cio_7"', "cio:7")],
)
def test_delivery_goes_with_the_customer_whom_its_recipient_names(
    sink: Sink, client: Client, story: Story, recipient: str, customer: str
) -> None:
    """By the same rule as an identifier in a path; other recipients of that delivery stay."""
    for text in ('"other"', recipient):
        land(sink, story.log, [story.add("metric", "delivery:d", name="opened", attributes=(("recipient", text),))])
    shown = [views(client, [story.workspace], ["deliveries"]).deliveries]
    land(sink, story.log, [story.add("delete", customer)])
    shown.append(views(client, [story.workspace], ["deliveries"]).deliveries)

    key = (story.workspace, "d", "opened")
    assert [rows[key][0] for rows in shown] == [recipient.strip('"'), "other"]


def test_form_is_known_by_a_request_that_was_refused(sink: Sink, client: Client, story: Story) -> None:
    """It counts apart from what customers sent in, whose answers are their attributes."""
    data = msgspec.Raw(b'{"email": "a@b.co", "plan":"x"}')
    said = story.add("form", "email:a@b.co", target="f", data=data, attributes=(("plan", '"x"'),))
    land(sink, story.log, [story.add("form", "form:f", target="f"), said])

    now = views(client, [story.workspace], ["forms", "form_submissions", "customers"])
    assert [row[1:] for row in now.forms.values()] == [(1, 1)]
    assert list(now.form_submissions.values()) == [(bytes(data).decode(), "email:a@b.co")]
    assert now.customers[story.workspace, "email:a@b.co"].attributes == {"plan": "x"}


@pytest.mark.parametrize("ends", [("id:1", "phone:+491"), ("phone:+491", "id:1")])
def test_of_two_ends_that_are_one_person_the_last_shows(
    sink: Sink, client: Client, story: Story, ends: tuple[str, str]
) -> None:
    """One message of an object names both."""
    known = story.add("identify", "id:1", links=("phone:+491",))
    told = story.add("identify", "object:1/a", relationships=tuple((end, ()) for end in ends))
    land(sink, story.log, [known, told])

    now = views(client, [story.workspace], ["relationships"]).relationships
    assert {key[1:]: row[0] for key, row in now.items()} == {("id:1", "object:1/a"): ends[1]}


def test_preferences_are_the_exact_texts_by_dotted_names(sink: Sink, client: Client, story: Story) -> None:
    """However oddly they are written: an array is one value, null is none, the whole replaces the parts before it."""
    name = "cio_subscription_preferences"
    odd = '{ "topics" : {"a":1.0 ,"b.c":[1, {"x":"]"}], "q\\"é":"\\u0041", "n":null, "o":{}},"deep":{"er":{"y":1E2}}}'
    parts = ((f"{name}.deep.er", "false"), (f"{name}.z", "true"))
    for pairs in (((f"{name}.topics.old", "true"),), ((name, odd),), parts):
        land(sink, story.log, [story.add("identify", "id:1", attributes=pairs)])

    shown = views(client, [story.workspace], ["subscription_preferences"]).subscription_preferences
    assert {preference: text for (_, _, preference), (_, text) in shown.items()} == {
        "topics.a": "1.0",
        "topics.b.c": '[1, {"x":"]"}]',
        'topics.q"é': '"\\u0041"',
        "deep.er": "false",
        "z": "true",
    }


def test_link_goes_with_the_person(sink: Sink, client: Client, story: Story) -> None:
    """Whichever identifier is deleted. It says who said it: the last message of each kind."""
    identifies = [story.add("identify", "id:1", links=("email:a@b.co",)) for _ in range(2)]
    merge = story.add("merge", "id:1", links=("id:2",))
    land(sink, story.log, [*identifies, merge])
    links = views(client, [story.workspace], ["identifiers"]).identifiers
    land(sink, story.log, [story.add("delete", "email:a@b.co")])

    linked = (story.workspace, "id:1", "email:a@b.co", "identify")
    merged = (story.workspace, "id:1", "id:2", "merge")
    assert {key: row[0] for key, row in links.items()} == {linked: identifies[1].message.id, merged: merge.message.id}
    assert views(client, [story.workspace], ["identifiers"]).identifiers == {}


def test_somebody_anonymous_is_a_customer_once_identified(sink: Sink, client: Client, story: Story) -> None:
    """Not for an event, which does not count as having been seen either."""
    land(sink, story.log, [story.add("event", f"anon:{number}", name="e") for number in range(3)])
    identify = story.add("identify", "anon:1", attributes=(("plan", '"a"'),))
    land(sink, story.log, [identify, story.add("event", "anon:1", name="e")])

    now = views(client, [story.workspace], ["customers"])
    assert [row.attributes for row in now.customers.values()] == [{"plan": "a"}]
    assert now.seen == {(story.workspace, "anon:1"): (identify.at, identify.at)}
