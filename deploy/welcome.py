"""What `penstock up` shows when it is ready: lines that work when they are pasted."""

import shlex
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import typer

from deploy.clickhouse import PORT
from deploy.instance import Instance
from schemas.settings import Settings


def welcome(settings: Settings, instance: Instance, site_id: str, api_key: str, took: float) -> str:
    """The whole text."""
    keys = shlex.quote(f"{site_id}:{api_key}")
    log = f"Kafka at {settings.kafka}" if settings.kafka else "the embedded log"
    return "\n".join(
        [
            "",
            f"{_bold('Penstock is ready')} after {took:.1f} s, with {log}. Ctrl-C stops it.",
            f"What it keeps is in {settings.data}.",
            "",
            f"{_bold('Send')}     {instance.edge}",
            f"         site id {_bold(site_id)}   API key {_bold(api_key)}",
            "",
            f"  curl -u {keys} {instance.edge}/api/v1/customers/42 -X PUT -d email=bob@example.com -d plan=premium",
            f"  curl -u {keys} {instance.edge}/api/v1/customers/42/events -d name=signed_up",
            "",
            *_reading(settings, instance),
            "",
        ]
    )


def _reading(settings: Settings, instance: Instance) -> list[str]:
    if not instance.clickhouse_read:
        return [f"{_bold('Read')}     set PENSTOCK_CLICKHOUSE_READ to the address of a user who may only read."]
    url = urlsplit(instance.clickhouse_read)
    embedded_elsewhere = not settings.clickhouse and url.port != PORT
    remark = f" ({PORT} was taken)" if embedded_elsewhere else ""
    return [
        f"{_bold('Read')}     {url.scheme}://{url.hostname}:{url.port}{remark}   ClickHouse, database {url.path[1:]}",
        f"         user {_bold(unquote(url.username or ''))}   password {_bold(unquote(url.password or ''))}",
        "",
        *(f'  {_command(settings)} query "SELECT * FROM {view}"' for view in ("events", "customers")),  # noqa: S608
    ]


def _command(settings: Settings) -> str:
    """How this very `penstock` is called from here, on this data folder."""
    own = Path(sys.executable).with_name("penstock")
    if shutil.which("penstock") == str(own):
        command = "penstock"
    elif own.exists():
        command = shlex.quote(_from_here(own))
    else:
        command = f"{shlex.quote(sys.executable)} -m deploy.cli"
    if settings.data == Settings().data.resolve():
        return command
    return f"PENSTOCK_DATA={shlex.quote(str(settings.data))} {command}"


def _from_here(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _bold(text: str) -> str:
    return typer.style(text, bold=True)
