"""One customer's story, told through the public doors: what there is to read after every chapter of it."""

import base64
import json
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.running import KEY, SITE, asked, eventually, up

DAY = 86_400
NOW = int(time.time())
AUTHORIZATION = "Basic " + base64.b64encode(f"{SITE}:{KEY}".encode()).decode()
Rows = list[dict[str, Any]]


class Site:
    """What the shop's pages and its back office send, and what its owner reads."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = settings

    def sends(self, method: str, path: str, **body: object) -> None:
        headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
        with closing(HTTPConnection("127.0.0.1", int(self._settings["PENSTOCK_PORT"]), timeout=20)) as connection:
            connection.request(method, f"/api/v1{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"{}\n")

    def visits(self, anonymous_id: str, name: str, ago: int) -> None:
        """ago: s"""
        self.sends("POST", "/events", anonymous_id=anonymous_id, name=name, timestamp=NOW - ago)

    def reads(self, sql: str) -> Rows:
        return asked(sql, self._settings)

    def comes_to_read(self, sql: str, expected: Rows) -> None:
        eventually(sql, self._settings, expected)

    def comes_to_know(self, *identifiers: list[str]) -> None:
        """Just these people."""
        found = [{"identifiers": each} for each in identifiers]
        self.comes_to_read("SELECT identifiers FROM customers ORDER BY first_seen_at, identifiers", found)

    def timeline(self, identifier: str) -> list[str]:
        """What the person whom an identifier names did, under whichever name."""
        sql = f"SELECT name FROM customer_events(workspace = '{SITE}', identifier = '{identifier}') ORDER BY timestamp"
        return [row["name"] for row in self.reads(sql)]

    def cio_id(self, identifier: str) -> str:
        [row] = self.reads(f"SELECT cio_id FROM customer(workspace = '{SITE}', identifier = '{identifier}')")
        return str(row["cio_id"])


@pytest.mark.slow
def test_one_customers_story(tmp_path: Path) -> None:
    with up(tmp_path / "data") as settings:
        site = Site(settings)
        somebody_browses_for_two_days(site)
        anna = she_signs_up_by_email(site)
        she_logs_in_on_a_second_device(site, anna)
        support_merges_a_duplicate(site, anna)
        calls_about_two_people_are_told(site)
        she_asks_to_be_erased(site)
        she_comes_back(site, anna)


def somebody_browses_for_two_days(site: Site) -> None:
    """Nobody's events yet, and no customer."""
    site.visits("browser-1", "looked at shoes", 2 * DAY)
    site.visits("browser-1", "looked at hats", DAY)

    site.comes_to_read(
        "SELECT customer_kind, customer, person, name FROM events ORDER BY timestamp",
        [
            {"customer_kind": "anon", "customer": "browser-1", "person": "", "name": name}
            for name in ("looked at shoes", "looked at hats")
        ],
    )
    assert site.reads("SELECT * FROM customers") == []


def she_signs_up_by_email(site: Site) -> str:
    """A customer, and what she did before is hers. Returns her `cio_id`."""
    site.sends("PUT", "/customers/Anna%40example.com", anonymous_id="browser-1", plan="free")

    site.comes_to_know(["email:anna@example.com", "anon:browser-1"])
    anna = site.cio_id("anna@example.com")
    assert site.reads("SELECT DISTINCT person FROM events") == [{"person": anna}]
    assert site.reads("SELECT customer, email, attributes['plan'] AS plan FROM customers") == [
        {"customer": "anna@example.com", "email": "anna@example.com", "plan": "free"}
    ]
    return anna


