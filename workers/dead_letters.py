"""Records that cannot become rows: found by halving, kept with the reason, and stopped when they are too many."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schemas import failpoints
from workers.batch import Block, Placed, Run, Spliced, halves, placed
from workers.clickhouse import Refused, Short

FOREIGN = "the value is not one JSON object: no edge of Penstock wrote it"
EMPTY = "the record has no value"

# Bytes of values; a server that has not the memory for as few has none for anything.
FEW = 256 * 1024


class TooManyDeadLetters(Exception):
    """After a bad deploy nobody wants all traffic in `dead_letters`: nothing of this batch is buried or committed."""


@dataclass(frozen=True)
class DeadLetter:
    """`code` is ClickHouse's, 0 when it was not asked."""

    placed: Placed
    code: int
    reason: str


@dataclass
class Allowance:
    """How many dead letters are normal.

    share: of the last `window` records; 1 sets no limit at all.
    consecutive: in batches of which nothing landed.
    """

    share: float = 0.1
    window: int = 10_000
    consecutive: int = 1_000
    _seen: deque[tuple[int, int]] = field(default_factory=deque)
    _in_a_row: int = 0

    @property
    def most(self) -> int:
        """Of one batch, whatever its size; beyond that halving is given up."""
        return max(self.consecutive, int(self.share * self.window))

    def admit(self, landed: int, dead: Sequence[DeadLetter]) -> None:
        """Count a batch. Raises `TooManyDeadLetters`, and then has not counted it."""
        if self.share >= 1:
            return
        in_a_row = 0 if landed else self._in_a_row + len(dead)
        if in_a_row > self.consecutive:
            raise TooManyDeadLetters(f"{in_a_row} records in a row {_advice(dead)}")
        seen = [*self._seen, (landed + len(dead), len(dead))]
        total, total_dead = (sum(column) for column in zip(*seen, strict=True))
        if total_dead > self.share * max(total, self.window):
            raise TooManyDeadLetters(f"{total_dead} of the last {total} records {_advice(dead)}")
        self._in_a_row = in_a_row
        self._seen.append(seen[-1])
        while total - self._seen[0][0] >= self.window:
            total -= self._seen.popleft()[0]


def land(spliced: Spliced, insert: Callable[[Block], None], allowance: Allowance) -> list[DeadLetter]:
    """Insert the rows; return the records that no insert takes, all others being in the tables.

    A block that is refused is halved until the guilty rows are alone, and one for which there is not the memory until
    there is. Raises `TooManyDeadLetters`, and whatever else `insert` raises: some halves are then in the tables, and
    inserting all of it again changes nothing.
    """
    dead = [DeadLetter(foreign, 0, FOREIGN if foreign.record.value else EMPTY) for foreign in spliced.foreign]
    waiting = [spliced.runs] if spliced.runs else []
    while waiting:
        runs = waiting.pop()
        try:
            insert(Block(spliced.generation, runs))
        except (Refused, Short) as error:
            is_one = sum(len(run.records) for run in runs) == 1
            if isinstance(error, Short) and (is_one or _size(runs) < FEW):
                raise
            if isinstance(error, Refused) and is_one:
                dead += [DeadLetter(guilty, error.code, str(error)) for guilty in placed(runs)]
            else:
                failpoints.reach("worker.halving")
                first, second = halves(runs)
                waiting += [second, first]
        if len(dead) > allowance.most and allowance.share < 1:
            raise TooManyDeadLetters(f"{len(dead)} records of one batch {_advice(dead)}")
    allowance.admit(sum(len(run.records) for run in spliced.runs) + len(spliced.foreign) - len(dead), dead)
    return dead


def _size(runs: Sequence[Run]) -> int:
    return sum(len(record.value or b"") for run in runs for record in run.records)


def _advice(dead: Sequence[DeadLetter]) -> str:
    code = f"ClickHouse's code {dead[-1].code}" if dead[-1].code else "no message of ours"
    return (
        f"cannot become rows (the last: {code}). Mend the cause, or set PENSTOCK_DEAD_LETTER_SHARE=1"
        " to keep them all in dead_letters and go on."
    )
