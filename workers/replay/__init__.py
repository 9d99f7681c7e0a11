"""Replay: rows are made again from what is kept of the log. Every record keeps its place and append time, so versions
come out as they were, every table folds what it has, and a replay of any range at any time changes no view."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from workers.batch import Block
from workers.dead_letters import DeadLetter

# A log's generation and a partition.
Lane = tuple[str, int]


@dataclass(frozen=True)
class Span:
    """Offsets of one partition, `end` not among them."""

    log: str
    partition: int
    begin: int
    end: int

    @property
    def lane(self) -> Lane:
        return self.log, self.partition


@dataclass(frozen=True)
class Refusal:
    """A record that ClickHouse takes no more now than before. `known`: it is in `dead_letters`."""

    log: str
    partition: int
    offset: int
    code: int
    reason: str
    known: bool = True


@dataclass
class Landed:
    """What became of a chunk. `rows`: inserted messages, those that were there already among them."""

    rows: int = 0
    refused: list[Refusal] = field(default_factory=list)


class Target(Protocol):
    """Where a replay lands: the tables, or a rehearsal. Blocking; raises `Away` and `Failed`."""

    def insert(self, block: Block) -> None:
        """Return once every row of the block is in every table that takes it. Raises `Refused` for the rows."""

    def copy(self, condition: str, parameters: Mapping[str, object]) -> None:
        """The same for the rows of `journal` of which the condition is true."""

    def resolve(self, keys: Iterable[bytes]) -> None:
        """Return once the people of inserted records' keys are who they are by all that is there. After `copy` they
        are."""

    def settle(self, letters: Sequence["Letter"]) -> None:
        """Return once these dead letters have their new status; an insert of the mended ones was confirmed."""


@dataclass(frozen=True)
class Letter:
    """A dead letter after another try. `changed_at`: ms, when its status changed last."""

    log: str
    letter: DeadLetter
    status: str
    changed_at: int


class Chunk(Protocol):
    """What one insert takes."""

    @property
    def span(self) -> Span: ...
    @property
    def records(self) -> int:
        """How many are behind us with it, of those that `Source.plan` counted."""

    def land(self, target: Target) -> Landed:
        """Blocking. After `Away` it may be called again: what is in the tables already changes nothing."""


class Source(Protocol):
    """Where a replay comes from."""

    async def plan(self, done: Mapping[Lane, int]) -> int:
        """How many records there are; those below an offset that is `done` are left out. Raises `Away`, `LogAway`."""

    async def next(self) -> Chunk | None:
        """The chunk after the one that was returned last, or None at the end. After `Away` it may be called again."""


class Show(Protocol):
    """Tells a person how it goes."""

    def begin(self, total: int) -> None:
        """So many records are to come."""

    def advance(self, records: int) -> None:
        """So many more are behind us."""

    def say(self, text: str) -> None:
        """One line, in passing."""
