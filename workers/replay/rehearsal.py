"""What a replay would do, found out by doing it to a temporary table: its rows pass the same checks and the same views,
whatever views there are, and go nowhere."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workers.connection import Connection
from workers.replay import Letter
from workers.replay.tables import COLUMNS, JOURNAL, JOURNAL_SETTINGS
from workers.sink import INSERT_SETTINGS

# Visible in this session alone. Not named `messages`: were the session lost, the real one would be found.
MAKE = "CREATE TEMPORARY TABLE IF NOT EXISTS rehearsal AS messages ENGINE = Memory"
VIEWS = """
SELECT view.as_select, target.name, target.sorting_key
FROM system.tables AS view
INNER JOIN system.tables AS target ON target.database = view.database
    AND target.name = extract(view.create_table_query, ' TO (?:[^ .]+[.])?`?([^ .`]+)`? ')
WHERE view.database = currentDatabase() AND view.engine = 'MaterializedView'
ORDER BY target.name
"""
SOURCE = re.compile(r"\bFROM\s+(?:`?\w+`?\.)?messages\b(?!\s*\.)(?P<alias>\s+AS\s)?")
DAYS = "SELECT toDate(fromUnixTimestamp64Milli(toInt64(_at), 'UTC')) AS day, count() FROM rehearsal GROUP BY day"
OF_DAY = "(SELECT * FROM rehearsal WHERE toDate(fromUnixTimestamp64Milli(toInt64(_at), 'UTC')) = toDate({day:String}))"
COUNT = """
SELECT count(), uniqExact({key}), (
    SELECT count() FROM (SELECT DISTINCT {key} FROM {table} WHERE ({key}) IN (SELECT {key} FROM ({rows})))
)
FROM ({rows})
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
        self._views: Sequence[Sequence[str]] = ()
        self.tables: dict[tuple[str, str], Tally] = {}
        self.days: dict[str, int] = {}

    def insert(self, block: bytes) -> None:
        self._empty()
        self._connection.insert_json("rehearsal", block, INSERT_SETTINGS)
        self._count()

    def copy(self, condition: str, parameters: Mapping[str, object]) -> None:
        self._empty()
        copying = f"INSERT INTO rehearsal ({COLUMNS}) SELECT {COLUMNS} FROM {JOURNAL}{condition}"  # noqa: S608
        self._connection.command(copying, parameters, JOURNAL_SETTINGS)
        self._count()

    def settle(self, letters: Sequence[Letter]) -> None:
        """They keep their status."""

    def _empty(self) -> None:
        self._connection.command(MAKE)
        self._connection.command("TRUNCATE TABLE rehearsal")
        self._views = self._views or [row for row in self._connection.rows(VIEWS) if SOURCE.search(row[0])]

    def _count(self) -> None:
        for found, records in self._connection.rows(DAYS):
            day = str(found)
            self.days[day] = self.days.get(day, 0) + records
            for select, table, key in self._views:
                rows = SOURCE.sub(_of_day, select)
                counting = COUNT.replace("{key}", key).replace("{table}", table).replace("{rows}", rows)
                [[all_of_them, keys, known]] = self._connection.rows(counting, {"day": day}, SETTINGS)
                tally = self.tables.setdefault((table, day), Tally())
                tally.rows += all_of_them
                tally.new += keys - known


def _of_day(source: re.Match[str]) -> str:
    return f"FROM {OF_DAY}{source['alias'] or ' AS messages'}"


def session() -> str:
    """A name for a rehearsal's connection."""
    return f"rehearsal-{uuid.uuid4().hex}"
