"""How far a replay has come, in ClickHouse: any machine can go on with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from workers.connection import Connection
from workers.replay import Lane, Span

HASH = (
    "assumeNotNull(reinterpretAsUInt128("
    "sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), {options:String}))) AS replay"
)
LOAD = (
    "SELECT status, since, until, positions, records FROM replays FINAL"  # noqa: S608
    f" WHERE replay = (SELECT {HASH})"
)
KEEP = (
    "INSERT INTO replays (replay, source, status, since, until, positions, records)"
    f" SELECT {HASH}, {{source:String}}, {{status:String}}, {{since:UInt64}}, {{until:UInt64}},"
    " arrayZip({logs:Array(String)}, {partitions:Array(UInt32)}, {offsets:Array(UInt64)}), {records:UInt64}"
)


@dataclass(frozen=True)
class Progress:
    """since, until: ms, what the options meant when it started. done: the next offset of each partition."""

    since: int | None = None
    until: int | None = None
    done: Mapping[Lane, int] = field(default_factory=dict)
    records: int = 0
    finished: bool = False

    def past(self, span: Span, records: int) -> "Progress":
        """With a span behind it."""
        return replace(self, done={**self.done, span.lane: span.end}, records=self.records + records)


class Positions:
    """Of one replay, known by its options. Blocking; raises `Away` and `Failed`."""

    def __init__(self, connection: Connection, source: str, options: str) -> None:
        self._connection = connection
        self._source = source
        self._options = options

    def load(self) -> Progress | None:
        """What the last replay with these options kept."""
        found = self._connection.rows(LOAD, {"options": self._options})
        if not found:
            return None
        status, since, until, positions, records = found[0]
        done = {(log, partition): offset for log, partition, offset in positions}
        return Progress(since or None, until or None, done, records, status == "finished")

    def keep(self, progress: Progress) -> None:
        lanes = list(progress.done)
        state = {
            "options": self._options,
            "source": self._source,
            "status": "finished" if progress.finished else "started",
            "since": progress.since or 0,
            "until": progress.until or 0,
            "logs": [log for log, _ in lanes],
            "partitions": [partition for _, partition in lanes],
            "offsets": list(progress.done.values()),
            "records": progress.records,
        }
        self._connection.command(KEEP, state, {"async_insert": 0})
