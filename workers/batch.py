"""From records to rows: splicing each record's value with its place on the log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from workers.log import Record

_whole = msgspec.json.Decoder(msgspec.Raw)


@dataclass(frozen=True)
class Placed:
    """A record with its partition. `at`: its append time in ms, made monotonic."""

    partition: int
    at: int
    record: Record


@dataclass
class Spliced:
    """Rows as JSONEachRow, each beside the record it was made of; and the records that no edge of ours wrote."""

    rows: list[bytes] = field(default_factory=list)
    records: list[Placed] = field(default_factory=list)
    foreign: list[Placed] = field(default_factory=list)


def splice(generation: str, records: Mapping[int, Sequence[Record]], clocks: "Clocks") -> Spliced:
    """One row for each record whose value is one JSON object."""
    spliced = Spliced()
    # All are asked before any is kept: the asking may fail, and the next try must start from the same times.
    times = {partition: clocks.before(partition, run[0].offset) for partition, run in records.items()}
    for partition, run in records.items():
        head = f'{{"_log":"{generation}","_partition":{partition},"_offset":'.encode()
        at = times[partition]
        for record in run:
            if record.timestamp > at:
                at = record.timestamp
            value = record.value
            if value is None or not is_object(value):
                spliced.foreign.append(Placed(partition, at, record))
                continue
            spliced.rows.append(b'%b%d,"_at":%d,%b\n' % (head, record.offset, at, value[1:]))
            spliced.records.append(Placed(partition, at, record))
        clocks.keep(partition, at)
    return spliced


def is_object(value: bytes) -> bool:
    """Whether a value is one JSON object with a member, and nothing behind it: `{…},{…}` would make two rows."""
    if value[:2] != b'{"' or value[-1:] != b"}":
        return False
    try:
        _whole.decode(value)
    except msgspec.DecodeError:
        return False
    return True


class Clocks:
    """The append time of each partition's last record. A broker's clock may step back; an append time here never
    does, and it comes out the same for the same record: a start in the middle asks the journal for its predecessor."""

    def __init__(self, ask: Callable[[int, int], int]) -> None:
        """ask: partition, offset -> the append time in ms of the record before that offset, or 0."""
        self._ask = ask
        self._last: dict[int, int] = {}

    def before(self, partition: int, offset: int) -> int:
        if partition not in self._last:
            self._last[partition] = self._ask(partition, offset)
        return self._last[partition]

    def keep(self, partition: int, at: int) -> None:
        self._last[partition] = at

    def forget(self) -> None:
        """The assignment changed: what comes next need not follow what came last."""
        self._last.clear()
