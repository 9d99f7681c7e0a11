"""From records to one block: splicing each record's value with its place on the log."""

from collections.abc import Callable, Mapping, Sequence

from workers.log import Record


class ForeignRecord(Exception):
    """A record that no edge of ours wrote: its value is not one JSON object."""


def block(generation: str, records: Mapping[int, Sequence[Record]], clocks: "Clocks") -> bytes:
    """The records as JSONEachRow, one row each. Raises `ForeignRecord`, naming the place."""
    rows: list[bytes] = []
    for partition, run in records.items():
        head = f'{{"_log":"{generation}","_partition":{partition},"_offset":'.encode()
        at = clocks.before(partition, run[0].offset)
        for record in run:
            value = record.value
            if value is None or value[:2] != b'{"' or value[-1:] != b"}":
                raise ForeignRecord(f"partition {partition}, offset {record.offset}")
            if record.timestamp > at:
                at = record.timestamp
            rows.append(b'%b%d,"_at":%d,%b\n' % (head, record.offset, at, value[1:]))
        clocks.keep(partition, at)
    return b"".join(rows)


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
