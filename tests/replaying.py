"""What tests of the replay share: a database of their own, a history in it, and all that the views say of it."""

import random
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from schemas.messages import Context, Kind, Message
from schemas.settings import Settings
from tests.embedded import empty
from tests.model import Placed
from tests.rarer import rarer
from tests.tables import VIEWS, land
from workers.clickhouse import connect
from workers.replay.main import Order, replay
from workers.replay.pace import Pace
from workers.replay.run import Summary
from workers.replay.selection import Selection
from workers.sink import Sink

AT_ONCE = Pace(0)
CONTEXT = Context(endpoint="test")
LOG = "a log"
PROJECTION = """
CREATE TABLE bought (workspace String, name String, id String, version UInt128)
ENGINE = ReplacingMergeTree(version) ORDER BY (workspace, name, id);
CREATE MATERIALIZED VIEW to_bought TO bought AS
SELECT workspace, name, id, version FROM messages WHERE kind = 'event'
"""
# The tables that a replay of the journal makes again.
MADE = (
    "packed_events",
    "stored_attributes",
    "stored_customers",
    "stored_identifies",
    "stored_erasures",
    "stored_devices",
    "stored_relationships",
    "stored_segment_members",
    "stored_deliveries",
    "stored_form_submissions",
    "stored_unsubscribes",
    "stored_links",
    "stored_claims",
    "stored_claimed",
    "stored_rejections",
)
KINDS: list[Kind] = ["identify", "event", "page", "screen", "delete"]


class Quiet:
    """Remembers what a person would be told."""

    def __init__(self) -> None:
        self.total = -1
        self.records = 0
        self.said: list[str] = []

    def begin(self, total: int) -> None:
        self.total = total

    def advance(self, records: int) -> None:
        self.records += records

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def own(database: str) -> str:
    """A database with nothing in it."""
    client = connect(database)
    empty(client)
    client.close()
    return database


@pytest.fixture
def there(own: str) -> Iterator[Client]:
    """To look at it."""
    client = connect(own)
    yield client
    client.close()


def landed(address: str, records: list[Placed], log: str = LOG) -> None:
    with Sink(address) as sink:
        land(sink, log, records)


def count(client: Client, table: str) -> int:
    return int(client.query(f"SELECT count() FROM {table} FINAL").result_rows[0][0])


def message(kind: Kind, subject: str, workspace: str = "w", **fields: object) -> Message:
    now = time.time()
    given = {"id": str(uuid.uuid4()), "timestamp": now, "received_at": now, "context": CONTEXT} | fields
    return Message(kind=kind, subject=subject, workspace=workspace, **given)  # type: ignore[arg-type]


def history(count: int, seed: int) -> list[Message]:
    """Creates, updates, deletions, events and repeats of a few customers in two workspaces, and all that is rarer."""
    rng = random.Random(seed)
    ids = [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(count)]
    messages = []
    for _ in range(count):
        if rng.random() < 0.3:
            other, about, said = rarer(rng)
            messages.append(message(other, about, rng.choice(["w", "v"]), id=rng.choice(ids), **said))
            continue
        kind = rng.choices(KINDS, [25, 40, 20, 10, 5])[0]
        subject = rng.choice(["id", "email", "anon"]) + f":{rng.randrange(20)}"
        fields: dict[str, object] = {"id": rng.choice(ids), "filed_at": 0.0}
        if kind == "identify":
            fields["attributes"] = ((f"a{rng.randrange(4)}", rng.choice(["1.0", '"x"', "null", "[1e2]"])),)
            if rng.random() < 0.2:
                fields |= {"timestamp": time.time() - rng.randrange(100), "sent_timestamp": "given"}
        elif kind != "delete":
            fields |= {"name": rng.choice(["bought", "seen"]), "data": msgspec.Raw(b'{"n":%d}' % rng.randrange(9))}
        messages.append(message(kind, subject, rng.choice(["w", "v"]), **fields))
    return messages


def placed(messages: Sequence[Message], partitions: int = 1, days: int = 1) -> list[Placed]:
    """Appended over the last days: a subject's to one partition, three in a millisecond."""
    begin = int((time.time() - days * 86_400 + 3600) * 1000)
    step = (days * 86_400_000 - 7_200_000) // max(1, len(messages)) if days > 1 else 1
    offsets = dict.fromkeys(range(partitions), 0)
    records = []
    for number, one in enumerate(messages):
        partition = sum(one.subject.encode()) % partitions
        records.append(Placed(one, offsets[partition], begin + number // 3 * step, partition))
        offsets[partition] += 1
    return records


def shown(client: Client) -> dict[str, bytes]:
    """All that the views say, to the byte."""
    return {view: client.raw_query(f"SELECT * FROM {view} ORDER BY ALL FORMAT TSV") for view in VIEWS}


async def replayed(
    url: str,
    source: str = "journal",
    *,
    rows: int | None = None,
    settings: Settings | None = None,
    resume: bool = False,
    **chosen: Any,
) -> Summary:
    """Replay what is chosen, all of it by default, as fast as it goes."""
    order = Order(source, Selection(**chosen), pace=AT_ONCE, resume=resume, rows=rows)
    return await replay(settings or Settings(data=Path("/nowhere")), url, order, Quiet())
