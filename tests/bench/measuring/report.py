"""What was measured, as a table, as JSON and as a picture, with the machine and the versions."""

import html
import json
import os
import platform
import re
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deploy.kafka import broker
from tests.bench.measuring.processes import ROOT

POM = broker.HERE / "pom.xml"
FOLDER = ROOT / "build" / "bench"
LIBRARIES = ("uvicorn", "uvloop", "httptools", "msgspec", "orjson", "aiokafka", "chdb-core")
_BAR, _ROW, _LABEL = 480, 20, 260

Row = tuple[str, str, Sequence[float]]  # what, unit, and the figure of each round


def about(**more: str) -> dict[str, Any]:
    """Where it was measured. more: versions of peers."""
    model = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "cpu": model[0] if model else platform.machine(),
        "cores": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        **more,
    }


def said(*command: str) -> str:
    """What a command says in its first line."""
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.partition("\n")[0]
    except OSError:
        return "not there"


def kafka() -> str:
    """Which broker, by what Maven is told to fetch, and on which Java."""
    found = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>(.+)</version>", POM.read_text())
    assert found is not None
    return f"{found[1]} on {said('java', '--version')}"


def spread(values: Sequence[float]) -> str:
    form = ",.2f" if max(map(abs, values)) < 10 else ",.1f"
    middle = format(statistics.median(values), form)
    return f"{middle} ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else middle


def kept(name: str, where: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Least, median and most are printed; all is written, and drawn what has the unit of the first row."""
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    width = max(len(what) for what, _, _ in rows)
    for what, unit, values in rows:
        print(f"  {what:{width}}  {spread(values):>34} {unit}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = [{"what": what, "unit": unit, "rounds": list(values)} for what, unit, values in rows]
    (FOLDER / f"{name}.json").write_text(json.dumps({"where": dict(where), "figures": found}, indent=1) + "\n")
    (FOLDER / f"{name}.svg").write_text(_drawn([row for row in rows if row[1] == rows[0][1]]))
    print(f"  in {(FOLDER / name).relative_to(ROOT)}.json and .svg")


def _drawn(rows: Sequence[Row]) -> str:
    """A bar for each median, a line from least to most."""
    most = max(max(values) for _, _, values in rows)
    parts = []
    for number, (what, unit, values) in enumerate(rows):
        y, least, middle, top = number * _ROW, *(one / most * _BAR for one in _three(values))
        parts.append(
            f'<text x="{_LABEL - 6}" y="{y + 14}" text-anchor="end">{html.escape(what)}</text>'
            f'<rect x="{_LABEL}" y="{y + 3}" width="{middle:.1f}" height="{_ROW - 6}" fill="#5b8fb9"/>'
            f'<path d="M{_LABEL + least:.1f} {y + _ROW / 2}H{_LABEL + top:.1f}" stroke="#222"/>'
            f'<text x="{_LABEL + top + 6:.1f}" y="{y + 14}">{statistics.median(values):.1f} {unit}</text>'
        )
    size = f'width="{_LABEL + _BAR + 140}" height="{len(rows) * _ROW + 6}" font-family="sans-serif" font-size="12"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>\n'


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []
