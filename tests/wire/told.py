"""What the edge answers to a table, and what the views show then.

Every row is a workspace of its own, so what it does not name must not be there: not in any view. All of a table goes
through the edge's own application onto one embedded log, which the worker's pump lands once.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from ingest.app import create_app
from ingest.keys import key_file
from ingest.keys.changes import made
from ingest.keys.file import changing
from ingest.log import Log
from ingest.log.sqlite import SqliteLog
from schemas.settings import Settings
from tests.calling import Answer, call, scope
from tests.embedded import Embedded, own_database
from tests.tables import VIEWS
from tests.wire.row import BROWSER, Row, Says, Sent, basic
from workers.clickhouse import connect

# On every answer, as the real service was recorded.
HEADERS = {
    "access-control-allow-origin": "*",
    "cache-control": "no-cache, no-store, must-revalidate, max-age=0",
}

Found = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Told:
    """What the edge answered and what the views show, by workspace. `buried`: dead letters of all of them."""

    answers: Mapping[str, Sequence[Answer]]
    views: Mapping[str, Found]
    buried: int

    def said(self, row: Row) -> list[Says]:
        """To its requests, one after the other."""
        found = self.answers[row.workspace]
        return [Says(answer.status, answer.body, answer.headers.get("content-type", "")) for answer in found]

    def headers(self, row: Row) -> list[dict[str, str]]:
        """Those that every answer has to have, as each has them."""
        return [{name: answer.headers.get(name, "") for name in HEADERS} for answer in self.answers[row.workspace]]

    def shown(self, row: Row) -> dict[str, list[Mapping[str, Any]]]:
        """By view the rows of its workspace, of each the columns that it names."""
        found = self.views.get(row.workspace, {})
        return {view: _as_named(rows, row.rows.get(view, ())) for view, rows in found.items()}


def tell(table: Iterable[Row], folder: Path, url: str) -> Told:
    """Send a table's requests in its order, land them in a database of their own of the server at `url`, and look at
    every view."""
    rows = list(table)
    answers = asyncio.run(_answers(rows, folder))
    with own_database(url) as own, closing(connect(own)) as client:
        asyncio.run(Embedded(Settings(data=folder, clickhouse=own), client).pump())
        views: dict[str, Found] = defaultdict(dict)
        for view in VIEWS:
            for found in seen(client, view):
                views[found["workspace"]].setdefault(view, []).append(found)
        [[buried]] = client.query("SELECT count() FROM dead_letters").result_rows
    return Told(answers, views, buried)


def seen(client: Any, view: str) -> list[dict[str, Any]]:
    """Every row of a view, as JSON shows it."""
    plain = {"output_format_json_quote_64bit_integers": 0}
    lines = client.raw_query(f"SELECT * FROM {view} FORMAT JSONEachRow", settings=plain).splitlines()
    return [json.loads(line) for line in lines]


def edge(
    folder: Path, workspace: str, log: Log, now: Callable[[], float] = time.time, *, neighbour: bool = False
) -> Starlette:
    """One that knows a server's key, `key`, and a browser's. now: s since 1970."""
    settings = Settings(data=folder, site_id=workspace, api_key="key")
    with changing(key_file(settings)) as keys:
        keys.append(made(workspace, "browser", "", 0, BROWSER).key)
        if neighbour:
            keys.append(made("neighbour", "server", "", 0, "neighbour").key)
    return create_app(settings, log, now)  # type: ignore[arg-type]  # its lifetime is its maker's


async def _answers(table: Sequence[Row], folder: Path) -> dict[str, list[Answer]]:
    answers: dict[str, list[Answer]] = {}
    async with SqliteLog(folder / "log.db") as log:
        for row in table:
            assert row.workspace not in answers, "two rows of one name"
            app = edge(folder / row.workspace, row.workspace, log, neighbour=row.neighbour)
            answers[row.workspace] = [await answered(app, row.workspace, request) for request in row.sent]
    return answers


async def answered(app: Starlette, workspace: str, request: Sent) -> Answer:
    """The answer to a request with the credentials that its API expects."""
    pair = "key:" if request.path.startswith("/v1/") else f"{workspace}:key"
    headers = {"authorization": basic(pair), **request.headers}
    return await call(app, scope(request.method, request.path, headers), request.body)


def _as_named(found: Iterable[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    columns = list(expected[0]) if expected else None
    return in_order({name: row[name] for name in columns or row} for row in found)


def in_order(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Whichever that is."""
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
