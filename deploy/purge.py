"""`penstock purge` and `penstock erase-workspace`: what a person is shown while rows leave the disk, and after it."""

import time

from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ingest.keys import key_file, preset_key
from ingest.keys.file import read
from schemas.settings import Settings
from workers.purge import Sweep, purge

OLD_PARTS = "Parts that ClickHouse has rewritten leave the disk after its old_parts_lifetime, 8 minutes by default."


def run(url: str) -> bool:
    """Purge and print what was done; whether nothing is left. Raises `Away` and `Failed`."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("looking for erasures")
        removed: dict[str, int] = {}

        def show(table: str, rows: int) -> None:
            removed[table] = removed.get(table, 0) + rows
            progress.update(task, description=f"{table}: {removed[table]:,} rows")

        sweep = purge(url, show)
    _print(Console(highlight=False), sweep)
    return not sweep.survivors


def living_keys(settings: Settings, workspace: str) -> list[str]:
    """The ids of the keys with which data for a workspace may still come. Raises `BadSettings`."""
    preset = preset_key(settings)
    keys = [*([preset] if preset else []), *read(key_file(settings)).keys]
    return [key.id for key in keys if key.workspace == workspace and key.lives(time.time())]


def _print(console: Console, sweep: Sweep) -> None:
    if sweep.removed:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("table")
        table.add_column("rows removed", justify="right")
        for name, rows in sweep.removed.items():
            table.add_row(name, f"{rows:,}")
        console.print(table)
    took = (sweep.ended_at - sweep.started_at).total_seconds()
    looked = f"{sweep.erasures:,} deleted or suppressed identifiers, {sweep.workspaces:,} erased workspaces"
    console.print(f"Swept for {looked} in {took:.1f} s: {_outcome(sweep)}", soft_wrap=True)
    if sweep.removed:
        console.print(OLD_PARTS, soft_wrap=True)


def _outcome(sweep: Sweep) -> str:
    if sweep.survivors:
        rows = f"{sweep.survivors:,} rows came back while it went on, or wait for what the workers have still to take."
        return f"{rows} Purge again, after a replay if one is running."
    return "no row of them is left." if sweep.removed else "no row of them was there."
