"""What a request can be refused with: a closed list, turned into an answer in one place (`ingest.answers`).

`reason` is how metrics and log lines call it.

No HTTP library is imported here, so that the log modules can raise these too.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, NamedTuple


class ApiError(Exception):
    """A refusal. The client reads every message; none may hold a key, a body or a traceback."""

    status: ClassVar[int]
    reason: str
    headers: Mapping[str, str] = {}

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages


class Problem(NamedTuple):
    """One thing that is wrong with a body. field: its path, `attributes.plan`. reason: `invalid` or `required`."""

    message: str
    field: str = ""
    reason: str = "invalid"


class BadRequest(ApiError):
    """What was sent breaks the contract; sending it again will not help. Says everything that is wrong at once."""

    status = 400
    reason = "bad_request"

    def __init__(self, *problems: str | Problem) -> None:
        self.problems = [Problem(problem) if isinstance(problem, str) else problem for problem in problems]
        super().__init__(*(problem.message for problem in self.problems))


class UnknownMetric(BadRequest):
    """A metric of a delivery that the contract does not name. It has 200 for it all the same."""

    reason = "unknown_metric"


class Malformed(ApiError):
    """No HTTP, or HTTP that two readers could understand in two ways. The connection ends with the answer."""

    status = 400
    reason = "malformed"


class Unauthorized(ApiError):
    """No credentials, or none that we know."""

    status = 401
    reason = "unauthorized"
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Basic realm="penstock"'}

    def __init__(self) -> None:
        super().__init__("Unauthorized request")


class Forbidden(ApiError):
    """A key that we know, without the right to this call. workspace: whose key, as far as who raised it knows."""

    status = 403
    reason = "forbidden"
    workspace = ""


class HttpsRequired(Forbidden):
    """Plain HTTP to an edge that others can reach."""

    reason = "plain_http"

    def __init__(self) -> None:
        super().__init__("use https: keys and customers' data must not travel in the clear")


class UnknownWorkspace(ApiError):
    """A call that needs no key, and nobody can tell whose it is. The contract has 200 for it all the same."""

    status = 403
    reason = "unknown_workspace"

    def __init__(self) -> None:
        super().__init__("send this call with a key: there are several workspaces here")


class NotFound(ApiError):
    """There is no such path."""

    status = 404
    reason = "not_found"

    def __init__(self) -> None:
        super().__init__("no such path")


class MethodNotAllowed(ApiError):
    """The path is known, and takes other methods."""

    status = 405
    reason = "method"

    def __init__(self, allowed: Iterable[str]) -> None:
        methods = ", ".join(sorted(allowed))
        super().__init__(f"this path takes {methods}")
        self.headers = {"Allow": methods}


class TooSlow(ApiError):
    """The request did not arrive in time."""

    status = 408
    reason = "too_slow"


class TooLarge(ApiError):
    """Over the limit of its endpoint, or more than the log can ever hold in one message.

    Never with `Retry-After`: the official Python client would send the same body three times more.
    """

    status = 413
    reason = "too_large"


class UnsupportedMedia(ApiError):
    """A content type or an encoding that the endpoint does not read."""

    status = 415
    reason = "unsupported"


class UnsupportedEncoding(UnsupportedMedia):
    """The answer says which are read, as RFC 9110 has it."""

    headers: Mapping[str, str] = {"Accept-Encoding": "gzip, deflate, zstd"}

    def __init__(self) -> None:
        super().__init__("send the body as it is, or in one of these encodings: gzip, deflate, zstd")


class TooManyRequests(ApiError):
    """Over the rate of its workspace. The official Python client tries again only if it is told when."""

    status = 429
    reason = "rate"

    def __init__(self, message: str, quota: Mapping[str, str]) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": "1", **quota}


class HeadersTooLarge(ApiError):
    """More or longer headers than the edge reads."""

    status = 431
    reason = "headers_too_large"


class Unavailable(ApiError):
    """The log did not confirm the write in time, or there is no room. The client waits, then sends again."""

    status = 503
    reason = "log"
    headers: Mapping[str, str] = {"Retry-After": "1"}


class Overloaded(Unavailable):
    """The edge itself has no room: it holds as much as it may."""

    reason = "overloaded"


class Failed(ApiError):
    """Our mistake: the client learns nothing but the request's id, under which our log tells more."""

    status = 500
    reason = "internal"

    def __init__(self) -> None:
        super().__init__("internal error")


class VersionNotSupported(ApiError):
    """Neither HTTP/1.0 nor HTTP/1.1."""

    status = 505
    reason = "version"

    def __init__(self) -> None:
        super().__init__("use HTTP/1.1")
