"""`penstock person`: the page for a terminal, and the document for a script."""

import json
import subprocess
import sys
from io import StringIO

from rich.console import Console

from deploy.person import show
from tests.embedded import Embedded, made
from tests.running import environment
from tests.test_person import identify, known

ODD = "a\nb'c\\d\x1b[2J[red]\u202e\x9b" + "y" * 1000


def test_page_holds_whatever_a_client_sent(place: Embedded) -> None:
    """Neither control characters nor markup do anything to a terminal, and nothing is wider than it."""
    place.land(
        identify(1, f"id:{ODD[:150]}", "email:bob@example.com", **{f"a{number}": ODD for number in range(30)}),
        made(2, subject=f"id:{ODD[:150]}", name=ODD[:100]),
        made(3, "add_device", f"id:{ODD[:150]}", target=ODD, name="ios"),
    )
    person = known(place, f"id:{ODD[:150]}")

    for width in (40, 80, 140):
        out = StringIO()
        show(Console(file=out, width=width, highlight=False), person)

        lines = out.getvalue().split("\n")
        assert max(map(len, lines)) <= width
        assert all(line.isprintable() for line in lines)
        assert "[red]" in out.getvalue().replace("\n", "")
        assert "see --json" in " ".join(out.getvalue().split())


def penstock(place: Embedded, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {"PENSTOCK_DATA": str(place.settings.data), "PENSTOCK_CLICKHOUSE": place.settings.clickhouse}
    command = [sys.executable, "-m", "deploy.cli", "person", *arguments]
    return subprocess.run(command, env=environment(**settings), capture_output=True, text=True, timeout=100)


def test_command_prints_a_page_or_one_document(place: Embedded) -> None:
    """Who is nobody ends with 1 and a sentence; as JSON too."""
    place.land(identify(1, "id:5", "email:bob@example.com", plan="paid"), made(2, subject="id:5", name="bought"))
    place.land(identify(3, "id:6", plan="paid"), made(4, "delete", "id:6", name=""))

    page = penstock(place, "bob@example.com")
    told = penstock(place, "5", "--json", "--events", "1")
    erased = penstock(place, "6")
    unknown = penstock(place, "7", "--json")

    assert [done.returncode for done in (page, told, erased, unknown)] == [0, 0, 1, 1], page.stderr
    for text in ("id:5 in site", "email:bob@example.com", '"paid"', "bought", made(1).id):
        assert text in page.stdout
    document = json.loads(told.stdout)
    assert document["state"] == "known"
    assert document["person"]["attributes"][0]["value"] == "paid"
    assert document["person"]["events"][0]["data"] == {}
    assert (made(4).id in erased.stdout, "paid" in erased.stdout) == (True, False)
    assert json.loads(unknown.stdout) | {"identifier": ""} == {
        "state": "unknown",
        "identifier": "",
        "workspaces": [],
        "erasure": "",
        "erased_at": None,
        "person": None,
    }
