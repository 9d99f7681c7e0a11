"""Linux's Landlock: lets a process give up reading files outside the folders it names, for good.

Needed because the embedded ClickHouse believes itself to be a local tool, where the SQL function `file()`
may read whatever the process may; on a server it is confined to one folder, and so it shall be here.
https://docs.kernel.org/userspace-api/landlock.html
"""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

# The numbers of the system calls are the same on every architecture since Landlock came (Linux 5.13).
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG = 1
PATH_BENEATH = 1
READ_FILE = 1 << 2
REFER = 1 << 13  # a rename or link from one folder to another: refused unless granted, so it has to be handled
PR_SET_NO_NEW_PRIVS = 38


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def available() -> bool:
    """Whether this kernel has it, with `REFER` (Linux 5.19)."""
    if sys.platform != "linux":
        return False
    version: int = _libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG)
    return version >= 2


def confine_reading(readable: Iterable[Path], *, writable: Path) -> None:
    """From now on this thread, and all it starts, reads files only beneath these paths. Raises `OSError`.

    What does not exist is passed over. Call it before there are other threads: they would stay free.
    """
    rules = _checked(_libc().syscall(CREATE_RULESET, ctypes.byref(_Ruleset(READ_FILE | REFER)), ctypes.c_size_t(8), 0))
    try:
        for path in readable:
            with contextlib.suppress(FileNotFoundError):
                _allow(rules, path, READ_FILE)
        _allow(rules, writable, READ_FILE | REFER)
        _checked(_libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_libc().syscall(RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, access: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(access, parent)
        _checked(_libc().syscall(ADD_RULE, rules, PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(parent)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
