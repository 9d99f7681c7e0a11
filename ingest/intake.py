"""Taking a request's body in, bounded: by the endpoint's limit, and by a budget for the whole process."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from ingest.errors import Overloaded, TooLarge


class Budget:
    """Bytes of bodies that may be in the process at once, from being read until they are on the log."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.free = limit

    @property
    def used(self) -> int:
        return self.limit - self.free

    def lease(self) -> "Lease":
        return Lease(self)


class Lease:
    """One request's share of the budget; leaving gives it back."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._taken = 0

    def take(self, size: int) -> None:
        """Raises `Overloaded` when the budget is used up.

        Charged as bytes come, not as they are announced: else a few idle clients could hold all of it.
        """
        if size > self._budget.free:
            raise Overloaded("too much is in flight; please retry")
        self._budget.free -= size
        self._taken += size

    def give_back(self) -> None:
        """All of it. What is taken from now on is a new share."""
        self._budget.free += self._taken
        self._taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int, lease: Lease) -> bytes:
    """The whole body. Raises `TooLarge`, `Overloaded`, and `ClientDisconnect` if the client did not send all of it.

    A `Content-Length` over the limit is refused before a byte is read; without one the bytes are counted.
    """
    if int(headers.get(b"content-length", b"0")) > limit:
        raise _too_large(limit)
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = event.get("body", b"")
        if len(body) + len(chunk) > limit:
            raise _too_large(limit)
        lease.take(len(chunk))
        if not event.get("more_body", False):
            return bytes(body + chunk) if body else chunk
        body += chunk


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"body cannot be longer than {limit} bytes")
