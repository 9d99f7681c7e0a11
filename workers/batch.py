"""From records to rows: splicing each record's value with its place on the log."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from workers.log import Record

CHUNK = 256 * 1024  # bytes of a block that are made at once

_whole = msgspec.json.Decoder(msgspec.Raw)


class Run(NamedTuple):
    """Records of one partition that follow one another, of one append time in ms. is_ours: each is one JSON object."""

    partition: int
    at: int
    is_ours: bool
    records: list[Record]


@dataclass(frozen=True)
class Placed:
    """A record with its partition. `at`: its append time in ms, made monotonic."""

    partition: int
    at: int
    record: Record


class Block:
    """Rows as JSONEachRow. They are made as they are sent, so that nobody waits for them and they are nowhere whole;
    and anew each time that they are iterated over, for a request may be repeated."""

    def __init__(self, generation: str, runs: Sequence[Run]) -> None:
        self._generation = generation
        self._runs = runs

    def rows(self) -> Iterator[bytes]:
        for run in self._runs:
            head = f'{{"_log":"{self._generation}","_partition":{run.partition},"_at":{run.at},"_offset":'.encode()
            for record in run.records:
                yield b"%b%d,%b\n" % (head, record.offset, (record.value or b"")[1:])

    def __iter__(self) -> Iterator[bytes]:
        return chunks(self.rows())

    def __bytes__(self) -> bytes:
        return b"".join(self)


def chunks(rows: Iterable[bytes]) -> Iterator[bytes]:
    """All of them, many at once; the last one may be empty."""
    some, size = [], 0
    for row in rows:
        some.append(row)
        size += len(row)
        if size >= CHUNK:
            yield b"".join(some)
            some, size = [], 0
    yield b"".join(some)


@dataclass
class Spliced:
    """Records that can become rows, and those that no edge of ours wrote. runs: with append times made monotonic."""

    generation: str
    runs: list[Run] = field(default_factory=list)
    foreign: list[Placed] = field(default_factory=list)

    @property
    def rows(self) -> list[bytes]:
        return list(Block(self.generation, self.runs).rows())

    @property
    def records(self) -> list[Placed]:
        """Of each row."""
        return [*placed(self.runs)]


def splice(generation: str, records: Mapping[int, Sequence[Record]], clocks: "Clocks") -> Spliced:
    """One row for each record whose value is one JSON object."""
    return in_time(generation, {partition: list(sifted(partition, run)) for partition, run in records.items()}, clocks)


def sifted(partition: int, records: Sequence[Record]) -> Iterator[Run]:
    """All of them, in their order, with the append times of the log."""
    run = Run(partition, 0, True, [])
    for record in records:
        at, is_ours = record.timestamp, is_object(record.value)
        if at != run.at or is_ours is not run.is_ours:
            if run.records:
                yield run
            run = Run(partition, at, is_ours, [])
        run.records.append(record)
    if run.records:
        yield run


def in_time(generation: str, runs: Mapping[int, Sequence[Run]], clocks: "Clocks") -> Spliced:
    """The runs of each partition, with their append times made monotonic."""
    spliced = Spliced(generation)
    # All are asked before any is kept: the asking may fail, and the next try must start from the same times.
    times = {partition: clocks.before(partition, its[0].records[0].offset) for partition, its in runs.items()}
    for partition, its in runs.items():
        at = times[partition]
        for run in its:
            at = max(at, run.at)
            if run.is_ours:
                spliced.runs.append(run._replace(at=at))
            else:
                spliced.foreign += placed([run._replace(at=at)])
        clocks.keep(partition, at)
    return spliced


def placed(runs: Sequence[Run]) -> Iterator[Placed]:
    return (Placed(run.partition, run.at, record) for run in runs for record in run.records)


def halves(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Of two records or more."""
    first, second = [], []
    missing = sum(len(run.records) for run in runs) // 2
    for run in runs:
        if missing:
            first.append(run._replace(records=run.records[:missing]))
        if rest := run.records[missing:]:
            second.append(run._replace(records=rest))
        missing = max(missing - len(run.records), 0)
    return first, second


def is_object(value: bytes | None) -> bool:
    """Whether a value is one JSON object with a member, and nothing behind it: `{…},{…}` would make two rows."""
    if value is None or value[:2] != b'{"' or value[-1:] != b"}":
        return False
    try:
        _whole.decode(value)
    except (msgspec.DecodeError, RecursionError):  # the second of one that is nested a thousand deep
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

    def know(self, partitions: Iterable[int]) -> bool:
        """Whether nobody has to be asked for any of them."""
        return all(partition in self._last for partition in partitions)

    def keep(self, partition: int, at: int) -> None:
        self._last[partition] = at

    def forget(self) -> None:
        """The assignment changed: what comes next need not follow what came last."""
        self._last.clear()
