"""What is told of refused requests: each is counted, and logged within bounds, with the id that its answer has."""

import re
import time
import traceback
from collections.abc import Callable

import structlog

from ingest.answers import Rendered, rendered
from ingest.errors import ApiError, Failed
from ingest.ids import new_id
from ingest.metrics import OTHER, Metrics

LINES = 5  # a second and reason: a flood of nonsense must not fill the disk
_SANE = re.compile(rb"[!-~]{1,100}")

log = structlog.get_logger()


def request_id(sent: bytes | None = None) -> str:
    """The client's own `X-Request-Id` if it can stand in a header and in a line of the log, else a new one."""
    if sent is not None and _SANE.fullmatch(sent):
        return sent.decode("ascii")
    return new_id(time.time())


class Refusals:
    """clock: s, never going back."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def refuse(self, error: ApiError, path: str, number: str, endpoint: str = OTHER, client: str = "") -> Rendered:
        """The answer. What the request held is not logged: a path may hold a key, and a message parts of a body."""
        self._metrics.refusals[error.reason] += 1
        left_out = self._left_out(error.reason)
        if left_out is not None:
            log.info(
                "refused",
                reason=error.reason,
                status=error.status,
                endpoint=endpoint,
                client=client,
                request_id=number,
                left_out=left_out,
            )
        return rendered(error, path, number)

    def fail(self, mistake: Exception, path: str, number: str, endpoint: str = OTHER) -> Rendered:
        """The answer to what we failed at. Logged is where it was, but not its text: that may hold what was sent."""
        self._metrics.refusals[Failed.reason] += 1
        left_out = self._left_out(Failed.reason)
        if left_out is not None:
            trace = [f"{at.filename}:{at.lineno} {at.name}" for at in traceback.extract_tb(mistake.__traceback__)]
            log.error(
                "request_failed",
                error=type(mistake).__name__,
                trace=trace,
                endpoint=endpoint,
                request_id=number,
                left_out=left_out,
            )
        return rendered(Failed(), path, number)

    def _left_out(self, reason: str) -> int | None:
        """None if this one gets no line; else how many got none since the last that did."""
        window = self._windows.setdefault(reason, _Window())
        now = self._clock()
        if now >= window.ends:
            window.ends, window.lines = now + 1.0, 0
        window.lines += 1
        if window.lines > LINES:
            window.left_out += 1
            return None
        left_out, window.left_out = window.left_out, 0
        return left_out


class _Window:
    """A second's lines of one reason."""

    def __init__(self) -> None:
        self.ends = 0.0
        self.lines = 0
        self.left_out = 0
