"""`penstock audit`: the proof that nothing is missing."""

from typing import Annotated

import typer

from deploy.command import working


def audit(
    since: Annotated[
        str,
        typer.Option(metavar="WHEN", help="Appended then or later: 2026-11-01T12:00 (UTC), or an age: 90m, 2h, 7d."),
    ] = "7d",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Prove that nothing was lost, doubled or resurrected, back to the journal's seven days.

    Every offset that the worker has taken is in the journal or in dead_letters; every message of the journal is in its
    tables, unless it was erased; every row of a table has its message; no view shows anything twice. Safe at any time,
    beside running workers, which also do it for what came lately. Exit code 1: something was found.
    """
    with working() as (settings, url):
        from deploy.audit import run

        if not run(settings, url, since, as_json=as_json):
            raise typer.Exit(1)