def she_logs_in_on_a_second_device(site: Site, anna: str) -> None:
    """The shop calls her 42 now. It is the same row, and the second device's visit is hers, too."""
    site.visits("browser-2", "looked at socks", 3_600)
    site.sends("PUT", "/customers/42", email="anna@example.com", anonymous_id="browser-2", plan="paid")
    site.sends("PUT", "/customers/42/devices", device={"id": "token", "platform": "ios"})
    site.sends("POST", "/customers/anna%40example.com/events", name="bought socks", timestamp=NOW - 1_800)

    site.comes_to_know(["email:anna@example.com", "anon:browser-1", "anon:browser-2", "id:42"])
    did = ["looked at shoes", "looked at hats", "looked at socks", "bought socks"]
    for identifier in ("42", "anna@example.com", "anon:browser-2", f"cio_{anna}"):
        site.comes_to_read(f"SELECT count() AS events FROM events WHERE person = '{anna}'", [{"events": 4}])
        assert site.timeline(identifier) == did
        assert site.cio_id(identifier) == anna
    site.comes_to_read("SELECT customer, person FROM devices", [{"customer": "42", "person": anna}])
    assert site.reads("SELECT attributes['plan'] AS plan FROM customers") == [{"plan": "paid"}]


def support_merges_a_duplicate(site: Site, anna: str) -> None:
    """Her events, segment and city are hers now; of what both had she keeps her own."""
    site.sends("PUT", "/customers/43", email="anna@work.example", plan="trial", city="Ulm")
    site.sends("POST", "/customers/43/events", name="asked", timestamp=NOW - 900)
    site.sends("POST", "/segments/7/add_customers", ids=["43"])
    site.comes_to_read("SELECT count() AS people FROM customers", [{"people": 2}])
    site.comes_to_read("SELECT customer FROM segment_members", [{"customer": "43"}])

    site.sends("POST", "/merge_customers", primary={"id": "42"}, secondary={"email": "anna@work.example"})

    names = ["email:anna@example.com", "anon:browser-1", "anon:browser-2", "id:42", "email:anna@work.example", "id:43"]
    site.comes_to_know(names)
    assert site.timeline("43")[-2:] == site.timeline("42")[-2:] == ["bought socks", "asked"]
    assert site.reads("SELECT customer, person FROM segment_members") == [{"customer": "43", "person": anna}]
    assert site.reads("SELECT attributes['plan'] AS plan, attributes['city'] AS city FROM customers") == [
        {"plan": "paid", "city": "Ulm"}
    ]


def calls_about_two_people_are_told(site: Site) -> None:
    """What was not done stands in `rejections`."""
    site.sends("PUT", "/customers/50", plan="free")
    site.comes_to_read("SELECT count() AS people FROM customers", [{"people": 2}])

    site.sends("PUT", "/customers/50", email="anna@example.com", plan="paid")
    site.sends("POST", "/merge_customers", primary={"id": "nobody"}, secondary={"id": "50"})

    reasons = [{"reason": reason} for reason in ("identifier_conflict", "unknown_primary")]
    site.comes_to_read("SELECT toString(reason) AS reason FROM rejections ORDER BY reason", reasons)
    site.comes_to_read(
        "SELECT identifiers, email, attributes['plan'] AS plan FROM customers WHERE customer = '50'",
        [{"identifiers": ["id:50"], "email": "", "plan": "paid"}],
    )
    site.sends("DELETE", "/customers/50")
    site.comes_to_read("SELECT count() AS people FROM customers", [{"people": 1}])


def she_asks_to_be_erased(site: Site) -> None:
    """By one of her names: nothing of her is left under any."""
    site.sends("DELETE", "/customers/anna%40work.example")

    site.comes_to_know()
    for view in ("events", "devices", "segment_members", "identifiers"):
        assert site.reads(f"SELECT * FROM {view}") == []
    assert site.timeline("42") == []


def she_comes_back(site: Site, anna: str) -> None:
    """As somebody new, under one of her names; the others are nobody's."""
    site.sends("POST", "/customers/anna%40example.com/events", name="came back")
    site.visits("browser-1", "looked at hats", 0)

    site.comes_to_know(["email:anna@example.com"])
    site.comes_to_read("SELECT count() AS events FROM events", [{"events": 2}])
    assert site.cio_id("anna@example.com") != anna
    assert site.timeline("anna@example.com") == ["came back"]
    assert site.reads("SELECT person FROM events WHERE customer = 'browser-1'") == [{"person": ""}]
    assert site.reads(f"SELECT * FROM customer(workspace = '{SITE}', identifier = '42')") == []
