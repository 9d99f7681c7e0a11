"""Who is who in all of a database, or of a workspace: what no batch would have changed is decided anew."""

import uuid

import structlog

from workers.connection import Connection
from workers.people.resolve import COLUMNS, Resolver

AT_ONCE = 20_000

_BEGUN = "SELECT count() FROM resolutions"
_NEXT = f"""
SELECT DISTINCT subject_hash
FROM stored_claims
WHERE subject_hash > {{after:UInt128}} AND ({{workspace:String}} = '' OR workspace = {{workspace:String}})
ORDER BY subject_hash
LIMIT {AT_ONCE}
"""  # noqa: S608

log = structlog.get_logger()


def resolve_all(url: str) -> None:
    """Return once the people of what was said before anybody resolved them are known, unless that was done. A crash
    begins again, which changes nothing. Raises `Away` and `Failed`."""
    with Connection(url) as connection:
        if connection.rows(_BEGUN)[0][0]:
            return
        _resolve(connection, "")
        connection.insert_rows("resolutions", COLUMNS, [["", 0, uuid.uuid4().hex, 0, 0, 0]])


def resolve_workspace(url: str, workspace: str) -> None:
    """Return once the people of a workspace are what follows from what is there and not erased. Raises `Away` and
    `Failed`."""
    with Connection(url) as connection:
        _resolve(connection, workspace)


def _resolve(connection: Connection, workspace: str) -> None:
    """workspace: empty for all."""
    resolver, after, done = Resolver(connection), 0, 0
    while hashes := [row[0] for row in connection.rows(_NEXT, {"after": after, "workspace": workspace})]:
        resolver.decide(hashes, alone=False)
        after, done = hashes[-1], done + len(hashes)
        log.info("people resolved anew", identifiers=done)
