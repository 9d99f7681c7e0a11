"""What a request can be refused with: a closed list, turned into an answer in one place (`ingest.answers`).

No HTTP library is imported here, so that the log modules can raise these too.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar


class ApiError(Exception):
    """A refusal. The client reads every message; none may hold a key, a body or a traceback."""

    status: ClassVar[int]
    headers: Mapping[str, str] = {}

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages


class BadRequest(ApiError):
    """What was sent breaks the contract; sending it again will not help. Says everything that is wrong at once."""

    status = 400


class Unauthorized(ApiError):
    """No credentials, or none that we know."""

    status = 401
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Basic realm="penstock"'}

    def __init__(self) -> None:
        super().__init__("Unauthorized request")


class NotFound(ApiError):
    """There is no such path."""

    status = 404

    def __init__(self) -> None:
        super().__init__("no such path")


class MethodNotAllowed(ApiError):
    """The path is known, and takes other methods."""

    status = 405

    def __init__(self, allowed: Iterable[str]) -> None:
        methods = ", ".join(sorted(allowed))
        super().__init__(f"this path takes {methods}")
        self.headers = {"Allow": methods}


class TooLarge(ApiError):
    """Over the limit of its endpoint, or more than the log can ever hold in one message.

    Never with `Retry-After`: the official Python client would send the same body three times more.
    """

    status = 413


class UnsupportedMedia(ApiError):
    """A content type or an encoding that the endpoint does not read."""

    status = 415


class Unavailable(ApiError):
    """The log did not confirm the write in time, or there is no room. The client waits, then sends again."""

    status = 503
    headers: Mapping[str, str] = {"Retry-After": "1"}
