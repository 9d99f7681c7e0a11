"""`penstock trace`: where one message is."""

from typing import Annotated

import typer

from deploy.command import BAD_SETTINGS, fail, working


def trace(
    message: Annotated[
        str,
        typer.Argument(metavar="ID", help="A message's id, by us or by the client; a rejection's.", show_default=False),
    ] = "",
    customer: Annotated[
        str,
        typer.Option(metavar="WHO", help="All of this customer instead: 42, bob@example.com, or id:42, anon:7."),
    ] = "",
    at: Annotated[
        str, typer.Option(metavar="WHEN", help="Around then: 2026-11-01T12:00 (UTC), or an age: 90m, 2h.")
    ] = "0m",
    within: Annotated[str, typer.Option(metavar="AGE", help="How far from it: 90s, 10m, 2h.")] = "10m",
    workspace: Annotated[str, typer.Option(metavar="SITE", help="Just of this workspace.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say where a message is, and what to do next.

    Accepted when and where; its place on the log; inserted, or how many are before it; replaced by a repeat, erased by
    which deletion, ignored since which suppression, refused, or a dead letter and why. Exit code 1: it is not known.

    Examples: penstock trace 01J8ZQ5W7N0000000000000000; penstock trace --customer 42 --at 2h --within 30m
    """
    if bool(message) == bool(customer):
        fail("Name either an id, or --customer and --at.", BAD_SETTINGS)
    with working() as (settings, url):
        from deploy.trace import run, wanted

        if not run(settings, url, wanted(message, customer, at, within, workspace), as_json=as_json):
            raise typer.Exit(1)
