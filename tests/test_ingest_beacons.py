"""The GIFs of the legacy snippet are calls like others: refused when they must be, counted, limited.

What they say is in `tests.wire.beacons`.
"""

from pathlib import Path

import pytest

from ingest.errors import Unavailable
from ingest.keys.changes import add
from schemas.settings import Settings
from tests.calling import Answer, Called, edge
from tests.said import said
from tests.serving import serving

EVENT = "/events/event.gif"


class Snippet:
    """A page that knows a browser's key, of an edge with these settings."""

    def __init__(self, folder: Path, **settings: float) -> None:
        self.key = add(Settings(data=folder), "browser", "site", "", 1.0).plain
        self.edge: Called = edge(folder, **settings)

    def get(self, query: str, **headers: str) -> Answer:
        return self.edge.send("GET", f"{EVENT}?{query}&site_id={self.key}", b"", {"authorization": ""}, **headers)


@pytest.fixture
def snippet(tmp_path: Path) -> Snippet:
    return Snippet(tmp_path)


def test_a_log_that_is_away_is_a_503(snippet: Snippet) -> None:
    """In JSON, and not the pixel: a 200 means that it is on the log."""
    snippet.edge.log.error = Unavailable("not stored; please retry")

    answer = snippet.get("name=e&c=5")

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert answer.json == {"meta": {"error": "not stored; please retry"}}


def test_beacons_have_their_part_of_the_rate(tmp_path: Path) -> None:
    """And are told what is left of it, as each call is; one with a key that nobody knows has none."""
    snippet = Snippet(tmp_path, rate=1.0)
    snippet.edge.send("GET", f"{EVENT}?name=e&site_id=bogus")

    answers = [snippet.get("name=e&c=5") for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-remaining"] == "2"
    assert answers[3].headers["retry-after"] == "1"


def test_only_the_key_of_the_query_counts(snippet: Snippet) -> None:
    """A browser sends a page's own credentials to all of its origin."""
    assert snippet.get("name=e&c=5", authorization="Basic nonsense").status == 200


def test_numbers_as_names_are_an_object(snippet: Snippet) -> None:
    """A form cannot tell; but what an event says is one."""
    snippet.get("name=e&c=5&data[7]=a&data[8][0]=b")

    assert said(snippet.edge.log.messages[0])["data"] == '{"7":"a","8":["b"]}'


def test_a_beacon_with_a_key_is_stored_once(snippet: Snippet) -> None:
    """The snippet has none, but what is sent by hand may."""
    for _ in range(2):
        snippet.get("name=e&c=5", idempotency_key="01BX5ZZKBKACTAV9WEVGEMMVRZ")

    assert [message.id for message in snippet.edge.log.messages] == ["01BX5ZZKBKACTAV9WEVGEMMVRZ"] * 2


def test_beacons_are_counted_and_their_keys_are_not_logged(snippet: Snippet, capfd: pytest.CaptureFixture[str]) -> None:
    """By the path, without what is behind it."""
    snippet.get("name=e&c=5")
    snippet.get("c=5")

    tally = snippet.edge.app.state.edge.metrics.tallies[f"GET {EVENT}"]
    assert tally.statuses == {200: 1, 400: 1}
    logged = capfd.readouterr()
    assert f"GET {EVENT}" in logged.out
    assert snippet.key not in logged.out + logged.err


def test_a_query_is_as_long_as_a_head_may_be(tmp_path: Path) -> None:
    """Above it is a 431; below all of it is kept."""
    with serving(browser="browser") as edge, edge.wire() as wire:
        line = f"GET {EVENT}?name=e&c=5&site_id=browser&data[x]={'x' * 30_000}"
        taken = wire.send(f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).answer()
        refused = wire.send(f"{line}{'x' * 3_000} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).answer()

    assert (taken.status, taken.headers["content-type"], len(taken.body)) == (200, "image/gif", 43)
    assert refused.status == 431
    assert len(edge.log.values[0]) > 30_000
