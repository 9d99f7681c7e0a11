"""The views `rejections` and `repeats`: what was answered 200 and is in no other view."""

import uuid

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from tests.erasing import Story
from tests.tables import land, views
from workers.sink import Sink

TOLD = b'{"status":400,"messages":["event name must not be blank"],"index":2,"excerpt":"{\\"a\\":1}","left_out":7}'


@pytest.fixture
def story() -> Story:
    return Story()


def test_rejection_of_the_edge_is_a_row(sink: Sink, client: Client, story: Story) -> None:
    """With all that it tells; once, however often it lands."""
    refused = story.add("rejection", "rejection:1", name="bad_request", data=msgspec.Raw(TOLD), id="r1")
    for _ in range(2):
        land(sink, story.log, [refused])

    [row] = client.query(
        "SELECT endpoint, reason, id, status, messages, excerpt, left_out FROM rejections WHERE workspace = {w:String}",
        parameters={"w": story.workspace},
    ).result_rows
    assert row == ("test", "bad_request", "r1", 400, ["event name must not be blank"], '{"a":1}', 7)


def test_rejection_may_be_of_no_workspace(sink: Sink, client: Client, story: Story) -> None:
    """It came without a key, and nothing told whose it was; any other message needs a workspace."""
    story.workspace, id = "", uuid.uuid4().hex
    refused = story.add("rejection", f"rejection:{id}", name="unknown_workspace", id=id)

    land(sink, story.log, [refused])

    rows = client.query("SELECT workspace, reason FROM rejections WHERE id = {id:String}", parameters={"id": id})
    assert rows.result_rows == [("", "unknown_workspace")]


def test_other_body_under_one_idempotency_key_is_a_conflict(sink: Sink, client: Client, story: Story) -> None:
    """One row for each further body, however often it was sent, and none for a mere repeat."""
    same = [story.add("event", "id:1", name="e", id="k", fingerprint="1") for _ in range(2)]
    other = [story.add("event", "id:2", name="e", id="k", fingerprint=print) for print in ("2", "2", "3")]

    land(sink, story.log, same)
    assert views(client, [story.workspace], ["rejections"]).rejections == {}
    land(sink, story.log, other)
    assert views(client, [story.workspace], ["rejections"]).rejections == {(story.workspace, "conflict", "k"): 2}


def test_conflict_of_a_deleted_customer_is_none(sink: Sink, client: Client, story: Story) -> None:
    """Nothing of them is left to be in conflict with."""
    records = [story.add("event", f"id:{number}", name="e", id="k", fingerprint=str(number)) for number in range(2)]

    land(sink, story.log, [*records, story.add("delete", "id:0")])

    assert views(client, [story.workspace], ["rejections"]).rejections == {}


def test_repeats_are_counted_with_their_bodies(sink: Sink, client: Client, story: Story) -> None:
    """Each record on the log is one time, also one that was inserted twice; equal ones are one body."""
    names = ("bought", "bought", "seen")
    records = [story.add("event", "id:1", name=name, id="k", filed_at=0.0, sent_timestamp="1") for name in names]
    records += [story.add("event", "id:1", name="once")]

    for _ in range(2):
        land(sink, story.log, records)

    assert views(client, [story.workspace], ["repeats"]).repeats == {
        (story.workspace, "id:1", "k", "event"): ("seen", 3, 2)
    }
