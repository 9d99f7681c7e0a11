"""`penstock erasures`: what was erased, and how far that is proved."""

from typing import Annotated

import typer

from deploy.command import fail, working


def erasures(
    subject: Annotated[
        str, typer.Argument(metavar="[SUBJECT]", help="Just this one: id:42, email:bob@example.com", show_default=False)
    ] = "",
    workspace: Annotated[str, typer.Option(metavar="SITE", help="Just those of this site id.")] = "",
    limit: Annotated[int, typer.Option(help="How many of the newest.", min=1, max=10_000_000)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with the whole hash.")] = False,
) -> None:
    """Show each deletion and suppression: requested, hidden, erased from disk, and until when a copy may lie elsewhere.

    What is kept of who was deleted is a keyed hash. It is final when a purge has found nothing after its last
    copy left the log and the journal; until then each purge looks for it again, so that no replay brings it back.
    """
    with working() as (settings, url):
        import asyncio

        from deploy.erasures import show
        from workers.erasures import erasures
        from workers.log import LogAway
        from workers.log.places import log_state

        try:
            retention = asyncio.run(log_state(settings)).longest_ms
        except LogAway as error:
            fail(str(error))
        show(erasures(url, retention, workspace=workspace, subject=subject, limit=limit), as_json=as_json)
