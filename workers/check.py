"""Whether ClickHouse holds what the worker's promise needs: its version, its tables, its views, room to write."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error

from schemas.findings import Finding
from schemas.settings import BadSettings
from workers.clickhouse import Failed, connect, translated
from workers.migrate import applied, plan, statements

# `analyzer_inline_views`, without which the views take three times as long to begin, came with 26.4.
LEAST_VERSION = (26, 4)
TESTED_VERSION = (26, 9)
LEAST_FREE = 1 << 30  # bytes of each of ClickHouse's disks
NOT_MIGRATED = frozenset({47, 60})  # UNKNOWN_IDENTIFIER, UNKNOWN_TABLE: `migrations` is older, or not there

_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (?P<name>\w+)$", re.MULTILINE)
_ENGINE = re.compile(r"^ENGINE = (?P<engine>\w+(\(\w+\))?)", re.MULTILINE)
_KEY = re.compile(r"^ORDER BY (?P<key>.+)$", re.MULTILINE)
_SORTED_ANEW = re.compile(r"^ALTER TABLE (?P<name>\w+)\n(.*\n)*\s+MODIFY ORDER BY (?P<key>.+)$", re.MULTILINE)
_FILLS = re.compile(r"^CREATE MATERIALIZED VIEW IF NOT EXISTS (?P<name>\w+) TO (?P<target>\w+)", re.MULTILINE)
_VIEW = re.compile(r"^CREATE (OR REPLACE )?VIEW (IF NOT EXISTS )?(?P<name>\w+)", re.MULTILINE)


class Table(NamedTuple):
    """engine: with its parameter, as `ReplacingMergeTree(version)`. key: what the rows are sorted by, without spaces.
    target: the table that a materialized view fills."""

    engine: str
    key: str = ""
    target: str = ""


def clickhouse_findings(url: str) -> list[Finding]:
    """All that can be found out. Raises `Away`, `Failed`, and `BadSettings` when ClickHouse does not let us in."""
    client = admitted(url)
    try:
        return [*_version(client), *_rights(client), *_schema(client), *_disks(client)]
    except ClickHouseError as error:
        raise translated(error) from None
    finally:
        client.close()


def admitted(url: str) -> Client:
    """A client. Raises `Away`, and `BadSettings` for an address, a user or a password that is refused."""
    try:
        return connect(url)
    except Failed as error:
        raise BadSettings(f"PENSTOCK_CLICKHOUSE: {error}") from None


def wanted(files: Iterable[str]) -> dict[str, Table]:
    """What the files of `schemas/clickhouse` make, by name. files: in their order."""
    made: dict[str, Table] = {}
    for text in files:
        if table := _TABLE.search(text):
            engine, key = _ENGINE.search(text), _KEY.search(text)
            made[table["name"]] = Table(engine["engine"] if engine else "", _plain(key["key"]) if key else "")
        elif fills := _FILLS.search(text):
            made[fills["name"]] = Table("MaterializedView", target=fills["target"])
        elif view := _VIEW.search(text):
            made[view["name"]] = Table("View")
        elif anew := _SORTED_ANEW.search(text):
            made[anew["name"]] = made[anew["name"]]._replace(key=_plain(anew["key"]))
    return made


def compared(wanted: Mapping[str, Table], found: Mapping[str, Table]) -> Iterator[Finding]:
    """What is missing, and what would fold repeats otherwise than it must."""
    for name, table in wanted.items():
        there = found.get(name)
        if there is None:
            yield Finding("wrong", name, "it is missing, though it was made once", _mend(table))
        elif there.engine != table.engine:
            text = f"its engine is {there.engine}, not {table.engine}: a repeat would show"
            yield Finding(
                "wrong", name, text, "put its rows into a table made as in schemas/clickhouse, and rename that"
            )
        elif there.key != table.key:
            text = f"it is sorted by {there.key}, not {table.key}: repeats would not fold"
            yield Finding(
                "wrong", name, text, "put its rows into a table made as in schemas/clickhouse, and rename that"
            )
        elif there.target != table.target:
            text = f"it fills {there.target}, not {table.target}"
            yield Finding("wrong", name, text, f"DROP VIEW {name}; {_mend(table)}")


def _mend(table: Table) -> str:
    forget = "delete the row of its file from the table `migrations`, then: penstock migrate"
    return (
        f"{forget}; penstock replay brings what it missed" if table.target else f"restore it from a backup, or {forget}"
    )


def _version(client: Client) -> Iterator[Finding]:
    text = str(client.query("SELECT version()").result_rows[0][0])
    version = tuple(int(part) for part in text.split(".")[:2])
    least, tested = (".".join(map(str, one)) for one in (LEAST_VERSION, TESTED_VERSION))
    if version < LEAST_VERSION:
        yield Finding("wrong", "ClickHouse", f"it is version {text}", f"Penstock needs {least} or newer")
    elif version < TESTED_VERSION:
        yield Finding("warning", "ClickHouse", f"it is version {text}; Penstock is tested with {tested}")
    else:
        yield Finding("ok", "ClickHouse", f"version {text}")


def _rights(client: Client) -> Iterator[Finding]:
    if int(client.query("SELECT getSetting('readonly')").result_rows[0][0]):
        mend = "give PENSTOCK_CLICKHOUSE a user whose profile does not set readonly"
        yield Finding("wrong", "ClickHouse", "this user may only read", mend)


def _schema(client: Client) -> Iterator[Finding]:
    files = statements()
    try:
        pending = plan(files, applied(client))
    except Error as error:
        if error.code not in NOT_MIGRATED:
            raise
        pending = {name: [] for name in files}
    except Failed as error:
        yield Finding("wrong", "tables", str(error))
        return
    if pending:
        yield Finding(
            "warning", "tables", f"{len(pending)} files are not applied yet", "penstock migrate, or start a worker"
        )
    findings = list(compared(wanted(text for name, text in files.items() if name not in pending), found(client)))
    yield from findings
    if not findings and not pending:
        yield Finding("ok", "tables", f"all {len(files)} files are applied, and every table is as it was made")


def found(client: Client) -> dict[str, Table]:
    rows = client.query(
        "SELECT name, engine, engine_full, sorting_key, create_table_query FROM system.tables"
        " WHERE database = currentDatabase()"
    ).result_rows
    return {name: Table(_engine(engine, full), _plain(key), _target(made)) for name, engine, full, key, made in rows}


def _engine(engine: str, full: str) -> str:
    """A replicated or shared one folds alike; its first two parameters are a path and a name."""
    parameter = re.match(r"\w+\((?:'[^']*', '[^']*',? ?)?(\w*)\)", full)
    engine = re.sub(r"^(Replicated|Shared)", "", engine)
    return f"{engine}({parameter[1]})" if parameter and parameter[1] else engine


def _target(made: str) -> str:
    target = re.match(r"CREATE MATERIALIZED VIEW \S+ TO (?:[^\s.]+\.)?(\w+)", made)
    return target[1] if target else ""


def _plain(key: str) -> str:
    key = "".join(key.split())
    return key[1:-1] if key.startswith("(") and key.endswith(")") else key


def _disks(client: Client) -> Iterator[Finding]:
    for name, free in client.query("SELECT name, unreserved_space FROM system.disks").result_rows:
        if free < LEAST_FREE:
            mend = "make room: without it the worker waits, and the log fills"
            yield Finding("warning", f"ClickHouse's disk {name}", f"{free >> 20} MiB are free", mend)
        else:
            yield Finding("ok", f"ClickHouse's disk {name}", f"{free >> 30} GiB are free")
