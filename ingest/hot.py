"""The hot way: what is for the log is answered by the protocol itself, without a scope, a task or a future of its own.

A request goes this way while everything about it is usual: a path that takes messages, a plain body of known and modest
length, nothing else open on its connection, and nothing to say but 200. Until the log has taken its messages nothing
has happened that could not be done again, so whatever else it turns out to be, the application gets it from the
beginning and answers as it always does. The checks are the same code (`ingest.calls`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import NamedTuple, Protocol

from ingest.answers import ACCEPTED, Rendered, accepted
from ingest.calls import Call
from ingest.edge import Edge
from ingest.endpoints import Answers, By, Endpoint, Takes
from ingest.errors import ApiError, Unavailable
from ingest.metrics import Tally
from ingest.refusals import request_id
from ingest.usual import Client
from schemas import failpoints
from schemas.messages import Context

LARGEST = 65_536  # bytes of a body: above it uvicorn stops reading until the application takes it
KNOWN_HEADS, LONGEST_HEAD = 1_000, 1_024  # kept, and bytes of each
_SEGMENT = rb"([!$%&'()*+,\-.0-9:;=@A-Z_a-z~]+)"  # of a path that no reader could take for anything else
_AGENT = b"user-agent"
COLD = (b"content-encoding", b"transfer-encoding")

Headers = Mapping[bytes, bytes]


class Spot(NamedTuple):
    """An endpoint, and what is known of it before anybody comes."""

    endpoint: Endpoint
    names: Sequence[str]  # of the segments of its path
    tally: Tally


Target = tuple[Spot, Mapping[str, str]]
_NAMELESS: Mapping[str, str] = {}
_NO_HEADERS: Headers = {}


class HotWay:
    """What all connections share."""

    def __init__(self, edge: Edge, endpoints: Iterable[Endpoint]) -> None:
        self.edge = edge
        self.heads: dict[bytes, tuple[Headers, int]] = {}  # with the length of the body
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
            return fixed, _NAMELESS
        found = self._match(asked)
        if found is None or found.lastindex is None:
            return None
        group = found.lastindex
        spot = self._named[group]
        if len(spot.names) == 1:  # as most have
            return spot, {spot.names[0]: found[group + 1].decode()}
        return spot, {name: found[group + n].decode() for n, name in enumerate(spot.names, 1)}

    def learn(self, head: bytes, headers: Headers, size: int) -> None:
        """A head without its first line, and what the parser read of it."""
        if len(head) > LONGEST_HEAD:
            return
        if len(self.heads) >= KNOWN_HEADS:
            self.heads.clear()
        self.heads[head] = headers, size


class Answering(Protocol):
    """A connection."""

    def answer(self, cycle: "HotCycle", words: Rendered) -> None: ...


class HotCycle:
    """Stands where uvicorn's cycle does while a request goes the hot way. Of one connection, and used again."""

    response_started = False

    def __init__(self, way: HotWay, connection: Answering) -> None:
        self._edge = way.edge
        self._connection = connection
        self._lease = way.edge.budget.lease()
        self.message_event = self
        self.spot: Spot
        self.headers, self.client = _NO_HEADERS, ""
        self.context: Context | None = None
        self.texts: Client | None = None
        self.response_complete, self.disconnected, self.keep_alive, self.taken = True, False, True, True

    def begin(self, target: Target, headers: Headers, size: int, client: str) -> bool:
        """With a head. False if it is refused."""
        spot, path = target
        if headers is not self.headers or spot is not self.spot or client != self.client:
            self._meet(spot, headers, client)
        call = Call(self._edge, spot.endpoint, headers, path, "", client, self.context)
        try:
            call.admit()
        except ApiError:
            return False
        call.texts = self.texts
        self.call = call
        self.response_complete = self.disconnected = self.taken = False
        self.keep_alive = True
        self.began = perf_counter()
        self.size = size
        self.body = b""
        return True

    def _meet(self, spot: Spot, headers: Headers, client: str) -> None:
        """Another head than the last one. Most differ in the body's length alone."""
        if self.context is not None and not (
            spot is self.spot and client == self.client and headers.get(_AGENT) == self.headers.get(_AGENT)
        ):
            self.context = self.texts = None
        self.spot, self.headers, self.client = spot, headers, client

    def set(self) -> None:
        """Something has changed: the client may have left in the middle of the body."""
        if not self.taken:
            self._lease.give_back()

    def take(self, piece: bytes = b"", *, last: bool) -> bool:
        """More of the body. False if this cannot go on here; then nothing has happened. last: it goes to the log."""
        edge = self._edge
        self.body = self.body + piece if self.body else piece
        try:
            self._lease.take(len(piece))
            if last:
                messages = self.call.at_once(self.body, self._lease)
                if not messages:
                    return False
                self.context, self.texts = self.context or self.call.context(), self.call.texts
                failpoints.reach("edge.before-append")
                self.appended = perf_counter()
                edge.log.append_then(messages, self._settled)
        except Exception:  # noqa: BLE001  whatever it is, the application meets it again, and tells
            return False
        if last:
            self.taken = True
            edge.metrics.body_bytes += len(self.body)
            self.body = b""
            if edge.rates is not None:
                self.call.charge()
        return True

    def leave(self) -> bytes:
        """It goes the other way; what came of the body."""
        self.response_complete = True
        self._lease.give_back()
        return self.body

    def _settled(self, failure: str) -> None:
        """The log's word."""
        edge, now = self._edge, perf_counter()
        if failure:
            number, endpoint = request_id(self.headers.get(b"x-request-id")), self.spot.endpoint
            words = edge.refusals.refuse(Unavailable(failure), endpoint.path, number, endpoint.name, self.client)
        else:
            words = accepted(self.call.quota) if self.call.quota else ACCEPTED
            edge.metrics.appends.add(now - self.appended)
            failpoints.reach("edge.before-answer")
        self._lease.give_back()
        if not self.disconnected:
            self._connection.answer(self, words)
        self.spot.tally.answered(words.status, now - self.began)


def _is_hot(endpoint: Endpoint) -> bool:
    return (
        endpoint.takes is not Takes.NOTHING
        and endpoint.by is not By.NOBODY
        and endpoint.answers is not Answers.NO_CONTENT
    )
