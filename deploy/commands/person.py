"""`penstock person`: somebody, by any identifier."""

from typing import Annotated

import typer

from deploy.command import working


def person(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="WHO", help="As in a path: 5, bob@example.com, cio_…; or id:5, email:…, phone:+49…, anon:…"
        ),
    ],
    workspace: Annotated[str, typer.Option(metavar="SITE", help="Of this site id, if several know it.")] = "",
    events: Annotated[int, typer.Option(metavar="N", help="How many of the last events.", min=0, max=10_000)] = 10,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document: everything in full, values as their exact JSON.")
    ] = False,
) -> None:
    """Show a person: identifiers and how they were linked, attributes and by which message each was set, devices,
    segments, relationships, last events.

    Messages are named for the seven days that the journal keeps them, times always. Exit code 1: nobody has the
    identifier, or who had it was erased or suppressed; in JSON `state` says which.

    Examples: penstock person bob@example.com; penstock person id:42 --events 50 --json
    """
    with working() as (_, url):
        from deploy.person import run

        if not run(url, identifier, workspace, events, as_json=as_json):
            raise typer.Exit(1)
