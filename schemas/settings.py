"""The settings: `PENSTOCK_*` of the environment, read once per process and handed down."""

import difflib
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

PREFIX = "PENSTOCK_"
_SERVER = re.compile(r"([^\s:,\[\]]+|\[[0-9A-Fa-f:.%]+\])(:\d{1,5})?")


class BadSettings(Exception):
    """A setting is missing, unknown or contradicts another. The text names it and says what to do."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Each field is the variable `PENSTOCK_<FIELD>`; the README's table says what it is for."""

    data: Path = Path("data")
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    tls_cert: str = ""
    tls_key: str = ""
    trusted_proxies: str = ""
    allow_http: bool = False
    site_id: str = ""
    api_key: str = ""
    keys: str = ""
    rate: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    kafka: str = ""
    topic: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,200}$")] = "penstock-1"
    partitions: Annotated[int, Meta(ge=1, le=10_000)] = 8
    replication: Annotated[int, Meta(ge=1, le=100)] = 1
    clickhouse: str = ""
    clickhouse_read: str = ""
    clickhouse_tcp_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    hot_way: bool = True
    append_timeout: Annotated[float, Meta(gt=0, le=60)] = 5.0
    spool: str = ""
    spool_bytes: Annotated[int, Meta(ge=1_048_576)] = 1_073_741_824
    dead_letter_share: Annotated[float, Meta(ge=0, le=1)] = 0.1
    worker_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    purge_every: Annotated[float, Meta(ge=0)] = 3600.0
    audit_every: Annotated[float, Meta(ge=0)] = 60.0
    failpoint: str = ""


def load(environ: Mapping[str, str]) -> Settings:
    """The settings of an environment. Raises `BadSettings`."""
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    known = {PREFIX + field.upper(): field for field in Settings.__struct_fields__}
    for name in given.keys() - known.keys():
        meant = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {meant[0]}?" if meant else f"; known are {', '.join(known)}."
        raise BadSettings(f"{name} is not a setting{hint}")
    settings = Settings()
    for name, value in given.items():
        field = known[name]
        try:
            settings = msgspec.structs.replace(settings, **{field: _convert(field, value)})
        except msgspec.ValidationError as error:
            raise BadSettings(f"{name}={value!r}: {error}") from None
    return _checked(settings)


def _convert(field: str, value: str) -> object:
    if field == "data":
        return Path(value)
    types = {f.name: f.type for f in msgspec.structs.fields(Settings)}
    return msgspec.convert(value, types[field], strict=False)


def _checked(settings: Settings) -> Settings:
    if bool(settings.site_id) != bool(settings.api_key):
        raise BadSettings("PENSTOCK_SITE_ID and PENSTOCK_API_KEY belong together: set both or neither.")
    if ":" in settings.site_id:
        raise BadSettings("PENSTOCK_SITE_ID must not contain a colon: Basic auth could not carry it.")
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise BadSettings("PENSTOCK_TLS_CERT and PENSTOCK_TLS_KEY belong together: set both or neither.")
    _check_proxies(settings.trusted_proxies)
    _check_kafka(settings.kafka)
    if settings.spool and not settings.kafka:
        raise BadSettings("PENSTOCK_SPOOL needs PENSTOCK_KAFKA: the embedded log is itself a file on this disk.")
    if settings.clickhouse_read and not settings.clickhouse:
        raise BadSettings("PENSTOCK_CLICKHOUSE_READ needs PENSTOCK_CLICKHOUSE, the writer's address.")
    return settings


def _check_proxies(listed: str) -> None:
    for part in filter(None, map(str.strip, listed.split(","))):
        try:
            ip_network(part)
        except ValueError as error:
            raise BadSettings(f"PENSTOCK_TRUSTED_PROXIES: {error}; give addresses or networks.") from None


def _check_kafka(listed: str) -> None:
    for part in listed.split(",") if listed else ():
        if not _SERVER.fullmatch(part.strip()):
            raise BadSettings(f"PENSTOCK_KAFKA: {part!r} is no server; give host:9092,host:9092.")
