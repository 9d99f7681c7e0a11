"""Where a library of Data Pipelines is told to send to, before it sends anything."""

from pathlib import Path

import pytest

from ingest.keys.changes import add
from schemas.settings import Settings
from tests.calling import Called, edge

HOST = {"host": "events.example.com"}


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def test_a_library_with_a_browser_key_is_told_to_send_here(tmp_path: Path) -> None:
    """By the name under which it asked, whoever's page it is on."""
    key = add(Settings(data=tmp_path), "browser", "site", "", 1_700_000_000.0).plain

    answer = edge(tmp_path).send("GET", f"/v1/projects/{key}/settings", b"", HOST, authorization="")

    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
    here = {"apiKey": key, "apiHost": "events.example.com/v1", "protocol": "http"}
    assert answer.json["integrations"] == {"Customer.io Data Pipelines": here}


@pytest.mark.parametrize(("key", "status"), [("key", 403), ("nobody's", 401), ("%", 401), ("%C3%A9", 401)])
def test_no_other_key_may_stand_in_a_path(called: Called, key: str, status: int) -> None:
    """It is read by everybody there: a server's as little as in a body."""
    answer = called.send("GET", f"/v1/projects/{key}/settings", b"", HOST, authorization="")

    assert answer.status == status
    assert answer.json["code"] in ("forbidden", "unauthorized")
