"""People where messages come late, or count no more: what random histories found, each for itself."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from tests.placed import Placed
from tests.tables import hashes, land
from tests.telling import W, identify, say
from workers.purge import erase_workspace, purge
from workers.sink import Sink


class Told:
    """Messages land one after the other, as of an hour ago, and it is settled each time who is who."""

    def __init__(self, url: str, sink: Sink, client: Client) -> None:
        self._url = url
        self._sink = sink
        self._began = int(time.time() - 3600) * 1000
        self.client = client

    def __call__(self, *records: Placed) -> None:
        for record in records:
            self.at_once(record)

    def at_once(self, *records: Placed) -> None:
        """In one batch."""
        land(self._sink, "late", [self._placed(record) for record in records])

    def _placed(self, record: Placed) -> Placed:
        at = self._began + record.at
        return replace(record, at=at, message=msgspec.structs.replace(record.message, received_at=at / 1000))

    def purge(self) -> None:
        assert not purge(self._url).survivors

    def erase_workspace(self) -> None:
        erase_workspace(self._url, W)

    def rows(self, sql: str, **parameters: str) -> Sequence[Sequence[Any]]:
        return self.client.query(sql, parameters=parameters).result_rows

    def identifiers(self, identifier: str) -> Sequence[Sequence[Any]]:
        sql = "SELECT identifiers FROM customer(workspace = {workspace:String}, identifier = {identifier:String})"
        return self.rows(sql, workspace=W, identifier=identifier)


@pytest.fixture
def told(own: str, there: Client) -> Iterator[Told]:
    with Sink(own) as sink:
        yield Told(own, sink, there)


def test_who_left_a_person_is_not_read_with_it(told: Told) -> None:
    """The older message makes the phone another one's."""
    told(identify(1, "id:1"), identify(5, "id:1", "phone:+491"), identify(3, "id:2", "phone:+491"))

    assert told.identifiers("1") == [(["id:1"],)]
    assert told.identifiers("phone:+491") == [(["id:2", "phone:+491"],)]


def test_cio_id_names_who_was_there_before_though_that_is_known_later(told: Told) -> None:
    """Until then nothing but the `cio_id` ever named them."""
    [hash] = [hash for _, hash in hashes(told.client, [(W, "id:2")])]
    told(identify(4, "phone:+491", f"cio:{hash}"))
    assert told.identifiers("phone:+491") == [(["phone:+491"],)]

    told(say(3, "add_device", "id:2", target="t"))

    assert told.identifiers("phone:+491") == [(["id:2", "phone:+491"],)]
    assert told.rows("SELECT * FROM rejections") == []


def test_cio_id_names_who_was_created_late_and_known_by_name_before(told: Told) -> None:
    """Somebody who was refused to one, and not there when another one was told of their `cio_id`."""
    [hash] = [hash for _, hash in hashes(told.client, [(W, "id:2")])]
    told(say(1, "merge", "id:2", "id:3"), identify(6, "phone:+491", f"cio:{hash}"))

    told(say(4, "add_device", "id:2", target="t"))

    assert told.identifiers("phone:+491") == [(["id:2", "phone:+491"],)]


def test_end_of_the_suppression_of_a_cio_id_that_nobody_has_is_no_rejection(told: Told) -> None:
    """What names it later is."""
    [hash] = [hash for _, hash in hashes(told.client, [(W, "id:2")])]

    told(say(1, "suppress", f"cio:{hash}"), say(2, "unsuppress", f"cio:{hash}"), identify(3, f"cio:{hash}"))

    rejections = told.rows("SELECT id, reason FROM rejections ORDER BY id")
    assert rejections == [("m3", "unknown_cio_id")]


def test_rejection_of_a_deletion_of_nobody_goes_with_the_next_purge(told: Told) -> None:
    """It says whom the deletion named. Nothing else that was refused of them since goes."""
    told(say(1, "delete", "cio:7"), identify(2, "cio:7"))
    assert told.rows("SELECT id FROM rejections ORDER BY id") == [("m1",), ("m2",)]

    told.purge()

    assert told.rows("SELECT id FROM rejections") == [("m2",)]


@pytest.mark.parametrize("shared", ["email:a@x.com", "anon:1"])
@pytest.mark.parametrize("known", [False, True])
def test_replay_of_what_was_refused_to_whom_a_purge_took_hides_nobody(told: Told, shared: str, known: bool) -> None:
    """Why it was refused is gone: that it was the other one's. Nor does the next purge take anything."""
    refused = identify(3, "id:2", shared, plan='"free"')
    if known or not shared.startswith("anon"):  # an email alone would have made them one person
        told(identify(2, "id:2"))
    told(identify(1, "id:1", shared), refused, say(4, "delete", "id:1"))
    told.purge()

    told(refused)
    told.purge()

    assert told.identifiers("2") == [(["id:2"],)]
    assert told.rows("SELECT attributes FROM customers") == [({"plan": "free"},)]


