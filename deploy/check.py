"""Gathers what can be found out about an installation, from where it is run, without changing anything."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from deploy.instance import NothingRunning, writer_url
from ingest.certificates import Certificate
from ingest.keys import key_file
from ingest.keys.file import read
from schemas.findings import Finding
from schemas.settings import BadSettings, Settings
from workers.check import clickhouse_findings
from workers.clickhouse import Away, Busy, Failed
from workers.log import LogAway

LEAST_FREE = 1 << 30  # bytes; the edge takes nothing any more with 64 MiB left
COLOURS = {"ok": "green", "warning": "yellow", "wrong": "red", "unknown": "dim"}


def findings(settings: Settings) -> list[Finding]:
    """All of it, in the order of a message's way."""
    return [
        *_told("keys", lambda: _keys(settings)),
        *_told("TLS", lambda: _certificate(settings)),
        *_folder("PENSTOCK_DATA", settings.data),
        *(_folder("PENSTOCK_SPOOL", Path(settings.spool), settings.spool_bytes) if settings.spool else ()),
        *_told("log", lambda: _log(settings)),
        *_told("ClickHouse", lambda: _clickhouse(settings)),
    ]


def show(found: list[Finding], *, as_json: bool) -> None:
    """A table for people, or a JSON object a line."""
    if as_json:
        for finding in found:
            typer.echo(msgspec.json.encode(finding))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in found:
        mend = f"\n→ {finding.mend}" if finding.mend else ""
        table.add_row(f"[{COLOURS[finding.level]}]{finding.level}[/]", finding.about, f"{finding.text}{mend}")
    Console(highlight=False).print(table)


def _told(about: str, ask: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """What asking ended with is a finding too."""
    try:
        return list(ask())
    except Busy as error:
        return [Finding("unknown", about, str(error), "ask again later")]
    except (BadSettings, Failed, Away, LogAway) as error:
        return [Finding("wrong", about, str(error))]
    except NothingRunning as error:
        return [Finding("unknown", about, str(error))]


def _keys(settings: Settings) -> Iterator[Finding]:
    path = key_file(settings)
    keys, version = read(path)
    if version is None and settings.keys:
        mend = "put it there, or leave PENSTOCK_KEYS away"
        yield Finding("wrong", "keys", f"PENSTOCK_KEYS: there is no file {path}", mend)
    elif not keys and not settings.api_key:
        yield Finding(
            "warning", "keys", f"{path} has none", "penstock keys add --role server; the first start makes one"
        )
    else:
        yield Finding("ok", "keys", f"{len(keys)} in {path}")


def _certificate(settings: Settings) -> Iterator[Finding]:
    if settings.tls_cert:
        Certificate(Path(settings.tls_cert), Path(settings.tls_key))
        yield Finding("ok", "TLS", f"{settings.tls_cert} and its key can be used")


def _folder(name: str, folder: Path, needed: int = LEAST_FREE) -> Iterator[Finding]:
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding("wrong", name, f"{folder} cannot be written", f"make it this user's, or name another with {name}")
    elif free < needed:
        mend = f"make room, or name another folder with {name}"
        yield Finding("warning", name, f"{folder} has {free >> 20} MiB free, {needed >> 20} may be needed", mend)
    else:
        yield Finding("ok", name, f"{folder} can be written, {free >> 30} GiB are free")


def _log(settings: Settings) -> Iterator[Finding]:
    if not settings.kafka:
        yield Finding("ok", "log", f"the embedded one, {settings.data / 'log.db'}")
        return
    from workers.log.kafka_check import topic_findings

    found = asyncio.run(topic_findings(settings))
    yield from found or [Finding("ok", f"topic {settings.topic}", f"as it must be, on {settings.kafka}")]


def _clickhouse(settings: Settings) -> Iterator[Finding]:
    yield from clickhouse_findings(writer_url(settings))
