"""The embedded ClickHouse process: opens ClickHouse's own HTTP (and TCP) servers out of the `chdb-core` wheel.

Run as `python -m deploy.clickhouse_server FOLDER --http-port N`. It lives until SIGTERM, or until its stdin
ends, so that it never outlives whoever started it. This file alone knows the way in, which nobody documents:
`tests/test_deploy_clickhouse.py` says what broke when the pinned version moves.
"""

import argparse
import ctypes
import importlib.util
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import ModuleType

from deploy import landlock

RTLD_DEEPBIND = 0x8  # chdb's own loader sets it too: the engine must not pick up another allocator's symbols
CONFIG_FOLDER = "config"
STORE_FOLDER = "store"


def main() -> int:
    """Serve until told to stop. 0 after an orderly stop, 1 when the server ended by itself."""
    parser = argparse.ArgumentParser(prog="python -m deploy.clickhouse_server")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--tcp-port", type=int)
    options = parser.parse_args()
    return serve(options.folder.resolve(), with_tcp=options.tcp_port is not None)


def serve(folder: Path, *, with_tcp: bool) -> int:
    """Run the server in a thread, so that the main thread is free to hear signals and the end of stdin."""
    os.umask(0o077)
    ended, end = os.pipe()
    _listen_for_signals(end)
    if landlock.available():
        landlock.confine_reading(_readable(folder), writable=folder / STORE_FOLDER)
    engine = _load_engine(folder / CONFIG_FOLDER)
    gate, keep_open = os.pipe()
    script = _script(gate, with_tcp=with_tcp)
    failures: list[str] = []
    server = threading.Thread(target=_run, args=(engine, script, folder / STORE_FOLDER, failures, end))
    server.start()
    select.select([sys.stdin, ended], [], [])
    os.close(keep_open)  # the script's last SELECT comes to its end, and with it the listeners
    server.join()
    for failure in failures:
        sys.stderr.write(failure + "\n")
    return 1 if failures else 0


def _listen_for_signals(end: int) -> None:
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end)
    signal.signal(signal.SIGTERM, lambda *_: None)  # the wake-up byte is what counts
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides


def _readable(folder: Path) -> Iterator[Path]:
    """What the server needs to read, and so all that the SQL function `file()` can show: no keys, no passwords.

    Of /proc its own process and the machine's figures, but no other process: their environments hold secrets.
    """
    yield folder / CONFIG_FOLDER  # passwords stand there as hashes
    yield from (Path(sys.prefix), Path(sys.base_prefix), Path("/usr"), Path("/lib"), Path("/lib64"))
    yield from (Path("/sys"), Path("/dev"), Path("/proc/self"), Path("/proc/sys"))
    yield from (Path("/proc") / name for name in ("cpuinfo", "loadavg", "meminfo", "stat", "uptime", "version"))
    yield from (Path("/etc") / name for name in ("hosts", "localtime", "nsswitch.conf", "resolv.conf", "timezone"))


def _script(gate: int, *, with_tcp: bool) -> str:
    """Listeners live as long as the script that opened them, so its last statement reads a pipe that stays open."""
    listen = ["SYSTEM START LISTEN HTTP", *(["SYSTEM START LISTEN TCP"] if with_tcp else [])]
    return "; ".join([*listen, f"SELECT * FROM file('/dev/fd/{gate}', 'LineAsString') FORMAT Null"])  # noqa: S608


def _run(engine: ModuleType, script: str, store: Path, failures: list[str], end: int) -> None:
    try:
        engine.query(script, "TSV", path=str(store))
    except RuntimeError as error:
        failures.append(str(error))
    os.write(end, b"\0")


def _load_engine(config: Path) -> ModuleType:
    """The extension module `_chdb`, with `config` as working directory: there it looks for config.xml.

    `import chdb` would start another engine in this process, so the shared object is loaded from its file.
    """
    package = importlib.util.find_spec("chdb")
    if package is None or package.origin is None:
        raise SystemExit("The package chdb-core is not installed.")
    library = Path(package.origin).parent / "_chdb.abi3.so"
    os.chdir(library.parent)  # it finds its companion libraries from here
    ctypes.CDLL(str(library), mode=sys.getdlopenflags() | RTLD_DEEPBIND)
    os.chdir(config)
    loader = ExtensionFileLoader("_chdb", str(library))
    spec = importlib.util.spec_from_loader("_chdb", loader, origin=str(library))
    if spec is None:
        raise SystemExit(f"{library} is no extension module.")
    engine = importlib.util.module_from_spec(spec)
    loader.exec_module(engine)
    engine.set_signal_handlers_enabled(0)
    return engine


if __name__ == "__main__":
    sys.exit(main())
