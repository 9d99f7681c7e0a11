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
# Who became somebody in what an erased workspace had sent: of the erasure nobody who found out who is who has heard.
_OUTDATED = f"""
SELECT known.subject_hash AS hash
FROM stored_people AS known FINAL
INNER JOIN (SELECT workspace, max(version) AS version FROM erased_workspaces GROUP BY workspace) AS gone
    ON known.workspace = gone.workspace
WHERE hash > {{after:UInt128}} AND known.joined > 0 AND known.joined < gone.version
ORDER BY hash
LIMIT {AT_ONCE}
"""  # noqa: S608

log = structlog.get_logger()


def resolve_all(url: str) -> None:
    """Return once the people of what was said before anybody resolved them are known, unless that was done. A crash
    begins again, which changes nothing. Raises `Away` and `Failed`."""
    with Connection(url) as connection:
        if connection.rows(_BEGUN)[0][0]:
            return
        _resolve(connection, _NEXT, workspace="")
        connection.insert_rows("resolutions", COLUMNS, [["", 0, uuid.uuid4().hex, 0, 0, 0]])


def resolve_workspace(url: str, workspace: str) -> None:
    """Return once the people of a workspace are what follows from what is there and not erased. Raises `Away` and
    `Failed`."""
    with Connection(url) as connection:
        _resolve(connection, _NEXT, workspace=workspace)


def resolve_erased(url: str) -> None:
    """The same for each workspace that was erased, where it was not done: whoever erased one was killed. Raises `Away`
    and `Failed`."""
    with Connection(url) as connection:
        _resolve(connection, _OUTDATED)


def _resolve(connection: Connection, question: str, **asked: str) -> None:
    resolver, after, done = Resolver(connection), 0, 0
    while hashes := [row[0] for row in connection.rows(question, {"after": after, **asked})]:
        resolver.decide(hashes, alone=False)
        after, done = hashes[-1], done + len(hashes)
        log.info("people resolved anew", identifiers=done)
