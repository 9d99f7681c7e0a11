"""The `penstock` command. Settings come from the environment and are read here, once; imports wait until needed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from deploy.command import BAD_SETTINGS, asking, begin, configured, fail
from deploy.commands.audit import audit
from deploy.commands.check import check
from deploy.commands.erasures import erasures
from deploy.commands.person import person
from deploy.commands.purge import erase_workspace, purge
from deploy.commands.replay import replay
from deploy.commands.trace import trace

app = typer.Typer(
    name="penstock",
    help="Event tracking you run yourself: Customer.io's HTTP API in, ClickHouse out.\n\n"
    "Settings are PENSTOCK_... variables of the environment; the README lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

keys = typer.Typer(rich_markup_mode=None)
app.add_typer(keys, name="keys")

Owned = Annotated[bool, typer.Option("--owned", hidden=True, help="Stop when stdin ends: the mark of a child of up.")]


@app.command()
def up() -> None:
    """Run everything on this machine: edge, log, worker and ClickHouse.

    Data is kept in ./data (PENSTOCK_DATA). With PENSTOCK_KAFKA and PENSTOCK_CLICKHOUSE it uses those in place of
    the embedded log and the embedded ClickHouse. Ctrl-C or SIGTERM stops all of it, in order.
    """
    with configured() as settings:
        begin("up", quiet=True)  # its parts have enough to say
        from deploy.instance import FolderInUse
        from deploy.supervisor import PartFailed
        from deploy.up import run

        try:
            run(settings, os.environ, typer.echo)
        except FolderInUse as error:
            fail(str(error))
        except PartFailed as error:
            fail(str(error), error.code)


@app.command()
def edge(
    processes: Annotated[int, typer.Option(help="How many share the port.", min=1, max=100)] = 1,
    owned: Owned = False,
    number: Annotated[int, typer.Option(hidden=True, help="Which of those that share the port it is.")] = 0,
) -> None:
    """Run one edge: HTTP requests in, messages out to the log. With --processes several, on one port."""
    with configured() as settings:
        if processes > 1:
            begin("edges", owned=owned)
            from deploy.processes import run as run_all
            from deploy.supervisor import PartFailed

            try:
                run_all(settings, os.environ, processes)
            except PartFailed as error:
                fail(str(error), error.code)
            return
        begin(f"edge {number}" if number else "edge", owned=owned)
        from ingest.main import run

        raise typer.Exit(run(settings, number))


@app.command()
def worker(owned: Owned = False) -> None:
    """Run one worker: the log in, rows out to ClickHouse.

    The log is PENSTOCK_KAFKA, or the embedded one in PENSTOCK_DATA; ClickHouse is PENSTOCK_CLICKHOUSE.
    """
    with configured() as settings:
        begin("worker", owned=owned)
        from workers.main import run

        raise typer.Exit(run(settings))


@app.command()
def migrate() -> None:
    """Make the tables and views in ClickHouse. Safe at any time.

    It needs PENSTOCK_CLICKHOUSE, the address of a user who may create tables.
    """
    with configured() as settings:
        begin("migrate")
        from workers.clickhouse import Away, Failed
        from workers.migrate import migrate

        if not settings.clickhouse:
            fail("PENSTOCK_CLICKHOUSE is missing: http://user:password@host:8123/database", BAD_SETTINGS)
        try:
            applied = migrate(settings.clickhouse)
        except (Away, Failed) as error:
            fail(str(error))
        typer.echo("\n".join(applied) or "Nothing to do.")


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="The SQL, or - to read it from stdin.", show_default=False)],
    form: Annotated[
        str,
        typer.Option("--format", "-f", help="Any output format of ClickHouse: JSONEachRow, CSV, Vertical, ..."),
    ] = "PrettyCompact",
) -> None:
    """Ask the running instance in SQL, as a user who may only read.

    It finds the instance through the data folder (PENSTOCK_DATA), or asks PENSTOCK_CLICKHOUSE_READ.

    Example: penstock query "SELECT * FROM events"
    """
    with asking() as url:
        from deploy.query import query

        text = sys.stdin.read() if sql == "-" else sql
        query(url, text, form, sys.stdout.buffer, colour=sys.stdout.isatty())


@app.command("dead-letters")
def dead_letters(
    limit: Annotated[int, typer.Option(help="How many of the newest to list.", min=0, max=10_000)] = 20,
) -> None:
    """Show what became no row: counted by reason, and the newest of them.

    Everything that is kept of them is in the view dead_letters: penstock query "SELECT * FROM dead_letters"
    """
    with asking() as url:
        from deploy.dead_letters import show

        show(url, sys.stdout.buffer, limit)


@keys.callback(invoke_without_command=True)
def keys_alone(context: typer.Context) -> None:
    """Who may call: show, add, revoke and rotate API keys. Running edges follow within a second.

    They are kept as hashes in PENSTOCK_KEYS, or in keys.json of the data folder. Alone it lists them.
    """
    if context.invoked_subcommand is None:
        keys_list()


@keys.command("list")
def keys_list() -> None:
    """Show every key with its role, its state and its last use; never the key itself."""
    with configured() as settings:
        from deploy.keys import show

        show(settings)


@keys.command("add")
def keys_add(
    role: Annotated[
        Literal["server", "browser", "ops"],
        typer.Option(help="server: everything; browser: identify, events, pages; ops: reads health and metrics."),
    ],
    workspace: Annotated[
        str, typer.Option(metavar="SITE", help="The site id. Default: the only one there is, or a new one.")
    ] = "",
    label: Annotated[str, typer.Option(help="What it is for, as the list shows it.")] = "",
    text: Annotated[
        str, typer.Option("--key", metavar="TEXT", help="Of a browser: the site id that pages have. Default: random.")
    ] = "",
) -> None:
    """Make a key. It is shown once."""
    with configured() as settings, _refusals():
        from deploy.keys import added

        typer.echo(added(settings, role, workspace, label, text))


@keys.command("revoke")
def keys_revoke(name: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")]) -> None:
    """Let nobody in with a key any more, at once and for good."""
    with configured() as settings, _refusals():
        from deploy.keys import revoked

        typer.echo(revoked(settings, name))


@keys.command("rotate")
def keys_rotate(
    name: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")],
    overlap: Annotated[str, typer.Option(help="How long the old key goes on: 90s, 30m, 24h, 7d, 0.")] = "24h",
) -> None:
    """Make a key in place of another, which goes on for a while. The new one is shown once."""
    with configured() as settings, _refusals():
        from deploy.keys import rotated

        typer.echo(rotated(settings, name, overlap))


@contextmanager
def _refusals() -> Iterator[None]:
    """What cannot be done with a key ends the process with one line and exit code 1."""
    from ingest.keys.changes import Refused

    try:
        yield
    except Refused as error:
        fail(str(error))


app.command("replay")(replay)
app.command("audit")(audit)
app.command("check")(check)
app.command("trace")(trace)
app.command("person")(person)
app.command("purge")(purge)
app.command("erase-workspace")(erase_workspace)
app.command("erasures")(erasures)


def main() -> None:
    """Of `python -m deploy.cli`, and of scripts that were installed before there was `deploy.start`."""
    app()


if __name__ == "__main__":
    main()
