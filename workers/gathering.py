"""What a batch is made of, and when it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workers.batch import Run, sifted
from workers.log import Polled, Record
from workers.stream import Stream

# What a record takes beside its value: its key, its offset, and the objects that hold them.
RECORD_BYTES = 250
FIRST = 10_000  # records of a batch that are asked for before it is known how large they are


@dataclass(frozen=True)
class Limits:
    """When a batch ends, and how an outage is waited out.

    size: bytes of memory that its records take. There are two batches at a time, so it bounds what a worker needs,
        whatever waits on the log.
    streamed: bytes of the values of a batch that is streamed: of ClickHouse's memory. 0: none is.
    careful: batches that are kept after one was streamed in vain.
    interval: s between the starts of two inserts; a record waits no longer than that, or for the insert before it.
    backoff, longest_backoff: s between two tries of an insert, doubled each time; while ClickHouse is away there is no
        end to them.
    tries: of an insert that ClickHouse refuses without a verdict on its rows, before the process stops.
    farewell: s that what is under way has once the worker is told to stop: a silent server must not hold it up.
    """

    rows: int = 200_000
    size: int = 36 * 1024 * 1024
    streamed: int = 64 * 1024 * 1024
    careful: int = 10
    interval: float = 0.5
    backoff: float = 0.1
    longest_backoff: float = 5.0
    tries: int = 4
    farewell: float = 5.0


class Taken:
    """What one poll brought, sorted out. values: bytes."""

    def __init__(self, polled: Polled) -> None:
        self.epoch = polled.epoch
        self.records: Mapping[int, Sequence[Record]] = polled.records
        self.runs = {partition: list(sifted(partition, run)) for partition, run in polled.records.items()}
        self.values = sum(len(record.value or b"") for run in polled.records.values() for record in run)

    def is_plain(self, since: float) -> bool:
        """Whether all of it was written by an edge of ours, and since then, in ms."""
        return all(run.is_ours and run.at > since for its in self.runs.values() for run in its)


@dataclass
class Batch:
    """Records taken from the log and not yet committed. Of one that is streamed there are only the first and the last
    record of each partition, and no runs. values: bytes."""

    epoch: int = -1
    records: dict[int, list[Record]] = field(default_factory=dict)
    runs: dict[int, list[Run]] = field(default_factory=dict)
    rows: int = 0
    values: int = 0
    stream: Stream | None = None

    @property
    def size(self) -> int:
        """Bytes of memory that its records take, or would."""
        return self.values + RECORD_BYTES * self.rows

    def is_full(self, limits: Limits) -> bool:
        """Whether it has as much as is kept of one. Nobody asks once more for a last few."""
        return limits.size - self.size < limits.size / 16

    def room(self, limits: Limits) -> int:
        """How many records more it takes, if they are as large as those it has: a log hands out all that it is asked
        for and has."""
        size, most = (self.values, limits.streamed) if self.stream else (self.size, limits.size)
        left = most - size
        if left < most / 16:
            return 0
        record = size / self.rows if self.rows else limits.size / FIRST
        return min(limits.rows - self.rows, int(left / record) + 1)

    def add(self, taken: Taken) -> None:
        """Take records in. After a change of the assignment the log starts again at the committed offsets, so what
        was gathered before is dropped: it comes again, here or elsewhere."""
        if taken.epoch != self.epoch:
            self.epoch, self.records, self.runs, self.rows, self.values = taken.epoch, {}, {}, 0, 0
        for partition, run in taken.records.items():
            if self.stream:
                self.records[partition] = [self.records.get(partition, run)[0], run[-1]]
            else:
                self.records.setdefault(partition, []).extend(run)
                self.runs.setdefault(partition, []).extend(taken.runs[partition])
            self.rows += len(run)
        self.values += taken.values
