"""What `penstock up` shows when it is ready: lines that work when they are pasted."""

import shlex
import shutil
import socket
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import typer

from deploy.clickhouse import PORT
from deploy.instance import Instance
from ingest.keys.first import Credentials
from ingest.origins import advice, refuses_plain_http
from schemas.settings import Settings


def welcome(settings: Settings, instance: Instance, pair: Credentials | None, took: float) -> str:
    """The whole text. pair: what to call with; None if it was shown once, when it was made."""
    log = f"Kafka at {settings.kafka}" if settings.kafka else "the embedded log"
    return "\n".join(
        [
            "",
            f"{_bold('Penstock is ready')} after {took:.1f} s, with {log}. Ctrl-C stops it.",
            f"What it keeps is in {settings.data}.",
            "",
            f"{_bold('Send')}     {instance.edge}",
            *_refusing(settings),
            *_sending(settings, instance.edge, pair),
            "",
            *_reading(settings, instance),
            "",
        ]
    )


def _refusing(settings: Settings) -> list[str]:
    if settings.tls_cert or not refuses_plain_http(settings, _bound_to(settings)):
        return []
    return [f"         {_bold('Plain HTTP is refused on ' + settings.host)}: {advice(settings)}.", ""]


def _bound_to(settings: Settings) -> str:
    return str(socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][4][0])


def _sending(settings: Settings, edge: str, pair: Credentials | None) -> list[str]:
    if pair is None:
        command = _command(settings)
        return [
            "         Keys are shown once, when they are made. List them, or make another:",
            "",
            f"  {command} keys list",
            f"  {command} keys add --role server",
        ]
    user = shlex.quote(f"{pair.site_id}:{pair.api_key}")
    return [
        f"         site id {_bold(pair.site_id)}   API key {_bold(pair.api_key)}",
        "",
        f"  curl -u {user} {edge}/api/v1/customers/42 -X PUT -d email=bob@example.com -d plan=premium",
        f"  curl -u {user} {edge}/api/v1/customers/42/events -d name=signed_up",
    ]


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
        command = f"{shlex.quote(sys.executable)} -m deploy.start"
    if settings.data == Settings().data.resolve():
        return command
    return f"PENSTOCK_DATA={shlex.quote(str(settings.data))} {command}"


def _from_here(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _bold(text: str) -> str:
    return typer.style(text, bold=True)
