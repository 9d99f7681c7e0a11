"""What the edge itself knows of a request, handed to the functions that make messages: they read no clock."""

import msgspec

from schemas.messages import Context


class Arrival(msgspec.Struct, frozen=True):
    """workspace: whose key it came with. at: s since 1970. id: of the message, if the client gave it none."""

    workspace: str
    at: float
    id: str
    context: Context
