"""What happens to a request: authenticate, read, check, append."""

import hashlib
from collections.abc import Mapping, Sequence
from time import perf_counter

from starlette.types import Receive

from ingest import bodies, limits
from ingest.api.beacons import OBJECTS
from ingest.arrivals import Arrival
from ingest.auth import authenticate, authenticate_body, authenticate_write_key, key_if_known
from ingest.edge import Edge
from ingest.encodings import unpacked
from ingest.endpoints import Answers, By, Endpoint, Takes
from ingest.errors import ApiError, BadRequest, Forbidden, Problem, UnknownWorkspace
from ingest.ids import new_id
from ingest.intake import Lease, read_body
from ingest.keys import Key
from ingest.made import Made, Refused, RefusedButKept
from ingest.rejections import FORGIVEN, excerpt
from schemas import failpoints
from schemas.messages import Context, Message

Headers = Mapping[bytes, bytes]
Path = Mapping[str, str]
_NO_QUOTA: Mapping[str, str] = {}
_STRICT = b"1"  # by the contract any other value is none
# A member is looked up in its enum by way of a descriptor, each time: all requests come by here.
_BASIC, _NO_KEY, _SITE_ID = By.BASIC, By.NOBODY, By.SITE_ID
_NOTHING, _TEXT, _QUERY = Takes.NOTHING, Takes.TEXT, Takes.QUERY
_ITEMS, _LENIENT = Answers.ITEMS, Answers.LENIENT
_KEY_IN = {By.WRITE_KEY: "writeKey", _SITE_ID: "site_id"}
_NOBODY = ""  # whose rate calls without a key have, all together: no workspace is called that


