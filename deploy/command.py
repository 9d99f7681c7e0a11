"""What every command has in common: settings read once, an address to ask, and one line when something is wrong."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from schemas import failpoints
from schemas.settings import BadSettings, Settings, load

BAD_SETTINGS = 2


@contextmanager
def configured() -> Iterator[Settings]:
    """The settings of this process. Bad ones end it with one line and exit code 2."""
    try:
        settings = load(os.environ)
        failpoints.arm(settings.failpoint)
        yield settings
    except BadSettings as error:
        fail(str(error), BAD_SETTINGS)


@contextmanager
def asking() -> Iterator[str]:
    """The reader's address of the running instance. What goes wrong ends the process with one line."""
    with configured() as settings:
        from deploy.instance import NothingRunning, reader_url
        from deploy.query import QueryFailed

        try:
            yield reader_url(settings)
        except (NothingRunning, QueryFailed) as error:
            fail(str(error))
        except BrokenPipeError:  # the reader of our output had enough, as in `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def working() -> Iterator[tuple[Settings, str]]:
    """The settings, and the address of the ClickHouse of the running instance for a user who may write. What goes wrong
    ends the process with one line."""
    with configured() as settings:
        from deploy.instance import NothingRunning, writer_url
        from workers.clickhouse import Away, Failed

        logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # it raises what it logs
        try:
            yield settings, writer_url(settings)
        except (NothingRunning, Away, Failed) as error:
            fail(str(error))


def begin(process: str, *, owned: bool = False, quiet: bool = False) -> None:
    """What those do that live longer than an answer."""
    from deploy.children import stop_with_parent
    from deploy.logs import configure

    if owned:
        stop_with_parent()
    configure(process, logging.WARNING if quiet else logging.INFO)


def fail(text: str, code: int = 1) -> NoReturn:
    typer.secho(text, err=True, fg=typer.colors.RED)
    raise typer.Exit(code)
