"""What a connection waits for."""

from enum import Enum


class Stage(Enum):
    """`NOTHING`: it reads no more; `GONE`: it was closed and has to send the rest."""

    REQUEST, HEAD, BODY, NOTHING, GONE = range(5)


# A member is looked up in its enum by way of a descriptor, each time.
REQUEST, HEAD, BODY, NOTHING, GONE = Stage
