"""`penstock trace` on a real ClickHouse: where a message is, in each case, and what to do next."""

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.embedded import Embedded, made
from tests.running import environment
from workers.trace import Sighting, Trace, Wanted
from workers.trace.trace import trace

NOW = 600_000  # ms


def traced(place: Embedded, id: str) -> Trace:
    return trace(place.settings, place.settings.clickhouse, Wanted(id))


def only(found: Trace) -> Sighting:
    assert found.log_away == ""
    [seen] = found.sightings
    return seen


def lately(place: Embedded, subject: str, **more: Any) -> Trace:
    now = int(time.time() * 1000)
    return trace(place.settings, place.settings.clickhouse, Wanted("", subject, now - NOW, now + NOW, **more))


def test_inserted_event_is_told_with_its_place(place: Embedded) -> None:
    """Accepted when and by which endpoint, where on the log, and that it counts."""
    message = made(2, name="bought", client_id="order-7")
    place.land(made(1), message)

    seen = only(traced(place, message.id))

    assert (seen.fate, seen.partition, seen.offset) == ("inserted", 0, 2)
    assert (seen.name, seen.endpoint, seen.subject, seen.workspace) == ("bought", "track", "id:1", "site")
    assert seen.received_at == int(message.received_at * 1000)
    assert 0 <= seen.at - seen.received_at < 60_000
    assert only(traced(place, "order-7")).id == message.id


def test_message_that_waits_on_the_log_is_found_there(place: Embedded) -> None:
    """The worker is behind: how many come first, and what to look at."""
    place.land(made(1))
    place.append(*(made(number) for number in range(2, 6)))

    seen = only(traced(place, made(5).id))

    assert (seen.fate, seen.offset, seen.behind) == ("waiting", 5, 3)


def test_insert_under_way_is_not_called_done(place: Embedded) -> None:
    """A row in the journal proves no more than that it was tried: the commit is the proof."""
    place.land(made(1))
    (place.settings.data / "positions.db").unlink()

    assert only(traced(place, made(1).id)).fate == "inserting"


def test_repeated_event_names_the_repeat(place: Embedded) -> None:
    """Of two with the same id the last one counts; both are shown."""
    place.land(made(1), made(1, name="again"))

    assert [(seen.offset, seen.fate, seen.detail) for seen in traced(place, made(1).id).sightings] == [
        (1, "replaced", "offset 2"),
        (2, "inserted", ""),
    ]


def test_erased_message_names_the_deletion(place: Embedded) -> None:
    """Which one, and when; the deletion itself can be traced too."""
    place.land(made(1), made(2, "identify"), made(3, "delete"))

    erased, deletion = only(traced(place, made(1).id)), only(traced(place, made(3).id))

    assert erased.fate == only(traced(place, made(2).id)).fate == "erased"
    assert made(3).id in erased.detail
    assert deletion.fate == "inserted"


def test_erased_workspace_is_named(place: Embedded) -> None:
    """There is no deletion of the customer to name."""
    place.land(made(1))
    place.client.command(
        f"INSERT INTO erased_workspaces VALUES ('site', {int(time.time() * 1000 + 9_000) << 86}, now64())"
    )

    assert only(traced(place, made(1).id)).detail == "workspace site was erased as a whole"


def test_dead_letter_is_found_by_its_id(place: Embedded) -> None:
    """With ClickHouse's code and words, until a replay mends it."""
    place.land(made(1, "dance"))
    seen = only(traced(place, made(1).id))
    place.command("ALTER TABLE stored_dead_letters UPDATE status = 'mended' WHERE 1")

    assert (seen.fate, seen.kind, seen.offset) == ("dead", "dance", 1)
    assert seen.detail.startswith("code 469: ")
    assert only(traced(place, made(1).id)).fate == "mended"


def test_row_that_a_table_lost_is_told(place: Embedded) -> None:
    """The journal has the message, its table has not."""
    place.land(made(1), made(2, "identify"), made(3, "delete", "id:9"))
    for table in ("packed_events", "stored_identifies", "stored_erasures"):
        place.command(f"TRUNCATE TABLE {table}")

    lost = [only(traced(place, made(number).id)) for number in (1, 2, 3)]

    assert [(seen.fate, seen.detail) for seen in lost] == [
        ("lacking", "packed_events"),
        ("lacking", "stored_identifies"),
        ("lacking", "stored_erasures"),
    ]


def test_event_older_than_the_journal_is_still_found(place: Embedded) -> None:
    """Its place is not known any more, but it counts."""
    place.land(made(1, client_id="c1"))
    place.command("TRUNCATE TABLE journal")

    assert [only(traced(place, id)).fate for id in (made(1).id, "c1")] == ["old", "old"]


def test_customers_messages_around_a_time(place: Embedded) -> None:
    """All of that customer and no other's, also what waits; how many were erased from disk since."""
    place.land(made(1, subject="id:7"), made(2, subject="id:8"), made(3, subject="id:7", workspace="other"))
    place.append(made(4, subject="id:7"))

    assert [seen.offset for seen in lately(place, "id:7").sightings] == [1, 3, 4]
    assert [seen.offset for seen in lately(place, "id:7", workspace="site").sightings] == [1, 4]
    place.command("ALTER TABLE journal UPDATE kind = 'erased', id = '', subject = '' WHERE subject = 'id:7'")
    assert lately(place, "id:7").erased == 2
    assert lately(place, "id:70") == Trace()


def test_unknown_log_is_said(place: Embedded) -> None:
    """What the tables know is told all the same."""
    place.land(made(1))
    (place.settings.data / "log.db").unlink()

    found = traced(place, made(1).id)

    assert "log.db" in found.log_away
    assert [seen.fate for seen in found.sightings] == ["inserted"]


def penstock(place: Embedded, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {"PENSTOCK_DATA": str(place.settings.data), "PENSTOCK_CLICKHOUSE": place.settings.clickhouse}
    command = [sys.executable, "-m", "deploy.cli", "trace", *arguments]
    return subprocess.run(command, env=environment(**settings), capture_output=True, text=True, timeout=100)


def test_command_tells_what_to_do_next(place: Embedded) -> None:
    """In words for a person, as JSON for a script; what is not known ends with 1 and says where to look."""
    place.land(made(1, "dance"))
    place.append(made(2, subject="email:bob@example.com", spooled_at=time.time() - 90))

    dead = penstock(place, made(1).id)
    waiting = penstock(place, "--customer", "Bob@example.com")
    told = penstock(place, made(2).id, "--json")
    unknown = penstock(place, "nobody")

    assert [done.returncode for done in (dead, waiting, told, unknown)] == [0, 0, 0, 1]
    assert "penstock replay --from dead-letters" in dead.stdout
    assert "spooled" in waiting.stdout
    assert "not inserted yet" in waiting.stdout
    [seen] = json.loads(told.stdout)["sightings"]
    assert (seen["fate"], seen["offset"], "penstock_worker_lag" in seen["next"]) == ("waiting", 2, True)
    assert "X-Request-Id" in unknown.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name either"),
        (["x", "--customer", "1"], "Name either"),
        (["--customer", "1", "--within", "x"], "--within"),
    ],
)
def test_command_refuses_what_it_cannot_look_for(place: Embedded, arguments: list[str], said: str) -> None:
    """One line, exit code 2."""
    done = penstock(place, *arguments)

    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