def test_what_is_older_and_comes_after_a_purge_links_nobody_who_is_somebody_to_whom_it_took(told: Told) -> None:
    """They were two people. A visitor who is nobody else was that one, and is erased with them."""
    told(
        identify(1, "id:1", "email:a@x.com"),
        identify(2, "id:2"),
        say(2, "event", "anon:1", name="e"),
        say(4, "delete", "id:1"),
    )
    told.purge()
    assert told.rows("SELECT count() FROM events") == [(1,)]

    told(identify(3, "id:2", "email:a@x.com"), identify(3, "id:1", "anon:1"))

    assert told.identifiers("2") == [(["id:2"],)]
    assert told.identifiers("1") == told.identifiers("a@x.com") == []
    assert told.rows("SELECT count() FROM events") == [(0,)]


def test_merge_of_whom_a_purge_took_is_read_again(told: Told) -> None:
    """Of it nothing is left but the `cio_id` that it named as the primary."""
    told(say(1, "merge", "cio:7", "phone:+491"), say(2, "delete", "phone:+491"))
    told.purge()

    told(identify(3, "id:1", "cio:7"))

    assert told.rows("SELECT count() FROM stored_claims WHERE kind = 'merge'") == [(1,)]
    assert told.identifiers("1") == [(["id:1"],)]


def test_who_was_suppressed_with_another_one_keeps_their_name_after_a_purge(told: Told) -> None:
    """Of the other one's next suppression, by which both are decided anew, nothing of theirs is hidden."""
    told(
        identify(1, "id:1", "email:a@x.com"),
        say(2, "suppress", "email:a@x.com"),
        say(3, "unsuppress", "id:1"),
        identify(4, "id:2", "email:a@x.com"),
    )
    told.purge()

    told(say(5, "suppress", "id:1"))

    assert told.identifiers("2") == [(["id:2", "email:a@x.com"],)]


def test_who_was_suppressed_with_another_one_is_freed_with_them_after_a_purge(told: Told) -> None:
    """Also where the other one is suppressed again in the same batch, alone."""
    told(identify(1, "id:1", "email:a@x.com"), say(2, "suppress", "id:1"))
    told.purge()

    told.at_once(
        say(3, "unsuppress", "email:a@x.com"), say(4, "suppress", "email:a@x.com"), identify(5, "id:1", "email:b@x.com")
    )

    assert told.identifiers("1") == [(["id:1", "email:b@x.com"],)]


def test_first_event_of_who_was_deleted_counts_where_it_was_last_repeated(told: Told) -> None:
    """Though nothing was known of them when they were deleted: the merge between finds nobody."""
    told(
        say(1, "delete", "id:1"),
        identify(2, "id:2"),
        say(3, "event", "id:1", id="x", name="e"),
        say(4, "merge", "id:2", "id:1"),
    )
    assert told.identifiers("1") == [(["id:2", "id:1"],)]

    told(say(5, "event", "id:1", id="x", name="e"))

    assert told.identifiers("1") == [(["id:1"],)]
    assert told.rows("SELECT id, reason FROM rejections") == [("m4", "unknown_secondary")]


def test_event_of_who_came_back_moves_with_its_repeat(told: Told) -> None:
    """Whom it brought into being at first was merged, and deleted with the other one; that was somebody else alone."""
    told(
        identify(1, "id:1"),
        say(2, "delete", "id:1"),
        identify(3, "id:2"),
        say(4, "event", "id:1", id="x", name="e"),
        say(5, "merge", "id:2", "id:1"),
        say(6, "delete", "id:2"),
    )
    assert told.identifiers("1") == []

    told(say(7, "event", "id:1", id="x", name="e"))

    [(deleted,)] = told.rows("SELECT toUInt64(bitShiftRight(version, 86)) FROM stored_erasures WHERE id = 'm2'")
    [(cio_id,)] = told.rows("SELECT cio_id FROM customer(workspace = {w:String}, identifier = '1')", w=W)
    assert int(cio_id[32:], 16) == deleted


@pytest.mark.parametrize("purged", [False, True])
def test_event_of_an_erased_workspace_counts_where_it_was_last_repeated(told: Told, purged: bool) -> None:
    """Whether a purge forgot who was known before or not: the merge between finds nobody."""
    told(identify(1, "id:1"))
    told.erase_workspace()
    if purged:
        told.purge()

    later = 3_700_000  # than now, up to which all is gone
    told(
        identify(later, "id:2"),
        say(later + 1, "event", "id:1", id="x", name="e"),
        say(later + 2, "merge", "id:2", "id:1"),
        say(later + 3, "event", "id:1", id="x", name="e"),
    )

    assert told.identifiers("1") == [(["id:1"],)]


def test_claim_of_a_visitor_by_who_was_deleted_since_does_not_prolong_theirs(told: Told) -> None:
    """Though who claimed them comes back, and becomes their person."""
    told(
        identify(1, "id:2", "anon:1"),
        identify(2, "id:1"),
        identify(400_000, "id:1", "anon:1"),
        say(400_001, "delete", "id:1"),
        say(500_000, "event", "anon:1", name="e"),
        identify(600_000, "id:2", "id:1"),
    )

    assert told.identifiers("1") == [(["id:2", "anon:1", "id:1"],)]
    assert told.rows("SELECT name, person FROM events") == [("e", "")]
