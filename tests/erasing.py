"""What tests of erasure write, and where they look for what is left of it."""

import time
import uuid
from itertools import count
from pathlib import Path

import msgspec
from clickhouse_connect.driver.client import Client

from schemas.messages import Context, Kind, Message, key
from tests.model import Placed
from tests.tables import FakeRecord
from workers.batch import Placed as Buried
from workers.dead_letters import DeadLetter
from workers.sink import Sink

CONTEXT = Context(endpoint="test")
NOW = int(time.time() * 1000) - 600_000  # the journal drops what is a week old


class Story:
    """Messages of one workspace in the order of the log, three of them in a millisecond."""

    def __init__(self) -> None:
        self.workspace = f"w{uuid.uuid4().hex[:12]}"
        self.log = uuid.uuid4().hex
        self._offsets = count()

    def add(self, kind: Kind, subject: str, **fields: object) -> Placed:
        offset = next(self._offsets)
        at = NOW + offset // 3
        given = {"id": str(uuid.uuid4()), "timestamp": at / 1000, "received_at": at / 1000, "context": CONTEXT} | fields
        message = Message(kind=kind, subject=subject, workspace=self.workspace, **given)  # type: ignore[arg-type]
        return Placed(message, offset, at)

    def of(self, subject: str, text: str = "x") -> list[Placed]:
        """Two identifies and two events, with a text wherever a client may put one."""
        return [
            self.add("identify", subject, attributes=(("plan", f'"{text}"'), (f"named-{text}", "1"))),
            self.add("identify", subject, attributes=(("plan", '"b"'),), sent_timestamp=text),
            self.add("event", subject, name=text, data=msgspec.Raw(b'{"t":"%b"}' % text.encode()), client_id=text),
            self.add("page", subject, name="seen", context=Context(endpoint="test", user_agent=text)),
        ]

    def rarer(self, subject: str, text: str = "x") -> list[Placed]:
        """One message of each other kind that is about a customer, with a text wherever a client may put one."""
        pairs = (("detail", f'"{text}"'), (f"named-{text}", "1"))
        said = (("object:1/acme", pairs),)
        return [
            self.add("identify", subject, links=(f"email:{text}",), relationships=said, attributes=pairs),
            self.add("add_device", subject, target=text, name="ios", attributes=pairs),
            self.add("delete_device", subject, target=f"old-{text}"),
            self.add("add_relationships", subject, relationships=said),
            self.add("delete_relationships", subject, relationships=(("cio_object:7", pairs),)),
            self.add("add_to_segment", subject, target="7"),
            self.add("remove_from_segment", subject, target="8"),
            self.add("merge", subject, links=(f"cio:x{text}", f"id:unheard-of-{text}")),
            self.add("form", subject, target="f1", data=msgspec.Raw(b'{"t":"%b"}' % text.encode()), attributes=pairs),
        ]

    def naming(self, subject: str, text: str = "x") -> list[Placed]:
        """Messages about others that name a customer, with a text in what they say of that one alone. None of them
        becomes the same person."""
        pairs, stays, recipient = (("role", f'"{text}"'),), (("role", '"stays"'),), subject.partition(":")[2]
        ends, links = (("id:stays", stays), (subject, pairs)), (subject, "email:stays")
        return [
            self.add("identify", "id:stays"),
            self.add("identify", "object:1/acme", attributes=stays, relationships=ends),
            self.add("delete_relationships", "object:1/other", relationships=ends),
            self.add("identify", "id:stays", links=links, relationships=(("object:1/acme", stays),)),
            self.add("merge", "id:nobody", links=(subject,)),
            self.add("metric", "delivery:d1", name="sent", attributes=(("recipient", f'"{recipient}"'), *pairs)),
        ]

    def bury(self, sink: Sink, placed: Placed, text: str = "x", value: bytes = b"not JSON ") -> None:
        """As a dead letter in place of a row."""
        value += text.encode()
        headers = (("h", text.encode()),)
        record = FakeRecord(placed.offset, placed.at, key(placed.message), value, headers)
        sink.bury(self.log, [DeadLetter(Buried(placed.partition, placed.at, record), 26, f"Cannot parse {text}")])


def text_in_tables(client: Client, text: str) -> dict[str, int]:
    """Rows with a text in any column that can hold one, by table and column; of every table that keeps rows."""
    tables = client.query(
        "SELECT table, groupArray(name) FROM system.columns WHERE database = currentDatabase() AND type LIKE '%String%'"
        " AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')"
        " GROUP BY table"
    ).result_rows
    assert {"journal", "stored_devices", "stored_dead_letters", "erasures"} <= {table for table, _ in tables}
    found: dict[str, int] = {}
    for table, columns in tables:
        counts = ", ".join(f"countIf(position(toString({column}), {{text:String}}) > 0)" for column in columns)
        [rows] = client.query(f"SELECT {counts} FROM {table}", parameters={"text": text}).result_rows
        found |= {f"{table}.{column}": rows for column, rows in zip(columns, rows, strict=True) if rows}
    return found


def fold(client: Client) -> None:
    """Merge attributes, as ClickHouse does when it likes: a text of which a later one took the place is gone then."""
    client.command("OPTIMIZE TABLE stored_attributes FINAL")


def files_with(client: Client, text: str) -> set[str]:
    """Tables of which a part in use has a text in its bytes: what no compression hides."""
    parts = client.query(
        "SELECT table, path FROM system.parts WHERE active AND database = currentDatabase()"
    ).result_rows
    return {
        table
        for table, path in parts
        for file in Path(path).iterdir()
        if file.is_file() and text.encode() in file.read_bytes()
    }


def hidden_earlier(client: Client, workspace: str, seconds: int) -> None:
    """As if the deletions had taken effect so much earlier."""
    client.command(
        "INSERT INTO stored_erasures SELECT * REPLACE(hidden_at - toIntervalSecond({seconds:UInt32}) AS hidden_at)"
        " FROM stored_erasures WHERE workspace = {workspace:String}",
        parameters={"seconds": seconds, "workspace": workspace},
    )
