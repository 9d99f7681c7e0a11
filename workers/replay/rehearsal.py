"""What a replay would do, found out by doing it to a temporary table: its rows pass the same checks and the same views,
whatever views there are, and go nowhere."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workers.batch import Block
from workers.connection import Connection
from workers.replay import Letter
from workers.replay.tables import COLUMNS, JOURNAL, JOURNAL_SETTINGS
from workers.sink import INSERT_SETTINGS

# Visible in this session alone. Not named `messages`: were the session lost, the real one would be found.
MAKE = "CREATE TEMPORARY TABLE IF NOT EXISTS rehearsal AS messages ENGINE = Memory"
# `passed`: the columns of a target that keeps nothing, in its types; empty of one that keeps its rows.
VIEWS = """
SELECT view.as_select, target.name, target.sorting_key, if(target.engine = 'Null', column.casts, '') AS passed
FROM system.tables AS view
INNER JOIN system.tables AS target ON target.database = view.database
    AND target.name = extract(view.create_table_query, ' TO (?:[^ .]+[.])?`?([^ .`]+)`? ')
INNER JOIN
(
    SELECT table, arrayStringConcat(groupArray('CAST(' || name || ' AS ' || type || ') AS ' || name), ', ') AS casts
    FROM system.columns
    WHERE database = currentDatabase()
    GROUP BY table
) AS column ON column.table = target.name
WHERE view.database = currentDatabase() AND view.engine = 'MaterializedView'
ORDER BY target.name
"""
SOURCE = re.compile(r"\bFROM\s+(?:`?\w+`?\.)?(?P<table>\w+)\b(?!\s*[.(])(?P<alias>\s+AS\s)?")
DAYS = "SELECT toDate(fromUnixTimestamp64Milli(toInt64(_at), 'UTC')) AS day, count() FROM rehearsal GROUP BY day"
OF_DAY = "SELECT * FROM rehearsal WHERE toDate(fromUnixTimestamp64Milli(toInt64(_at), 'UTC')) = toDate({day:String})"
PASSED = "SELECT {columns} FROM ({rows})"
KEYS = "SELECT tuple({key}) AS key FROM ({rows})"
COUNT = """
SELECT count(), uniqExact(key), (
    SELECT count() FROM (SELECT DISTINCT {key} FROM {table} WHERE tuple({key}) IN (SELECT key FROM ({keys})))
)
FROM ({keys})
"""
SETTINGS = {"asterisk_include_materialized_columns": 1}


@dataclass
class Tally:
    """Rows of one table made of the records of one day: all of them, and those whose key the table has not."""

    rows: int = 0
    new: int = 0


class Rehearsal:
    """A target that changes nothing. `tables`: by table and day; `days`: records by day."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._counting: dict[str, str] = {}
        self.tables: dict[tuple[str, str], Tally] = {}
        self.days: dict[str, int] = {}

    def insert(self, block: Block) -> None:
        self._empty()
        self._connection.insert_json("rehearsal", block, INSERT_SETTINGS)
        self._count()

    def copy(self, condition: str, parameters: Mapping[str, object]) -> None:
        self._empty()
        copying = f"INSERT INTO rehearsal ({COLUMNS}) SELECT {COLUMNS} FROM {JOURNAL}{condition}"  # noqa: S608
        self._connection.command(copying, parameters, JOURNAL_SETTINGS)
        self._count()

    def resolve(self, keys: Iterable[bytes]) -> None:
        """Nobody became anybody."""

    def settle(self, letters: Sequence[Letter]) -> None:
        """They keep their status."""

    def _empty(self) -> None:
        self._connection.command(MAKE)
        self._connection.command("TRUNCATE TABLE rehearsal")
        self._counting = self._counting or counting(self._connection.rows(VIEWS))

    def _count(self) -> None:
        for found, records in self._connection.rows(DAYS):
            day = str(found)
            self.days[day] = self.days.get(day, 0) + records
            for table, question in self._counting.items():
                [[all_of_them, keys, known]] = self._connection.rows(question, {"day": day}, SETTINGS)
                tally = self.tables.setdefault((table, day), Tally())
                tally.rows += all_of_them
                tally.new += keys - known


def counting(views: Sequence[Sequence[str]]) -> dict[str, str]:
    """The question that counts the rows of a day, by table. views: as `VIEWS` answers.

    A table of engine Null keeps nothing: what fills it stands wherever it is read from.
    """
    sources = {"messages": OF_DAY}
    for select, table, _, passed in views:
        if passed and (rows := _rows(select, sources)):
            rows = PASSED.format(columns=passed, rows=rows)
            sources[table] = f"{sources[table]} UNION ALL {rows}" if table in sources else rows
    keys: dict[str, list[str]] = {}
    for select, table, key, passed in views:
        if not passed and (rows := _rows(select, sources)):
            keys.setdefault(table, []).append(KEYS.format(key=key, rows=rows))
    names = {table: key for _, table, key, _ in views}
    return {
        table: COUNT.format(table=table, key=names[table], keys=" UNION ALL ".join(found))
        for table, found in keys.items()
    }


def _rows(select: str, sources: Mapping[str, str]) -> str:
    """What a view makes of the rehearsal; empty if it reads from something else."""
    if not any(source["table"] in sources for source in SOURCE.finditer(select)):
        return ""
    return SOURCE.sub(lambda source: _instead(source, sources), select)


def _instead(source: re.Match[str], sources: Mapping[str, str]) -> str:
    rows = sources.get(source["table"])
    return f"FROM ({rows}){source['alias'] or ' AS ' + source['table']}" if rows else source[0]


def session() -> str:
    """A name for a rehearsal's connection."""
    return f"rehearsal-{uuid.uuid4().hex}"
