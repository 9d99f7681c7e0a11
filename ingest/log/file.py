"""A SQLite file of records: the embedded log, or an edge's spool. Everything here blocks, and is for one thread.

After an error the connection is closed, and the next transaction opens another: a disk that was full, or a lock that
somebody held, is got over without a restart.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from itertools import chain
from pathlib import Path

from schemas.settings import BadSettings

APPLICATION_ID = 1349415796
LAYOUT = 1

Batch = list[tuple[bytes, bytes]]
# Of so many rows each. With one statement a row, as `executemany` has it, the thread gives up the interpreter for every
# row and waits for it again while the loop is busy: a transaction of 800 then takes seconds.
_INSERTS = [
    (rows, f"INSERT INTO records (at, key, value) VALUES {', '.join(['(?1, ?, ?)'] * rows)}")  # noqa: S608  our own words
    for rows in (1024, 256, 64, 16, 4, 1)
]


class LogFile:
    """setting: which names the folder, for whoever has to mend it. timeout: s to wait for somebody else's lock.

    largest: bytes that the file may grow to, beside its journal of 16 MiB; 0 for no bound. A transaction that needs
        more fails, as on a full disk.
    """

    def __init__(self, path: Path, *, setting: str, timeout: float, largest: int = 0) -> None:
        self.path = path
        self.setting = setting
        self._timeout = timeout
        self._largest = largest
        self._connection: sqlite3.Connection | None = None
        self._opened = 0  # the number of the file, which another of that name does not have

    def open(self) -> sqlite3.Connection:
        """The file is made if it is missing. Raises `BadSettings` if it is not ours, `sqlite3.Error`, `OSError`."""
        if self._connection is None:
            connection = sqlite3.connect(
                self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(connection)
            except BaseException:  # whatever it was: nobody else knows of this connection yet
                connection.close()
                raise
            self._connection, self._opened = connection, self.path.stat().st_ino
        return self._connection

    def check_name(self) -> None:
        """Raises `OSError` if what is open was removed or moved: whoever opens it by its name finds nothing of it."""
        if self.path.stat().st_ino != self._opened:
            raise FileExistsError(f"another file was put in the place of {self.path}")

    def close(self) -> None:
        """Whatever was not committed is rolled back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """What is done inside is fsynced when it is left, or not done at all."""
        connection = self.open()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException:  # also of the caller's work: closing rolls back
            self.close()
            raise

    def compact(self) -> None:
        """Of a file without records: give back what it held, so that nothing of them stays on the disk."""
        connection = self.open()
        if value(connection, "SELECT count(*) FROM records") == 0:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")  # 16 MiB: fewer, larger copies into the file
        connection.execute("PRAGMA secure_delete = ON")  # who was erased must not stay in pages that are free
        if self._largest:
            connection.execute(f"PRAGMA max_page_count = {self._largest // value(connection, 'PRAGMA page_size')}")
        connection.execute("BEGIN IMMEDIATE")  # two processes may come here at once
        if value(connection, "SELECT count(*) FROM sqlite_schema") == 0:
            for statement in _statements(files("schemas").joinpath("embedded_log.sql").read_text()):
                connection.execute(statement)
        connection.execute("COMMIT")
        if value(connection, "PRAGMA application_id") != APPLICATION_ID:
            raise BadSettings(f"{self.setting}: {self.path} is a database of something else.")
        if value(connection, "PRAGMA user_version") != LAYOUT:
            raise BadSettings(f"{self.setting}: {self.path} was written by another version of Penstock.")


def insert(connection: sqlite3.Connection, batch: Sequence[tuple[bytes, bytes]], now: int) -> None:
    """Append records within the transaction that is open. now: ms since 1970; a clock that stepped back waits."""
    newest = connection.execute("SELECT at FROM records ORDER BY offset DESC LIMIT 1").fetchone()
    at = max(now, newest[0]) if newest else now
    begin = 0
    for rows, statement in _INSERTS:
        while len(batch) - begin >= rows:
            connection.execute(statement, (at, *chain.from_iterable(batch[begin : begin + rows])))
            begin += rows


def value(connection: sqlite3.Connection, query: str) -> int:
    """The one number that a query returns."""
    number: int = connection.execute(query).fetchone()[0]
    return number


def _statements(script: str) -> list[str]:
    # executescript would commit before it begins.
    return [statement for statement in script.split(";\n") if statement.strip()]
