"""Who may import whom, and the few rules of style that a machine can check."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = {
    "schemas": {"schemas"},
    "ingest": {"ingest", "schemas"},
    "workers": {"workers", "schemas"},
    "deploy": {"deploy", "ingest", "workers", "schemas"},
}
SOURCES = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))
IDS = [str(path.relative_to(ROOT)) for path in SOURCES]

# Foreign libraries and their homes: a folder or a file each.
HOMES = {
    "starlette": {"ingest"},
    "uvicorn": {"ingest"},
    "prometheus_client": {"ingest/metrics.py", "ingest/metrics_server.py", "workers/metrics.py"},
    "backports": {"ingest/zstandard.py"},
    "compression": {"ingest/zstandard.py"},
    "aiokafka": {"ingest/log", "workers/log"},
    "google_crc32c": {"ingest/log/record_batch.py"},
    "clickhouse_connect": {
        "workers/clickhouse.py",
        "workers/connection.py",
        "workers/migrate.py",
        "workers/check.py",
        "workers/watch.py",
        "workers/removal.py",
        "workers/room.py",
        "workers/erasures.py",
        "workers/purge.py",
        "deploy/query.py",
    },
    "chdb": set(),  # importing it starts an engine; deploy/clickhouse_server.py loads its file
    "typer": {"deploy"},
}
ENVIRONMENT = {"deploy/cli.py", "deploy/command.py"}
LONGEST = 300


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_parts_import_only_what_lies_below_them(path: Path) -> None:
    """The edge and the worker share nothing but the contract in `schemas`."""
    part = path.relative_to(ROOT).parts[0]
    ours = {name.split(".")[0] for name in imports(path)} & {*PARTS, "tests"}

    assert ours <= PARTS[part]


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_foreign_libraries_stay_in_their_homes(path: Path) -> None:
    """So that a library can be replaced, and its errors are translated in one place."""
    here = {str(path.relative_to(ROOT)), *map(str, path.relative_to(ROOT).parents)}
    for library in {name.split(".")[0] for name in imports(path)} & HOMES.keys():
        assert here & HOMES[library], f"{library} has its home in {HOMES[library]}"


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_environment_is_read_once(path: Path) -> None:
    """Settings are one frozen object, handed down."""
    reads = any(
        isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and ast.unparse(node.value) == "os"
        for node in ast.walk(ast.parse(path.read_text()))
    )

    assert not reads or str(path.relative_to(ROOT)) in ENVIRONMENT


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_files_stay_short(path: Path) -> None:
    """One concept a file."""
    assert len(path.read_text().splitlines()) <= LONGEST
