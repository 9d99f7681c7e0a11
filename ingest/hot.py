"""The hot way: what is for the log is answered by the protocol itself, without a scope, a task or a future of its own.

A request goes this way while everything about it is usual: a path that takes messages, a plain body of known and modest
length, nothing else open on its connection, and nothing to say but 200. Until the log has taken its messages nothing
has happened that could not be done again, so whatever else it turns out to be, the application gets it from the
beginning and answers as it always does. The checks are the same code (`ingest.calls`).
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import NamedTuple, Protocol

from ingest.edge import Edge
from ingest.endpoints import Answers, By, Endpoint, Takes
from ingest.keys import Key
from ingest.metrics import Tally
from ingest.usual import JSON, Moment

LARGEST = 65_536  # bytes of a body: above it uvicorn stops reading until the application takes it
KNOWN_HEADS, LONGEST_HEAD = 1_000, 1_024  # kept, and bytes of each
# Of what came on a connection, bytes that may wait for their turn, whoever waits; and how many may wait with more.
SMALL, MANY = 4_096, 256
_REST_OF_LINE = b" HTTP/1.1\r\n"
_SEGMENT = rb"([!$%&'()*+,\-.0-9:;=@A-Z_a-z~]+)"  # of a path that no reader could take for anything else
COLD = (b"content-encoding", b"transfer-encoding")

Headers = Mapping[bytes, bytes]


class Spot(NamedTuple):
    """An endpoint, and what is known of it before anybody comes."""

    endpoint: Endpoint
    names: Sequence[str]  # of the segments of its path
    tally: Tally


class Head:
    """What the parser read of a head, without its first line; and where it was sent to last, by whom, in which turn.

    size: of the body. usual: whether that may be a usual event's.
    """

    __slots__ = ("agent", "headers", "key", "size", "spot", "turn", "usual")

    def __init__(self, headers: Headers, size: int) -> None:
        self.headers = headers
        self.size = size
        self.agent = headers.get(b"user-agent")
        self.usual = headers.get(b"content-type") in JSON and b"idempotency-key" not in headers
        self.key: Key | None = None
        self.spot: Spot | None = None
        self.turn: Turn | None = None


class Turn:
    """Of the loop: the requests that came in it are taken one behind the other, and share what they can.

    began: by `perf_counter`.
    """

    __slots__ = ("began", "moment")

    def __init__(self, at: float) -> None:
        self.began = perf_counter()
        self.moment = Moment(at)


Target = tuple[Spot, Mapping[str, str]]
Known = tuple[Head, Target, bytes]  # and its request's target as it was sent
NAMELESS: Mapping[str, str] = {}
NO_HEAD = Head({}, 0)


class Waiting(Protocol):
    """A connection."""

    transport: asyncio.Transport

    def go_on(self, turn: Turn) -> None:
        """With what came on it, if that was not done before."""


class HotWay:
    """What all connections share."""

    def __init__(self, edge: Edge, endpoints: Iterable[Endpoint]) -> None:
        self.edge = edge
        self.heads: dict[bytes, Head] = {}
        self._whole: dict[bytes, Known] = {}  # with their first line, where nobody is named in it
        self._waiting: list[Waiting] = []
        self._fixed: dict[bytes, Spot] = {}
        self._named: dict[int, Spot] = {}  # by the number of the group that holds their path
        patterns, group = [], 1
        for endpoint in filter(_is_hot, endpoints):
            names = re.findall(r"{(\w+)}", endpoint.path)
            spot = Spot(endpoint, names, edge.metrics.tallies[endpoint.name])
            if not names:
                self._fixed[endpoint.name.encode()] = spot
                continue
            line = re.split(r"{\w+}", endpoint.name)
            patterns.append(b"(%b)" % _SEGMENT.join(re.escape(part).encode() for part in line))
            self._named[group] = spot
            group += 1 + len(names)
        self._match = re.compile(b"|".join(patterns)).fullmatch

    def find(self, asked: bytes) -> Target | None:
        """asked: method and path."""
        fixed = self._fixed.get(asked)
        if fixed is not None:
            return fixed, NAMELESS
        found = self._match(asked)
        if found is None or found.lastindex is None:
            return None
        group = found.lastindex
        spot = self._named[group]
        if len(spot.names) == 1:  # as most have
            return spot, {spot.names[0]: found[group + 1].decode()}
        return spot, {name: found[group + n].decode() for n, name in enumerate(spot.names, 1)}

    def known(self, text: bytes) -> Known | None:
        """text: a head that the parser may have taken before, or all but its first line."""
        whole = self._whole.get(text)
        if whole is not None:
            return whole
        asked, _, rest = text.partition(_REST_OF_LINE)
        head = self.heads.get(rest)
        target = None if head is None else self.find(asked)
        return None if head is None or target is None else (head, target, asked.partition(b" ")[2])

    def learn(self, text: bytes, asked: bytes, head: Head) -> None:
        """A head that the parser took, and what it found in the first line."""
        line, _, rest = text.partition(_REST_OF_LINE)
        if line != asked or len(text) > LONGEST_HEAD:
            return
        if len(self.heads) >= KNOWN_HEADS or len(self._whole) >= KNOWN_HEADS:
            self.heads.clear()
            self._whole.clear()
        head = self.heads.setdefault(rest, head)
        spot = self._fixed.get(asked)
        if spot is not None:
            self._whole[text] = head, (spot, NAMELESS), asked.partition(b" ")[2]

    def soon(self, connection: Waiting) -> None:
        """Something came on it, and its turn is when all have been read: what many have in common is done once, and the
        processor does one thing at a time. It takes a fifth less time than if each were taken as it is read."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._take_all)
        self._waiting.append(connection)

    def may_wait(self, size: int) -> bool:
        """Whether so many bytes more than `SMALL` may: all connections are read before anybody has a turn, and what a
        crowd sends at once is more than there may be in flight."""
        return size <= LARGEST + LONGEST_HEAD and len(self._waiting) < MANY

    def turn(self) -> Turn:
        return Turn(self.edge.now())

    def _take_all(self) -> None:
        waiting, self._waiting, turn = self._waiting, [], self.turn()
        for connection in waiting:
            try:
                connection.go_on(turn)
            except Exception as error:  # noqa: BLE001  a mistake with one must not cost the others their turn
                context = {"message": "a connection failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)
                connection.transport.abort()


def _is_hot(endpoint: Endpoint) -> bool:
    return (
        endpoint.takes not in (Takes.NOTHING, Takes.QUERY)
        and endpoint.by is not By.NOBODY
        and endpoint.answers is not Answers.NO_CONTENT
    )
