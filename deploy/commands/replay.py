"""`penstock replay`: rows made again from what is kept of the log."""

from typing import Annotated, Literal

import typer

from deploy.command import begin, working
from schemas.messages import Kind

Source = Annotated[
    Literal["journal", "log", "dead-letters"],
    typer.Option("--from", help="journal: ClickHouse's own copy. log: all the log keeps. dead-letters: what failed."),
]
Since = Annotated[
    str,
    typer.Option(metavar="WHEN", help="Appended then or later: 2026-11-01T12:00 (UTC), or an age: 90m, 2h, 7d."),
]
Until = Annotated[str, typer.Option(metavar="WHEN", help="Appended before then.")]
Partition = Annotated[int | None, typer.Option(min=0, metavar="N", help="Of this partition.")]
FromOffset = Annotated[int | None, typer.Option(min=0, metavar="N", help="From this offset on.")]
ToOffset = Annotated[int | None, typer.Option(min=0, metavar="N", help="Up to this offset, itself too.")]
Generation = Annotated[
    str | None, typer.Option(metavar="LOG", help="Of this log generation, as dead_letters shows it.")
]
Workspace = Annotated[str | None, typer.Option(metavar="SITE", help="Of this workspace.")]
Customer = Annotated[
    str | None,
    typer.Option(metavar="WHO", help="Of this customer: 42, bob@example.com, or with its kind: id:42, anon:7."),
]
OfKind = Annotated[Kind | None, typer.Option(metavar="KIND", help="Of this kind: event, identify, ...")]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="Of this name, as an event's or a delivery's metric.")]
Rate = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="N",
        help="Records a second; 0: as fast as it goes. By default it rests as long as each insert took.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would do; change nothing.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where the last replay with the same options stopped.")]


def replay(
    source: Source = "journal",
    since: Since = "",
    until: Until = "",
    partition: Partition = None,
    from_offset: FromOffset = None,
    to_offset: ToOffset = None,
    generation: Generation = None,
    workspace: Workspace = None,
    customer: Customer = None,
    kind: OfKind = None,
    name: Name = None,
    rate: Rate = None,
    dry_run: DryRun = False,
    resume: Resume = False,
) -> None:
    """Make rows again from what is kept of the log: after a new table, a mended schema, a lost disk.

    What is there already changes nothing, however often and in whatever order it is replayed, and nothing that was
    deleted comes back. Workers may run meanwhile. Ctrl-C stops it; --resume goes on.
    """
    with working() as (settings, url):
        begin("replay", quiet=True)
        from deploy.replay import Request, run

        places = (generation, partition, from_offset, to_offset)
        request = Request(source, (since, until), places, (workspace, customer, kind, name), rate, resume)
        raise typer.Exit(run(settings, url, request, dry_run=dry_run))
