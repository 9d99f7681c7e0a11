"""`customer(…)` shows the row of `customers`, also of odd texts."""

import json
from dataclasses import replace

from clickhouse_connect.driver.client import Client

from tests.placed import Placed
from tests.tables import land
from tests.telling import W, identify, say
from workers.sink import Sink

# Quotes, what they are escaped by, and what may be taken for a parameter or for nothing.
ODD = json.dumps("it's \\ \" \t \n \r \0 \u2028 ü {by:Identifier} \\N")[1:-1]
TOLD: dict[str, list[Placed]] = {
    "plain": [
        identify(1, "id:o'dd\\1", "email:a@x.com", **{"name " + ODD: ODD, "unset": "x", "email": "a@x.com"}),
        identify(2, "email:a@x.com", unset=""),
    ],
    "once anonymous": [identify(1, "id:2", "anon:a", plan="free"), say(2, "event", "anon:a", name="e")],
    "merged": [
        identify(1, "id:3", plan="a"),
        identify(2, "id:4", plan="b", age="1"),
        say(3, "merge", "id:3", "id:4"),
    ],
    "deleted": [identify(1, "id:5", plan="a"), say(2, "delete", "id:5"), identify(3, "id:5", age="2")],
    "refused": [
        identify(1, "id:6", "email:c@x.com"),
        identify(2, "id:7"),
        identify(3, "id:7", "email:c@x.com", email="c@x.com"),
    ],
    # Of one version: under which identifier decides.
    "at once": [
        identify(1, "id:9", "email:d@x.com", "phone:+491"),
        *(
            replace(identify(2, subject, said=subject), partition=number)
            for number, subject in enumerate(("email:d@x.com", "phone:+491", "id:9"))
        ),
    ],
    "huge": [identify(1, "id:8", **{f"attribute {number}": ODD * 5 for number in range(2_000)})],
    "nobody": [say(1, "event", "anon:b", name="e")],
}


def test_one_row_is_that_of_all(own: str, there: Client) -> None:
    """Whatever happened to it."""
    with Sink(own) as sink:
        for way, records in TOLD.items():
            land(sink, way, records)

    for way, records in TOLD.items():
        asked = {"workspace": W, "identifier": records[-1].message.subject}
        alone = there.query(
            "SELECT * FROM customer(workspace = {workspace:String}, identifier = {identifier:String})", asked
        ).result_rows

        assert (
            alone
            == there.query("SELECT * FROM customers WHERE has(identifiers, {identifier:String})", asked).result_rows
        )
        assert bool(alone) == (way != "nobody")
