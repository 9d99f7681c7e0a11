"""Brings the tables and views of `schemas/clickhouse` into a database: forward only, one file after the other."""

import hashlib
import re
import secrets
from importlib import resources

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from workers.clickhouse import Failed, connect, translated

log = structlog.get_logger()

MIGRATIONS = """
CREATE TABLE IF NOT EXISTS migrations
(
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
"""

RANDOM = re.compile(r"\{random\}")
MATERIALIZED_VIEW = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (?P<view>\w+) TO \w+ AS\s")


def migrate(url: str) -> list[str]:
    """Apply every file that is not applied yet, in the order of their names, and return their names.

    Safe at any time and twice at once: each statement changes nothing when it is repeated, and a file is remembered
    after it was applied, so a run that was killed is finished by the next. Views may be edited in place and are then
    replaced, in one step, so that no row of a running worker misses them; a table that was changed after it was
    applied raises `Failed`. Raises `Away` as well.
    """
    client = connect(url)
    try:
        client.command(MIGRATIONS)
        return [name for name, statement in statements().items() if _apply(client, name, statement)]
    except ClickHouseError as error:
        raise translated(error) from None
    finally:
        client.close()


def statements() -> dict[str, str]:
    """The statement of each file by its name, in order."""
    folder = resources.files("schemas") / "clickhouse"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return {file.name: file.read_text() for file in files}


def _apply(client: Client, name: str, statement: str) -> bool:
    checksum = hashlib.sha256(statement.encode()).hexdigest()
    remembered = client.query(
        "SELECT checksum FROM migrations FINAL WHERE name = {name:String}", parameters={"name": name}
    ).result_rows
    if remembered and remembered[0][0] == checksum:
        return False
    if remembered:
        statement = _replacing(name, statement)
    client.command(RANDOM.sub(lambda _: str(secrets.randbits(64)), statement))
    client.insert("migrations", [[name, checksum]], column_names=["name", "checksum"])
    log.info("migrated", file=name)
    return True


def _replacing(name: str, statement: str) -> str:
    """What brings an edited view in the place of the one that is there."""
    if "CREATE OR REPLACE" in statement:
        return statement
    materialized = MATERIALIZED_VIEW.search(statement)
    if not materialized:
        raise Failed(f"schemas/clickhouse/{name} was changed after it was applied. Put the change into a new file.")
    return f"ALTER TABLE {materialized['view']} MODIFY QUERY {statement[materialized.end() :]}"
