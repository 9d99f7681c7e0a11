"""`python -m tests.soak`: Penstock as real processes under steady load, with faults from a seeded schedule, then an
audit of every acknowledged request. Exit code 1 if anything is missing, double or resurrected, or memory grows."""

import asyncio
import json
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tests.soak.parts import running
from tests.soak.run import Options, Run
from tests.soak.verdict import SHOWN


class LogKind(StrEnum):
    """Which log, and with it which way of deployment."""

    embedded = "embedded"
    kafka = "kafka"


def main(
    minutes: Annotated[float, typer.Option(help="Of load and faults; the audit comes on top.", min=0.2)] = 30.0,
    seed: Annotated[int, typer.Option(help="Of the faults and the requests.")] = 1,
    log: Annotated[LogKind, typer.Option(help="embedded: penstock up; kafka: a broker, two edges, two workers.")] = (
        LogKind.kafka
    ),
    rate: Annotated[float, typer.Option(help="Requests per second.", min=1)] = 150.0,
    summary: Annotated[Path | None, typer.Option(help="A file for the summary as JSON.")] = None,
) -> None:
    """Run it, print a line every ten seconds and the summary in the end."""
    print(f"seed {seed}: {minutes} minutes, {log.value} log, {rate} requests/s", flush=True)
    for number in (signal.SIGINT, signal.SIGTERM):  # both leave no process behind, also in the background of a shell
        signal.signal(number, signal.default_int_handler)
    options = Options(seed, minutes * 60, log.value, rate)
    with running(log.value) as stack:
        run = Run(options, stack)
        asyncio.run(run.run())
        report = reported(run)
        show(report)
        if summary:
            summary.write_text(json.dumps(report, indent=2))
        if report["violations"]:
            raise typer.Exit(1)


def reported(run: Run) -> dict[str, Any]:
    """The summary. Violations are those found by the audit, and memory that grows."""
    lives = run.memory.long_lives(run.options.seconds)
    violations = {kind: wrong for kind, wrong in run.wrong.items() if wrong}
    if growing := [life.part for life in lives if life.grows]:
        violations["memory"] = growing
    tally = run.tally
    return {
        "seed": run.options.seed,
        "log": run.options.log,
        "seconds": run.options.seconds,
        "requests": tally.sent,
        "answers": {str(status or "none"): times for status, times in sorted(tally.answers.items())},
        "acknowledged": dict(tally.acknowledged),
        "faults": dict(sorted(run.faults.items())),
        "longest_unavailability_s": round(tally.slowest, 1),
        "missing": len(run.wrong.get("missing", ())),
        "doubled": len(run.wrong.get("doubled", ())),
        "resurrected": len(run.wrong.get("resurrected", ())),
        "memory_mb": [[life.part, round(life.seconds), *_quarters(life)] for life in lives],
        "commands": sorted(run.commands),
        "notes": run.notes,
        "violations": violations,
    }


def _quarters(life: Any) -> list[int]:
    return [life.quarter(number) >> 20 for number in (2, 4)]


def show(report: dict[str, Any]) -> None:
    """A line for each figure; of violations the first of each kind."""
    for name, value in report.items():
        if name not in ("notes", "violations"):
            print(f"{name:26} {value}")
    for note in report["notes"]:
        print(f"  {note}")
    for kind, wrong in report["violations"].items():
        print(f"VIOLATION  {kind}: {len(wrong)}")
        for one in wrong[:SHOWN]:
            print(f"  {one}")
    print(f"seed {report['seed']}: {'VIOLATED' if report['violations'] else 'held'}", flush=True)


if __name__ == "__main__":
    typer.run(main)
