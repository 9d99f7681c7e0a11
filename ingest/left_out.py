"""A library that another one would load for what we do not ask of it: that is memory of every process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_out(name: str) -> Iterator[None]:
    """What is imported meanwhile does not find it; whoever asks later does."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # not to be found
    try:
        yield
    finally:
        del sys.modules[name]
