"""Where the edge writes: the protocol; Kafka and the embedded log are beside it, and the spool for Kafka's absence."""

from collections.abc import Callable, Sequence
from typing import Protocol

from schemas.messages import Message, Written

# Told how a write went: "" when it is durable, else why it is not, which is what `Unavailable` says.
Done = Callable[[str], None]


class Log(Protocol):
    """An append-only log. Used as `async with`: entering opens it, leaving flushes what was taken and closes it."""

    async def append(self, messages: Sequence[Message]) -> None:
        """Return once every message is durable: on Kafka, in the embedded log, or in the spool of this edge.

        Raises `ingest.errors.Unavailable` when the log did not confirm in time, is full or is closed. Some of the
        messages may then still arrive: the caller cannot know, so a retry can write a message twice, and readers
        tell repeats by `id`. Raises `ingest.errors.TooLarge` for a message that the log can never hold.
        Cancelling the caller does not take a message back.
        """

    def append_then(self, messages: Sequence[Message | Written], done: Done) -> None:
        """The same for whoever does not wait: `done` is called once, later, with "" where `append` returns and the
        reason where it raises `Unavailable`. Raises what `append` raises at once, and then nothing was taken; also
        `Unavailable` if only `append` can take it now."""

    def reachable(self) -> bool:
        """Whether the log confirmed its last append, or answered when it was last asked. Never blocks."""
