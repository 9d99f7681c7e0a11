"""What a request became."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ingest.errors import ApiError, BadRequest, Problem
from schemas.messages import Message


class Refused(NamedTuple):
    """An item of a batch that was not taken, or something that was answered 200 and cannot be kept.

    number: in the batch, from 0; None if it is no item of one. excerpt: of its text.
    """

    number: int | None
    error: ApiError
    excerpt: bytes = b""

    @property
    def problems(self) -> Sequence[Problem]:
        """Each thing that is wrong with it."""
        error = self.error
        if isinstance(error, BadRequest):
            return error.problems
        return [Problem(message, reason=error.reason) for message in error.messages]


class Made(msgspec.Struct, frozen=True):
    """The messages that go to the log together, and what is not among them."""

    messages: Sequence[Message]
    refused: Sequence[Refused] = ()


class RefusedButKept(BadRequest):
    """The client is told what is wrong, and what can be kept of it is on the log when it is told."""

    def __init__(self, refusal: BadRequest, messages: Sequence[Message]) -> None:
        super().__init__(*refusal.problems)
        self.kept = messages