class Call:
    """One request, whichever way it came in.

    path: what the path names, still encoded. query: what stands behind its `?`. client: the address. context: that of
    an earlier request like this one.
    quota: the headers that tell what is left of the workspace's rate.
    told: items that were not taken, of which the client is told.
    """

    # What most requests leave as it is.
    quota = _NO_QUOTA
    told: Sequence[Refused] = ()
    _workspace = _bucket = ""
    _excerpt = b""
    _refusal: BadRequest | None = None
    _key: Key | None = None
    _pays = True

    def __init__(
        self,
        edge: Edge,
        endpoint: Endpoint,
        headers: Headers,
        path: Path,
        query: str = "",
        client: str = "",
        context: Context | None = None,
    ) -> None:
        self._edge = edge
        self._endpoint = endpoint
        self._headers = headers
        self._path = path
        self._query = query
        self._client = client
        self._context = context
        self._lenient = endpoint.answers is _LENIENT and headers.get(b"x-strict-mode") != _STRICT

    async def take(self, receive: Receive) -> None:
        """Return once what the request says is on the log. Raises an `ApiError`, or `ClientDisconnect`."""
        edge = self._edge
        key = self._key_of_header()
        with edge.budget.lease() as lease:
            raw = await read_body(receive, self._headers, self._endpoint.limit, lease)
            edge.metrics.body_bytes += len(raw)
            messages = self._said(key, raw, lease)
            # A parsed body may be many times its size, and so may a message: only what is encoded may wait for the log.
            del raw
            failpoints.reach("edge.before-append")
            if messages:
                began = perf_counter()
                appended = edge.log.append(messages)
                del messages
                await appended
                edge.metrics.appends.add(perf_counter() - began)
            failpoints.reach("edge.before-answer")
        if self._refusal is not None:
            raise self._refusal

    def admit(self) -> Key | None:
        """For whoever has a head, and will call `at_once`: whose it is, None if the body has to tell. Raises an
        `ApiError`; nothing has happened that `take` could not do again, and until `charge` nothing will."""
        self._pays = False
        self._key = self._key_of_header()
        return self._key

    def at_once(self, raw: bytes, lease: Lease) -> Sequence[Message]:
        """What goes to the log for a whole body if 200 is all there is to say then, else nothing. Raises an
        `ApiError`."""
        made = self._made(self._key, raw, lease)
        return () if made.refused else self._weighed(made.messages, lease)

    def charge(self) -> None:
        """The token of a request. Raises `TooManyRequests`."""
        if self._edge.rates is not None:
            self.quota = self._edge.rates.take(self._bucket)

    def forgives(self, refusal: ApiError) -> bool:
        """Whether the client expects 200 all the same."""
        return isinstance(refusal, UnknownWorkspace) or (self._lenient and refusal.status in FORGIVEN)

    def rejected(self, refusal: ApiError) -> Sequence[Message]:
        """What goes to the log in place of a request that is forgiven; nothing if there were too many of them."""
        if isinstance(refusal, Forbidden):
            self._workspace = self._workspace or refusal.workspace
        return self._rejections([Refused(None, refusal, self._excerpt)])

    def _key_of_header(self) -> Key | None:
        """None if the body has to tell. Raises `Unauthorized`, `Forbidden`, `UnknownWorkspace`, `TooManyRequests`."""
        header, keys, endpoint = self._headers.get(b"authorization"), self._edge.keys, self._endpoint
        if endpoint.by is _BASIC:
            return self._known(authenticate(header, keys, endpoint.roles))
        if endpoint.by is _NO_KEY:
            return self._known(key_if_known(header, keys, endpoint.roles))
        if endpoint.by is _SITE_ID:
            return None  # a header is for the site that the page is on: a browser sends it to all of an origin
        return self._known(authenticate_write_key(header, keys, endpoint.roles)) if header else None

    def _known(self, key: Key) -> Key:
        self._workspace = key.workspace
        if self._edge.rates is not None:
            # Whoever has no key must not use up what the workspace's own calls may take.
            self._bucket = key.workspace if key.id else _NOBODY
            if self._pays:
                self.charge()
            else:
                self._edge.rates.look(self._bucket)
        return key

    def _said(self, key: Key | None, raw: bytes, lease: Lease) -> Sequence[Message]:
        """What goes to the log. Raises `BadRequest`, and whatever else is wrong with a body or its key."""
        try:
            made = self._made(key, raw, lease)
        except RefusedButKept as refusal:
            self._refusal = BadRequest(*refusal.problems)
            return refusal.kept
        return self._weighed(self._with_rejections(made) if made.refused else made.messages, lease)

    def _made(self, key: Key | None, raw: bytes, lease: Lease) -> Made:
        endpoint = self._endpoint
        text, body = b"", bodies.EMPTY
        if endpoint.takes is _QUERY:
            text = self._query.encode("latin-1")
            lease.take(len(text))
            body = bodies.of_form(text, OBJECTS)
        elif endpoint.takes is not _NOTHING:
            text = self._unpacked(raw, lease)
            content_type = self._headers.get(b"content-type", b"").decode("latin-1")
            body = bodies.parse(text, content_type, plain=endpoint.takes is _TEXT)
        if key is None:
            key = self._known(authenticate_body(body.values.get(_KEY_IN[endpoint.by]), self._edge.keys))
        return endpoint.make(self.arrival(key, text, self._edge.now()), self._path, body)

    @staticmethod
    def _weighed(messages: Sequence[Message], lease: Lease) -> Sequence[Message]:
        if len(messages) > 1:
            lease.take(len(messages) * limits.MESSAGE)
        return messages

    def _unpacked(self, raw: bytes, lease: Lease) -> bytes:
        text, encoding = raw, self._headers.get(b"content-encoding")
        if encoding is not None and raw:
            text = unpacked(raw, encoding, self._endpoint.limit)
            if text is not raw:
                lease.take(len(text))
        if self._lenient:
            self._excerpt = excerpt(text)
        return text

    def _with_rejections(self, made: Made) -> Sequence[Message]:
        """Of what was refused the client is told, or a row tells whoever looks for it."""
        strict = self._endpoint.answers is _LENIENT and not self._lenient
        if strict and not made.messages:
            raise BadRequest(*(_in_batch(refused, problem) for refused in made.refused for problem in refused.problems))
        if strict or self._endpoint.answers is _ITEMS:
            # Made anew: an exception that was raised holds the body.
            self.told = [Refused(refused.number, BadRequest(*refused.problems)) for refused in made.refused]
            return made.messages
        return [*made.messages, *self._rejections(made.refused)]

    def _rejections(self, refused: Sequence[Refused]) -> Sequence[Message]:
        at = self._edge.now()
        arrival = Arrival(self._workspace, at, new_id(at), self.context(), "server")
        found = (self._edge.rejections.message(arrival, each) for each in refused)
        return [message for message in found if message is not None]

    def arrival(self, key: Key, text: bytes, at: float) -> Arrival:
        """text: the body, unpacked. at: s since 1970."""
        idempotency_key, fingerprint = "", ""
        sent = self._headers.get(b"idempotency-key")
        if sent is not None:
            idempotency_key = _idempotency_key(sent)
            # Not of what was sent: the same body, packed again, has another time in its head.
            fingerprint = hashlib.blake2b(text, digest_size=8).hexdigest()
        return Arrival(
            key.workspace, at, new_id(at), self.context(), key.role, idempotency_key, fingerprint, self._query
        )

    def context(self) -> Context:
        """Where it comes from. `HotCycle` knows what it is made of, and keeps it as long as that is the same."""
        if self._context is None:
            user_agent = self._headers.get(b"user-agent", b"")[: limits.USER_AGENT].decode("latin-1")
            self._context = Context(self._endpoint.name, self._client, user_agent)
        return self._context


def _in_batch(refused: Refused, problem: Problem) -> Problem:
    """For an answer that has one list for all of a batch."""
    return problem._replace(message=f"item {refused.number}: {problem.message}")


def _idempotency_key(sent: bytes) -> str:
    """Raises `BadRequest`: a client that sends one relies on it."""
    try:
        key = sent.decode().strip()
    except UnicodeDecodeError:
        raise BadRequest("Idempotency-Key is not valid UTF-8") from None
    if not 0 < len(key.encode()) <= limits.EVENT_ID:
        raise BadRequest(f"Idempotency-Key must have 1 to {limits.EVENT_ID} bytes")
    return key
