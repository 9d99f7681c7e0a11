"""Where the worker reads: the protocol; its two implementations are beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class LogAway(Exception):
    """The log cannot be asked just now, or is not there yet. The same call may succeed later."""


class LogReplaced(Exception):
    """The log is not the one that was opened: another was made in its place. Nothing of it was handed out, and nothing
    may be committed any more. A worker that is started again reads the new one from its beginning."""


class LogBroken(Exception):
    """The log was reached and cannot be read, which waiting will not mend. The text says what to do. Nothing was
    committed for it, so a restart meets the same; what was handed out before is as good as ever."""


class Record(Protocol):
    """What the log keeps of one message. `timestamp` is the append time in ms, given by the log."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


@dataclass(frozen=True)
class Polled:
    """Records by partition, each list in the order of the log. `epoch` counts the assignments: it changes whenever
    partitions came or went or the reader was rewound, and what was polled before cannot be committed after."""

    records: Mapping[int, Sequence[Record]]
    epoch: int


class Reader(Protocol):
    """One member of the group that reads the log. Used as `async with`."""

    @property
    def generation(self) -> str:
        """Names the log for ever: offsets of two generations never mean the same record. Empty until there is one."""

    async def poll(self, limit: int, wait: float) -> Polled:
        """Up to `limit` records, at once if there are some, else after at most `wait` seconds, perhaps none.

        Starts at the committed offsets, and starts there again after every change of the assignment. Commits of
        another generation do not count. Raises `LogReplaced` and `LogBroken`.
        """

    async def commit(self, polled: Polled) -> None:
        """Make the offsets after `polled` those from which a restart reads.

        Does nothing if the assignment changed since: then somebody reads these records again. One that the log does
        not confirm in time is logged, and the next one covers it.
        """

    async def rewind(self) -> None:
        """Start again at the committed offsets: what was polled after them comes once more, in another epoch."""

    async def keep_alive(self) -> None:
        """Stay a member of the group for a moment without taking records: called while an insert is retried."""
