"""Named points at which a test lets a process kill itself: `PENSTOCK_FAILPOINT=worker.inserted`, or `worker.inserted:3`
for the third time it gets there. Nothing happens, and nothing is paid but a call, while none is named."""

import os
import signal

_armed: dict[str, int] = {}


def arm(spec: str) -> None:
    """`name` or `name:count`; empty for none."""
    _armed.clear()
    if spec:
        name, _, count = spec.partition(":")
        _armed[name] = int(count or 1)


def reach(name: str) -> None:
    """SIGKILL, as if the power had gone, if this is where it was told to."""
    if not _armed or name not in _armed:
        return
    _armed[name] -= 1
    if _armed[name] == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def armed(name: str) -> bool:
    """Whether a test waits for this one: to do something in two halves that is one otherwise."""
    return name in _armed
