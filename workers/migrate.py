"""Brings the tables and views of `schemas/clickhouse` into a database: forward only, one file after the other."""

import hashlib
import re
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error

from schemas import failpoints
from workers.clickhouse import Failed, connect, translated
from workers.room import check_copy, check_room

log = structlog.get_logger()

# One row is one file that was applied, with the SHA-256 of what it said then, and of what it had said before.
MIGRATIONS = """
CREATE TABLE IF NOT EXISTS migrations
(
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3),
    earlier Array(String)
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
"""
# Of databases that are older than the column.
EARLIER = "ALTER TABLE migrations ADD COLUMN IF NOT EXISTS earlier Array(String)"

FILE_SECONDS = 6 * 3600.0  # a file that rewrites a large table takes its time
TRIES, PAUSE = 8, 0.25
# What two migrations at once do to each other; the next try finds what the other one made.
COLLISIONS = frozenset(
    {
        15,  # DUPLICATE_COLUMN
        57,  # TABLE_ALREADY_EXISTS
        60,  # UNKNOWN_TABLE: it was there when the statement began
        218,  # TABLE_IS_DROPPED, which the other one makes anew
        236,  # ABORTED
        253,  # REPLICA_ALREADY_EXISTS
        341,  # UNFINISHED: a mutation of the other one came first
        473,  # DEADLOCK_AVOIDED: the other one holds the table for too long
        517,  # CANNOT_ASSIGN_ALTER
    }
)

RANDOM = re.compile(r"\{random\}")
MATERIALIZED_VIEW = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (?P<view>\w+) TO \w+ AS\s")
COPIED = re.compile(r"^INSERT INTO .*?^FROM (?P<table>\w+)", re.DOTALL | re.MULTILINE)
NULL_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (?P<table>\w+)\n.*\nENGINE = Null\s*$", re.DOTALL)
ALTERED_TABLE = re.compile(r"^ALTER TABLE (?P<table>\w+)$", re.MULTILINE)


class Contradiction(Failed):
    """What is in the database and what is in `schemas/` exclude each other."""


class Applied(NamedTuple):
    """What is remembered of a file: the checksum now, and those it had before."""

    checksum: str
    earlier: tuple[str, ...] = ()


def migrate(url: str, folder: Traversable | None = None) -> list[str]:
    """Apply every file that is not applied yet, in the order of their names, and return their names.

    Safe at any time and twice at once: what a repeated statement changes does not last, and a file is remembered after
    it was applied, so a run that was killed is finished by the next. Of an empty database all are remembered in the
    end, and a run that was killed there is begun anew. Views may be edited in place and are then replaced, in one step,
    so that no row of a running worker misses them. Raises `Contradiction`, and has changed nothing, for a table that
    was edited after it was applied, and where a newer Penstock has migrated. Raises `Away` and `Failed` as well.
    """
    files = statements(folder)
    client = connect(url, FILE_SECONDS)
    try:
        _remembering(client)
        remembered = applied(client)
        is_empty = not remembered
        for name in _to_make_anew(client, files):
            remembered.pop(name, None)
        if pending := plan(files, remembered):
            check_room(client)
        for names in [list(pending)] if is_empty else [[name] for name in pending]:
            for name in names:
                _apply(client, name, pending[name])
            _remember(client, names, files, remembered)
        return list(pending)
    except ClickHouseError as error:
        raise translated(error) from None
    finally:
        client.close()


def statements(folder: Traversable | None = None) -> dict[str, str]:
    """The statement of each file by its name, in order."""
    folder = folder or resources.files("schemas") / "clickhouse"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return {file.name: file.read_text() for file in files}


def _remembering(client: Client) -> None:
    """Make the table if it is not there as it must be. Else nothing is written: to alter a table writes its definition
    anew even where nothing changes."""
    asked = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'migrations'"
    if ("earlier",) not in map(tuple, client.query(asked).result_rows):
        check_room(client)
        _patient(client, MIGRATIONS)
        _patient(client, EARLIER)


