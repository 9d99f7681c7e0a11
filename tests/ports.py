"""Ports of which no two tests get the same."""

import itertools
import os
import random
import socket

# Below those that the system gives to whoever connects or asks for any: between the choice of a port and its use, or
# while the server on it is away, it would give it to somebody else.
FIRST, SIZE, WORKERS = 12_000, 2_500, 8

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
_next = itertools.count(random.randrange(SIZE))  # not from the first on: another run may be under way


def free_port(several: int = 1) -> int:
    """The first of several, on which nobody listens, and which this run gives to nobody else."""
    while True:
        ports = [FIRST + _worker * SIZE + next(_next) % SIZE for _ in range(several)]
        if ports[-1] - ports[0] == several - 1 and all(map(_is_free, ports)):
            return ports[0]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
