"""`penstock erasures`: a table for a person, or lines of JSON."""

import sys
from collections.abc import Sequence
from datetime import datetime

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from workers.erasures import Erasure

WIDE = 200  # columns, where no terminal says otherwise: nothing is cut off for a script
COLUMNS = (
    "workspace",
    "kind",
    "who (hash)",
    "message",
    "requested",
    "hidden",
    "erased",
    "on the log until",
    "in journal until",
)
HASH_SHOWN = 12


def show(found: Sequence[Erasure], *, as_json: bool) -> None:
    """Print them."""
    if as_json:
        for erasure in found:
            sys.stdout.write(msgspec.json.encode(erasure).decode() + "\n")
        return
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    if not found:
        console.print("No such deletion or suppression is known here.")
        return
    table = Table(*COLUMNS, "final", box=box.SIMPLE_HEAD, pad_edge=False)
    for erasure in found:
        table.add_row(*(Text(cell) for cell in _cells(erasure)))
    console.print(table)
    if any(erasure.on_log_until is None for erasure in found):
        console.print("The log keeps its records for ever: set retention.ms on the topic.")


def _cells(erasure: Erasure) -> tuple[str, ...]:
    return (
        erasure.workspace,
        erasure.kind,
        erasure.hash[:HASH_SHOWN] or "the whole workspace",
        erasure.message_id,
        _when(erasure.requested_at),
        _when(erasure.hidden_at),
        _when(erasure.erased_at) if erasure.erased_at else "not yet",
        _when(erasure.on_log_until) if erasure.on_log_until else "for ever",
        _when(erasure.in_journal_until),
        "yes" if erasure.final else "no",
    )


def _when(at: datetime) -> str:
    """UTC, to the minute."""
    return at.strftime("%Y-%m-%d %H:%M")
