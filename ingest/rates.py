"""How often a workspace may call: a bucket of tokens each, filled at its rate."""

import math
from collections.abc import Callable, Mapping

from ingest.errors import TooManyRequests

BURST = 3.0  # Customer.io counts over as long


class Rates:
    """rate: requests per second and workspace, in this process. clock: s, never going back. burst: s worth of the rate
    that may come at once."""

    def __init__(self, rate: float, clock: Callable[[], float], burst: float = BURST) -> None:
        self._rate = rate
        self._size = max(rate * burst, 1.0)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when there were so many

    def look(self, workspace: str) -> None:
        """Raises `TooManyRequests` if there is no token now. Takes none."""
        tokens = self._tokens(workspace, self._clock())
        if tokens < 1:
            raise self._refusal(tokens)

    def take(self, workspace: str) -> Mapping[str, str]:
        """One request's token, and the headers that tell what is left. Raises `TooManyRequests`.

        Only who has a key has a bucket, so there are never more of them than workspaces.
        """
        now = self._clock()
        tokens = self._tokens(workspace, now)
        if tokens < 1:
            self._buckets[workspace] = tokens, now
            raise self._refusal(tokens)
        self._buckets[workspace] = tokens - 1, now
        return self._headers(tokens - 1)

    def _tokens(self, workspace: str, now: float) -> float:
        tokens, since = self._buckets.get(workspace, (self._size, now))
        return min(self._size, tokens + (now - since) * self._rate)

    def _refusal(self, tokens: float) -> TooManyRequests:
        text = f"more than {self._rate:g} requests per second; please retry"
        return TooManyRequests(text, self._headers(tokens))

    def _headers(self, tokens: float) -> Mapping[str, str]:
        """The names of the draft's first versions: these are what clients read. Reset: s until the bucket is full."""
        return {
            "ratelimit-limit": str(int(self._size)),
            "ratelimit-remaining": str(int(tokens)),
            "ratelimit-reset": str(math.ceil((self._size - tokens) / self._rate)),
        }
