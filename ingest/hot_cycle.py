"""One request on its way to the log and back, without a scope, a task or a future of its own: see `ingest.hot`."""

from collections.abc import Sequence
from time import perf_counter
from typing import Protocol

from ingest import limits
from ingest.answers import ACCEPTED, Rendered, accepted
from ingest.arrivals import Arrival
from ingest.calls import Call
from ingest.errors import ApiError, Unavailable
from ingest.hot import NAMELESS, NO_HEAD, Head, HotWay, Spot, Target, Turn
from ingest.keys import Key
from ingest.refusals import request_id
from ingest.usual import Client, Moment
from schemas import failpoints
from schemas.messages import Context, Message, Written


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
        self._done = self._settled
        self.message_event = self
        self.spot: Spot
        self.path = NAMELESS
        self.head, self.client = NO_HEAD, ""
        self._key: Key | None = None
        self._call: Call | None = None
        self._context: Context | None = None
        self._texts: Client | None = None
        self.body = b""
        self.response_complete, self.disconnected, self.keep_alive, self.taken = True, False, True, True

    def begin(self, target: Target, head: Head, client: str) -> bool:
        """With a head; the body comes in pieces. False if it is refused."""
        self._meet(target, head, client)
        try:
            self._key = self._called().admit()
        except ApiError:
            return False
        self._start(perf_counter())
        return True

    def take(self, piece: bytes = b"", *, last: bool) -> bool:
        """More of the body. False if this cannot go on here; then nothing has happened. last: it goes to the log."""
        self.body = self.body + piece if self.body else piece
        if not last:
            return True
        try:
            self._lease.take(len(self.body))
            return self._append(Moment(self._edge.now()), self.body)
        except Exception:  # noqa: BLE001  whatever it is, the application meets it again, and tells
            return False

    def take_whole(self, target: Target, head: Head, client: str, body: bytes, turn: Turn) -> bool:
        """All of a request at once, as `begin` and `take`."""
        spot, path = target
        if head is self.head and spot is self.spot and client == self.client:
            self.path, self._call = path, None
        else:
            self._meet(target, head, client)
        self._start(turn.began)
        try:
            if head.turn is not turn or head.spot is not spot or self._edge.rates is not None:
                head.key, head.turn, head.spot = self._called().admit(), turn, spot
            self._key = head.key
            self._lease.take(len(body))
            return self._append(turn.moment, body)
        except Exception:  # noqa: BLE001  as above
            return False

    def set(self) -> None:
        """Something has changed: the client may have left in the middle of the body."""
        if not self.taken:
            self._lease.give_back()

    def part(self) -> None:
        """The connection is gone. What waits for the log goes on to; nothing here holds itself any more."""
        del self._connection, self._done, self.message_event

    def leave(self) -> bytes:
        """It goes the other way; what came of the body."""
        self.response_complete = True
        self._lease.give_back()
        body, self.body = self.body, b""
        return body

    def _meet(self, target: Target, head: Head, client: str) -> None:
        """Another head than the last one; most differ in the body's length alone."""
        spot, self.path = target
        self._call = None
        if self._context is not None and not (
            spot is self.spot and client == self.client and head.agent == self.head.agent
        ):
            self._context = self._texts = None
        self.spot, self.head, self.client = spot, head, client

    def _start(self, began: float) -> None:
        self.began = began
        self.response_complete = self.disconnected = self.taken = False
        self.keep_alive = True

    def _append(self, moment: Moment, body: bytes) -> bool:
        """To the log. False if there is more to say of it than 200."""
        edge = self._edge
        messages = self._usual(moment, body) or self._unusual(body)
        if not messages:
            return False
        failpoints.reach("edge.before-append")
        self.appended = perf_counter()
        edge.log.append_then(messages, self._done)
        self.taken = True
        edge.metrics.body_bytes += len(body)
        self.body = b""
        if edge.rates is not None:
            self._called().charge()
        return True

    def _usual(self, moment: Moment, body: bytes) -> Sequence[Message | Written]:
        """What the endpoint's `make` would make, with fewer steps; nothing if only that can."""
        make, key, texts = self.spot.endpoint.usual, self._key, self._texts
        if make is None or key is None or not self.head.usual:
            return ()
        if texts is None or texts.workspace != key.workspace:
            texts = self._texts = Client(key.workspace, self._known_context())
        messages = make(texts, moment, self.path, body, self._arrival)
        if len(messages) > 1:
            self._lease.take(len(messages) * limits.MESSAGE)
        return messages

    def _unusual(self, body: bytes) -> Sequence[Message]:
        if self._call is None:
            self._called().admit()
        return self._called().at_once(body, self._lease)

    def _arrival(self, at: float) -> Arrival:
        assert self._key is not None  # noqa: S101  what is usual has a key
        return self._called().arrival(self._key, b"", at)

    def _called(self) -> Call:
        if self._call is None:
            headers, endpoint = self.head.headers, self.spot.endpoint
            self._call = Call(self._edge, endpoint, headers, self.path, "", self.client, self._context)
        return self._call

    def _known_context(self) -> Context:
        if self._context is None:
            self._context = self._called().context()
        return self._context

    def _settled(self, failure: str) -> None:
        """The log's word."""
        edge, now = self._edge, perf_counter()
        if failure:
            number, endpoint = request_id(self.head.headers.get(b"x-request-id")), self.spot.endpoint
            words = edge.refusals.refuse(Unavailable(failure), endpoint.path, number, endpoint.name, self.client)
        else:
            words = accepted(self._call.quota) if self._call is not None else ACCEPTED
            edge.metrics.appends.add(now - self.appended)
            failpoints.reach("edge.before-answer")
        self._lease.give_back()
        if not self.disconnected:
            self._connection.answer(self, words)
        self.spot.tally.answered(words.status, now - self.began)
