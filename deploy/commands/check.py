"""`penstock check`: whether everything is as the promises need it."""

from typing import Annotated

import typer

from deploy.command import begin, configured


def check(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Look whether settings, keys, disks, the topic and ClickHouse's tables are what the promises need.

    It changes nothing. Every start looks at the same and refuses on what is wrong. Exit code 1 if something is; what
    cannot be asked now, since the instance is down, is said and is not wrong.
    """
    with configured() as settings:
        begin("check", quiet=True)
        from deploy.check import findings, show

        found = findings(settings)
        show(found, as_json=as_json)
        raise typer.Exit(any(finding.level == "wrong" for finding in found))
