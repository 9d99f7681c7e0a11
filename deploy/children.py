"""Child processes that end with their parent: each reads a stdin that only the parent holds open."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import IO

STDIN = 0
BAD_SETTINGS = 2  # the exit code of a process that refused its settings: a restart would not help


def start_child(
    command: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    output: IO[bytes] | None = None,
    inherit: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, where the terminal's Ctrl-C does not reach it.

    `inherit` are file descriptors that stay open in it; without `output` it writes where its parent writes.
    """
    return subprocess.Popen(  # noqa: S603  the command is our own
        command,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        pass_fds=inherit,
        start_new_session=True,
    )


def stop_child(process: subprocess.Popen[bytes], *, within: float) -> int:
    """Ask it to stop, wait, kill it when the time is over. Returns its exit code."""
    process.terminate()
    try:
        code = process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    if process.stdin:
        process.stdin.close()
    return code


def stop_with_parent() -> None:
    """In a child: be asked to stop as soon as stdin ends, that is when the parent is gone, however it went."""
    threading.Thread(target=_terminate_at_end_of_stdin, name="parent-watch", daemon=True).start()


def _terminate_at_end_of_stdin() -> None:
    # Not sys.stdin: its lock, held by this thread, would abort the interpreter's own exit.
    while os.read(STDIN, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
