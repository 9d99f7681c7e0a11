"""`penstock purge`, `penstock erase-workspace`: erasure from disk."""

from typing import Annotated

import typer

from deploy.command import fail, working


def purge() -> None:
    """Remove from disk, in every table, what was erased: deleted customers and erased workspaces.

    Views hide a deleted customer at once; a worker purges by itself every PENSTOCK_PURGE_EVERY seconds. Safe at any
    time, beside running workers. What it found and removed is recorded: see penstock erasures.
    """
    with working() as (_, url):
        from deploy.purge import run

        if not run(url):
            raise typer.Exit(1)


def erase_workspace(
    site: Annotated[str, typer.Argument(metavar="SITE", help="The site id of the workspace.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase everything that a workspace sent up to now, for ever, and purge at once.

    Revoke its keys first: what it sends later is a new beginning, and shows.
    """
    with working() as (settings, url):
        from deploy.purge import living_keys, run
        from workers.purge import erase_workspace

        if keys := living_keys(settings, site):
            typer.echo(f"Data may still come with these keys: {', '.join(keys)}. See penstock keys revoke.", err=True)
        if not yes and typer.prompt(f"This erases all of workspace {site} for ever. Its site id to go on") != site:
            fail("Nothing was erased.")
        erase_workspace(url, site)
        typer.echo(f"Nothing of workspace {site} shows any more.")
        if not run(url):
            raise typer.Exit(1)
