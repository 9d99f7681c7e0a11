"""The certificate of the edge, taken anew from its files whenever they change.

A handshake gets the newest pair that was whole; connections that are open keep theirs. A renewal that is broken, or
half written, changes nothing and is tried again at the next look.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from schemas.settings import BadSettings

EVERY = 2.0  # s between two looks at the files

log = structlog.get_logger()

Marks = tuple[tuple[int, int, int], ...]


class Certificate:
    """Raises `BadSettings` for a pair that cannot be used at the start."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert, self._key = cert, key
        self._marks: Marks | None = None
        self._asked = asyncio.Event()
        try:
            self._marks = self._look()
            self._current = self._load()
        except OSError as error:  # which an SSLError is, too
            raise BadSettings(f"PENSTOCK_TLS_CERT, PENSTOCK_TLS_KEY: {self._told(error)}.") from None
        self.context = self._load()
        self.context.sni_callback = self._give_newest

    def ask(self) -> None:
        """Look at once, and load whether or not the files changed."""
        self._marks = None
        self._asked.set()

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), EVERY)
            self._asked.clear()
            self._renew()

    def _renew(self) -> None:
        try:
            marks = self._look()
            if marks == self._marks:
                return
            self._marks = marks  # a pair that cannot be used is complained of once
            self._current = self._load()
        except OSError as error:
            log.error("certificate_not_renewed", reason=self._told(error), kept="the one before")
        else:
            log.info("certificate_renewed", file=str(self._cert))

    def _give_newest(self, handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        handshake.context = self._current

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.load_cert_chain(self._cert, self._key, password=_no_password)
        return context

    def _look(self) -> Marks:
        return tuple((info.st_ino, info.st_size, info.st_mtime_ns) for info in (self._cert.stat(), self._key.stat()))

    def _told(self, error: OSError) -> str:
        if not isinstance(error, ssl.SSLError):
            return f"{error.filename or f'{self._cert}, {self._key}'}: {error.strerror}"
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"{self._key} is not the key of {self._cert}"
        return f"{self._cert} or {self._key} is not in PEM or not whole ({error.reason or 'unreadable'})"


def _no_password() -> str:
    # Else OpenSSL would ask for one on the terminal.
    raise ssl.SSLError("the key is encrypted")
