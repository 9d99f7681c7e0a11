"""Suppression in the views: it hides all that is below its end, whatever comes when."""

from collections.abc import Sequence

import pytest
from clickhouse_connect.driver.client import Client

from tests.erasing import Story
from tests.model import Placed
from tests.tables import land, views
from workers.sink import Sink


@pytest.fixture
def story() -> Story:
    return Story()


def events(client: Client, story: Story) -> set[str]:
    return {name for name, _, _ in views(client, [story.workspace], ["events"]).events.values()}


def landed(sink: Sink, client: Client, story: Story, records: Sequence[Placed]) -> set[str]:
    land(sink, story.log, records)
    return events(client, story)


def test_suppressed_customer_is_gone_until_unsuppressed(sink: Sink, client: Client, story: Story) -> None:
    """What was before and what comes meanwhile stays hidden; what comes after is there, by itself."""
    before = story.add("event", "id:1", name="before")
    suppress = story.add("suppress", "id:1")
    meanwhile = [story.add("event", "id:1", name="meanwhile"), story.add("identify", "id:1")]
    unsuppress = story.add("unsuppress", "id:1")
    after = story.add("event", "id:1", name="after")

    assert landed(sink, client, story, [before]) == {"before"}
    assert landed(sink, client, story, [suppress]) == set()
    assert landed(sink, client, story, meanwhile) == set()
    assert views(client, [story.workspace], ["customers"]).customers == {}
    assert landed(sink, client, story, [unsuppress, after]) == {"after"}
    assert set(views(client, [story.workspace], ["customers"]).customers) == {(story.workspace, "id:1")}


def test_copies_that_come_late_stay_hidden(sink: Sink, client: Client, story: Story) -> None:
    """Suppressed, unsuppressed, suppressed and unsuppressed again: what lies below the last end never comes back."""
    records = []
    for number in range(2):
        records += [story.add("suppress", "id:1"), story.add("event", "id:1", name=f"suppressed {number}")]
        records += [story.add("unsuppress", "id:1"), story.add("event", "id:1", name=f"free {number}")]

    assert landed(sink, client, story, records) == {"free 1"}
    assert landed(sink, client, story, records[:-1]) == {"free 1"}


def test_unsuppress_that_comes_late_frees_what_came_after_it(sink: Sink, client: Client, story: Story) -> None:
    """From another edge's spool: it counts from when it was taken."""
    suppress = story.add("suppress", "id:1")
    unsuppress = story.add("unsuppress", "id:1")
    after = story.add("event", "id:1", name="after")

    assert landed(sink, client, story, [after, suppress]) == set()
    assert landed(sink, client, story, [unsuppress]) == {"after"}


def test_second_unsuppress_does_nothing(sink: Sink, client: Client, story: Story) -> None:
    """What came after the first one stays, in whatever order the two come."""
    suppress, first = story.add("suppress", "id:1"), story.add("unsuppress", "id:1")
    free, second = story.add("event", "id:1", name="free"), story.add("unsuppress", "id:1")

    assert landed(sink, client, story, [suppress, free, second]) == set()
    assert landed(sink, client, story, [first]) == {"free"}


def test_deletion_outlasts_the_end_of_a_suppression(sink: Sink, client: Client, story: Story) -> None:
    """Of the two the later one counts; an unsuppress of who is not suppressed does nothing."""
    records = [story.add("suppress", "id:1"), story.add("unsuppress", "id:1")]
    records += [story.add("event", "id:1", name="between"), story.add("delete", "id:1")]
    records += [story.add("event", "id:1", name="after"), story.add("unsuppress", "id:1")]

    assert landed(sink, client, story, records) == {"after"}


def test_suppressed_message_is_in_rejections_without_a_name(sink: Sink, client: Client, story: Story) -> None:
    """Also after the end of the suppression; the suppression itself was no message that is ignored."""
    records = [story.add("event", "id:someone", name="before"), story.add("suppress", "id:someone")]
    lost = story.add("event", "id:someone", name="lost", id="lost")
    records += [lost, story.add("unsuppress", "id:someone"), story.add("event", "id:someone", name="after")]

    land(sink, story.log, records)

    rows = client.query(
        "SELECT * FROM rejections WHERE workspace = {workspace:String}", parameters={"workspace": story.workspace}
    )
    [row] = rows.named_results()
    assert (row["reason"], row["id"], row["endpoint"], row["status"]) == ("suppressed", "lost", "test", 200)
    assert "someone" not in str(row)
