"""What was answered 200 and is not kept: a row of `rejections` says so, within bounds."""

import re
from collections.abc import Callable

import msgspec

from ingest import limits
from ingest.arrivals import Arrival
from ingest.errors import TooManyRequests
from ingest.made import Refused
from ingest.metrics import Metrics
from ingest.rates import Rates
from schemas.messages import Message

# What a client of Data Pipelines gets 200 for. Not among them: what passes, and is worth another try.
FORGIVEN = frozenset({400, 401, 403, 413, 415})
# Of JSON, of forms, of what is neither, as it is mistyped or packed twice: the name of what may be a key, then its
# value, in whatever quotes or brackets, to its end or to the end of the excerpt. Nothing is tried twice (`+`): text
# made up for it would else stop the edge.
_SECRET = re.compile(
    rb"""((?:key|token|secret|passw|credential|authorization)[\w.\-\[\]]{0,60}+(?:\\?["']|%22|%5d)?+\s*+(?:[:=]|%3a|%3d)\s*+)"""
    rb"""(?:\\["'][^"']*+["']?|"(?:\\.|[^"\\])*+"?|'(?:\\.|[^'\\])*+'?|[\[{][^\]}]*+[\]}]?|[^\s,;&"'\]})]++)""",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPED = re.compile(rb"\\u00(2d|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])", re.IGNORECASE)  # what needs no escape
_LOOKED_AT = 2 * limits.EXCERPT


def excerpt(text: bytes) -> bytes:
    """The beginning of what was sent, for a row: without keys once it is in one."""
    return text[:_LOOKED_AT]


class Rejections:
    """clock: s, never going back. A flood of nonsense must not fill a disk: what is too much is counted, and the next
    row tells how many were left out."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._rates = Rates(limits.REJECTIONS, clock, burst=limits.REJECTIONS_AT_ONCE)
        self._left_out: dict[str, int] = {}

    def message(self, arrival: Arrival, refused: Refused) -> Message | None:
        """None if there were too many of that workspace."""
        self._metrics.rejections[refused.error.reason] += 1
        try:
            self._rates.take(arrival.workspace)
        except TooManyRequests:
            self._left_out[arrival.workspace] = self._left_out.get(arrival.workspace, 0) + 1
            return None
        row = arrival.item(refused.number or 0)
        data = msgspec.json.encode(_told(refused, self._left_out.pop(arrival.workspace, 0)))
        return row.message("rejection", f"rejection:{row.id}", name=refused.error.reason, data=msgspec.Raw(data))


def _told(refused: Refused, left_out: int) -> dict[str, object]:
    messages = refused.error.messages[: limits.REJECTION_MESSAGES]
    return {
        "status": refused.error.status,
        "messages": [message[: limits.EXCERPT] for message in messages],
        "index": refused.number,
        "excerpt": _without_keys(refused.excerpt).decode(errors="replace"),
        "left_out": left_out,
    }


def _without_keys(text: bytes) -> bytes:
    """Zero bytes are what UTF-16 has between letters, and a letter may be written as an escape: no key hides so."""
    plain = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text.replace(b"\0", b""))
    return _SECRET.sub(rb'\1"..."', plain)[: limits.EXCERPT]