def applied(client: Client) -> dict[str, Applied]:
    """What is remembered, by file."""
    rows = client.query("SELECT name, checksum, earlier FROM migrations FINAL").result_rows
    return {name: Applied(checksum, tuple(earlier)) for name, checksum, earlier in rows}


def plan(files: Mapping[str, str], remembered: Mapping[str, Applied]) -> dict[str, list[str]]:
    """The statements to run, by file and in order. Raises `Contradiction` where going on would undo something."""
    pending = {}
    unknown = sorted(remembered.keys() - files.keys())
    replaced = [name for name, text in files.items() if name in remembered and _sum(text) in remembered[name].earlier]
    if newer := unknown + replaced:
        raise Contradiction(
            f"This ClickHouse was migrated by a newer Penstock (schemas/clickhouse/{newer[0]}): start that one. "
            "Its tables never go back."
        )
    for name, text in files.items():
        if name not in remembered:
            pending[name] = _making(text)
        elif remembered[name].checksum != _sum(text):
            pending[name] = [_replacing(name, text)]
    return pending


def _to_make_anew(client: Client, files: Mapping[str, str]) -> list[str]:
    """The files of tables that pass rows through and are not there, and what alters those later: of two migrations at
    once one may be killed when it has dropped such a table, which the other one remembers to have made. Nothing was in
    it."""
    passing: dict[str, list[str]] = {}
    for name, text in files.items():
        if made := NULL_TABLE.search(text):
            passing[made["table"]] = [name]
        elif (altered := ALTERED_TABLE.search(text)) and altered["table"] in passing:
            passing[altered["table"]].append(name)
    there = {
        name
        for (name,) in client.query("SELECT name FROM system.tables WHERE database = currentDatabase()").result_rows
    }
    return [name for table, names in passing.items() if table not in there for name in names]


def _apply(client: Client, name: str, wanted: Sequence[str]) -> None:
    failpoints.reach("migrate.begun")
    for statement in wanted:
        if (copied := COPIED.search(statement)) and (rows := check_copy(client, copied["table"])):
            log.info("copying", table=copied["table"], rows=rows)
        _patient(client, RANDOM.sub(lambda _: str(secrets.randbits(64)), statement))
    failpoints.reach("migrate.applied")
    log.info("migrated", file=name)


def _remember(
    client: Client, names: Iterable[str], files: Mapping[str, str], remembered: Mapping[str, Applied]
) -> None:
    rows = []
    for name in names:
        before = remembered.get(name)
        rows.append([name, _sum(files[name]), [*before.earlier, before.checksum] if before else []])
    client.insert("migrations", rows, column_names=["name", "checksum", "earlier"])


def _patient(client: Client, statement: str) -> None:
    for left in reversed(range(TRIES)):
        try:
            client.command(statement)
        except Error as error:
            if error.code not in COLLISIONS or not left:
                raise
            log.info("another migration is at the same file, trying again", code=error.code)
            time.sleep(PAUSE)
        else:
            return


def _making(text: str) -> list[str]:
    """Of a materialized view also what replaces it: an older release may have made it and died before it remembered."""
    return [text, _modifying(materialized, text)] if (materialized := MATERIALIZED_VIEW.search(text)) else [text]


def _replacing(name: str, statement: str) -> str:
    """What brings an edited view in the place of the one that is there, or takes away one that is there no more."""
    if "CREATE OR REPLACE" in statement or "DROP VIEW IF EXISTS" in statement:
        return statement
    materialized = MATERIALIZED_VIEW.search(statement)
    if not materialized:
        raise Contradiction(
            f"schemas/clickhouse/{name} was changed after it was applied: put the change into a new file."
        )
    return _modifying(materialized, statement)


def _modifying(materialized: re.Match[str], statement: str) -> str:
    return f"ALTER TABLE {materialized['view']} MODIFY QUERY {statement[materialized.end() :]}"


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
