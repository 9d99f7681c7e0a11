"""Whether the disk under the embedded log has room."""

import os
from collections.abc import Callable
from pathlib import Path

LEAST_FREE = 64 * 1024 * 1024
LASTS = 1.0  # s that an answer holds: anybody may ask, as often as they like


class Disk:
    """clock: s, never going back."""

    def __init__(self, folder: Path, clock: Callable[[], float], least_free: int = LEAST_FREE) -> None:
        self._folder = folder
        self._clock = clock
        self._least_free = least_free
        self._asked_at = -LASTS
        self._full = False

    def full(self) -> bool:
        """Whether less is free than the log soon needs. A folder that is not there is the log's to complain of."""
        now = self._clock()
        if now >= self._asked_at + LASTS:
            self._asked_at, self._full = now, self._has_too_little()
        return self._full

    def _has_too_little(self) -> bool:
        try:
            found = os.statvfs(self._folder)
        except OSError:
            return False
        return found.f_bavail * found.f_frsize < self._least_free
