"""The views against a plain Python model, on the real engine."""

import random
import time
import uuid

import msgspec
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.messages import Context, Kind, Message
from tests.model import Placed, world
from tests.sayings import Saying, sayings
from tests.sayings import message as said_as
from tests.tables import cuts, land, said, views
from workers.sink import Sink

NOW = int(time.time() * 1000) - 3_600_000  # an hour ago: the journal's time to live is counted from append times
CONTEXT = Context(endpoint="test")


@pytest.fixture
def workspace() -> str:
    return f"w{uuid.uuid4().hex[:12]}"


def message(kind: Kind, subject: str, workspace: str, **fields: object) -> Message:
    given = {
        "id": str(uuid.uuid4()),
        "timestamp": NOW / 1000,
        "received_at": NOW / 1000,
        "context": CONTEXT,
    } | fields
    return Message(kind=kind, subject=subject, workspace=workspace, **given)  # type: ignore[arg-type]


def placed(messages: list[Message], start: int = 0) -> list[Placed]:
    return [Placed(message, start + i, NOW + (start + i) // 3) for i, message in enumerate(messages)]


histories = st.lists(st.tuples(st.sampled_from([0, 0, 0, 1]), sayings), min_size=10, max_size=80)


@settings(max_examples=3, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, seed=st.integers(0, 2**32))
def test_views_equal_the_model_whatever_the_cuts_repeats_and_order(
    sink: Sink, client: Client, history: list[tuple[int, Saying]], seed: int
) -> None:
    """Inserted in order with repeats, then again shuffled: the same rows as a plain Python model each time."""
    rng = random.Random(seed)
    workspaces = [f"w{uuid.uuid4().hex[:12]}" for _ in range(2)]
    records = placed([said_as(saying, workspaces[number], str(uuid.uuid4()), NOW) for number, saying in history])
    generation = uuid.uuid4().hex

    shuffled = rng.sample(records, len(records))
    for part in cuts(shuffled, rng, 20):
        land(sink, generation, part)
    first = views(client, workspaces)
    for part in cuts(records, rng, 20):
        land(sink, generation, part)

    assert first == said(world(records))
    assert views(client, workspaces) == first


def json_text(rng: random.Random, depth: int = 0) -> str:
    """Any JSON text, as oddly written as the grammar allows."""
    space = rng.choice(["", "", " ", "\n\t"])
    kind = rng.randrange(8 if depth < 60 else 4)
    if kind < 2:
        number = rng.choice(
            ["0", "-0", "1.0", "1E2", "1e-7", "9223372036854775808", "-1e300", "0.1000", str(rng.random())]
        )
        return number + space
    if kind < 4:
        return rng.choice(
            [
                '"\\u0000"',
                '"\\ud83d\\ude00"',
                '"😀\u2028"',
                '"\\/\\\\\\""',
                '"}{][,:"',
                "null",
                "true",
                '""',
                '"\u007f"',
            ]
        )
    if kind < 6:
        return "[" + space + ",".join(json_text(rng, depth + 1) for _ in range(rng.randrange(4))) + "]"
    names = [rng.choice(['"a"', '"a"', '""', '"é\\n"', '"_offset"', '"$x.y"']) for _ in range(rng.randrange(4))]
    return "{" + space + ",".join(name + ":" + space + json_text(rng, depth + 1) for name in names) + "}"


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def test_any_json_survives_exactly(sink: Sink, client: Client, workspace: str) -> None:
    """An event's data and an attribute's value come back as the very text that was sent."""
    rng = random.Random(5)
    texts = [json_text(rng) for _ in range(3000)] + [nested(62)]
    objects = ["{" + f'"n":{text}' + "}" for text in texts]
    history = [message("event", "id:1", workspace, name="e", data=msgspec.Raw(text.encode())) for text in objects]
    history += [message("identify", f"id:{i}", workspace, attributes=(("n", text),)) for i, text in enumerate(texts)]

    records = placed(history)
    land(sink, workspace, records)

    expected = world(records)
    actual = views(client, [workspace])
    assert actual.events == expected.events
    kept = client.query(
        "SELECT customer, attributes_json FROM customers WHERE workspace = {w:String}",
        parameters={"w": workspace},
    ).result_rows
    assert dict(map(tuple, kept)) == {
        who.removeprefix("id:"): "{" + ",".join(f'"{name}":{text}' for name, text in customer.attributes.items()) + "}"
        for (_, who), customer in expected.customers.items()
    }
    plain = client.query(
        "SELECT value_json, value, attributes['n'] FROM attributes JOIN customers ON person = cio_id"
        " WHERE attributes.workspace = {w:String} AND customers.workspace = {w:String}",
        parameters={"w": workspace},
    ).result_rows
    assert len(plain) == len(kept) - texts.count("null") - texts.count('""')
    for text, *values in plain:
        assert values == [msgspec.json.decode(text) if text.startswith('"') else text] * 2


def test_repeat_of_an_event_keeps_the_last_one(sink: Sink, client: Client, workspace: str) -> None:
    """One row per id, whatever the repeats say and in whichever order they are inserted."""
    twice = [message("event", "id:1", workspace, id="x", name=name, filed_at=0.0) for name in ("first", "last")]

    for one in reversed(placed(twice)):
        land(sink, workspace, [one])

    assert views(client, [workspace]).events == {(workspace, "id:1", "x"): ("last", "{}", "id:1")}


def test_thousand_months_in_one_block_are_taken(sink: Sink, client: Client, workspace: str) -> None:
    """A client with odd timestamps neither fails the block nor loses a row."""
    months = [message("event", "id:1", workspace, name="e", timestamp=i * 2_600_000.0 - 2e9) for i in range(1200)]

    land(sink, workspace, placed(months))

    assert len(views(client, [workspace]).events) == 1200


def test_customer_created_anew_is_first_seen_after_the_deletion(sink: Sink, client: Client, workspace: str) -> None:
    """What was before the deletion shows in no column, also when the newcomer's first attributes were overwritten."""
    plan = (("plan", '"a"'),)
    kinds: list[Kind] = ["identify", "event", "delete", "identify", "event", "identify"]
    history = [
        message(kind, "id:1", workspace, name="e", attributes=plan if kind == "identify" else ()) for kind in kinds
    ]
    records = [Placed(message, i, NOW + 1000 * i) for i, message in enumerate(history)]

    land(sink, workspace, records)

    assert views(client, [workspace]).seen == {(workspace, "id:1"): (NOW + 3000, NOW + 5000)}


@pytest.mark.slow
def test_hundred_thousand_messages_twice_shuffled_are_the_same_rows(sink: Sink, client: Client, workspace: str) -> None:
    """Other batch cuts, another order, deletions in between: the views are equal to the row, and to the model."""
    rng = random.Random(3)
    kinds: list[Kind] = rng.choices(["event", "identify", "delete"], [80, 15, 5], k=100_000)
    history = [
        message(
            kind,
            f"id:{rng.randrange(5000)}",
            workspace,
            name="e",
            attributes=((f"a{rng.randrange(5)}", str(i)),) if kind == "identify" else (),
        )
        for i, kind in enumerate(kinds)
    ]
    records = placed(history)

    for part in cuts(records, rng, 20_000):
        land(sink, workspace, part)
    first = views(client, [workspace])
    for part in cuts(rng.sample(records, len(records)), rng, 15_000):
        land(sink, workspace, part)

    assert first == said(world(records))
    assert views(client, [workspace]) == first
