"""What people's questions take, through the exact views: as loaded, in many parts, and once old parts are merged.

The data: a year of events of 250 bytes, by month as they came; customers with an id, an email and ten attributes, one
in a hundred of them erased. Each question is asked warm; `cold` is its first time on a server that has just started.
Run by `python -m tests.bench.reads [MILLIONS OF EVENTS ...]`, by default with 1 and 20.
"""

import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from deploy.clickhouse import EmbeddedClickHouse, free_port, running
from tests.bench.people import know
from workers.clickhouse import connect
from workers.connection import Connection
from workers.migrate import migrate
from workers.people.resolve import Resolver

MILLIONS = (1, 20)
CUSTOMERS = 1_000_000
MONTHS, PARTS_A_MONTH = 12, 7
ROUNDS = 7
YEAR = time.gmtime().tm_year  # this one, so that the journal has what came last
FIRST_OF_YEAR = f"toDateTime64('{YEAR}-01-01 00:00:00', 3, 'UTC')"

EVENTS = f"""
INSERT INTO messages (
    _log, _partition, _offset, _at, id, workspace, kind, subject, name, timestamp, received_at, data, context
)
WITH
    toUnixTimestamp(addMonths({FIRST_OF_YEAR}, {{month:UInt8}})) AS month,
    month + 30 * 86400 * ({{part:UInt8}} + rand(1) / 4294967296) / {PARTS_A_MONTH} AS at
SELECT
    'bench', number % 8, {{first:UInt64}} + number, toUInt64(at * 1000), toString(generateUUIDv4()), 'bench', 'event',
    -- Some are a hundred times as busy as others.
    'id:' || toString(toUInt32(pow(rand(2) / 4294967296, 2) * {{customers:UInt32}})),
    ['purchased', 'viewed', 'added', 'searched', 'signed_in'][1 + rand(3) % 5], at, at,
    '{{"price":' || toString(rand(4) % 10000 / 100) || ',"currency":"EUR","product":"a fine pair of socks",'
        || '"tags":["a","b"],"url":"https://shop.example.com/socks?ref=mail","session":"' || hex(rand64(5)) || '"}}',
    '{{"endpoint":"POST /api/v1/customers/{{identifier}}/events","ip":"203.0.113.7","user_agent":"bench/1.0"}}'
FROM numbers({{count:UInt64}})
"""
IDENTIFIES = f"""
INSERT INTO messages (
    _log, _partition, _offset, _at, id, workspace, kind, subject, links, timestamp, received_at, attributes, context
)
WITH toUnixTimestamp({FIRST_OF_YEAR}) + 3600 AS at, toString(number) AS name
SELECT
    'people', number % 8, number, at * 1000, toString(generateUUIDv4()), 'bench', 'identify', 'id:' || name,
    ['email:' || name || '@example.com'], at, at,
    arrayConcat(
        [('email', '"' || name || '@example.com"'), ('plan', ['"free"', '"basic"', '"premium"'][1 + number % 3]), ('age', toString(number % 80))],
        arrayMap(each -> ('attribute_' || toString(each), '"' || hex(rand64(each)) || '"'), range(7))
    ),
    '{{}}'
FROM numbers({{first:UInt64}}, {{count:UInt64}})
"""  # noqa: E501
ERASURES = f"""
INSERT INTO messages (_log, _partition, _offset, _at, id, workspace, kind, subject, timestamp, received_at, attributes, context)
WITH toUnixTimestamp(addMonths({FIRST_OF_YEAR}, {MONTHS})) AS at
SELECT 'erasures', number % 8, number, at * 1000, toString(generateUUIDv4()), 'bench', 'delete', 'id:' || toString(number * 100), at, at, [], '{{}}'
FROM numbers({{count:UInt64}})
"""  # noqa: E501


class Question(NamedTuple):
    """most: ms that it may take, warm; settled: once old parts are merged; 0 for no bound."""

    name: str
    sql: str
    most: int
    settled: int = 0


_OF = "WHERE workspace = 'bench' AND"
QUESTIONS = (
    Question(
        "one customer's last 100 events",
        f"SELECT * FROM events {_OF} customer = {{id:String}} AND customer_kind = 'id'"
        " ORDER BY timestamp DESC LIMIT 100",
        80,
        40,
    ),
    Question("customer(…) by id", "SELECT * FROM customer(workspace = 'bench', identifier = {id:String})", 30),
    Question("customer(…) by email", "SELECT * FROM customer(workspace = 'bench', identifier = {email:String})", 30),
    Question(
        "customer_events(…) by email",
        "SELECT * FROM customer_events(workspace = 'bench', identifier = {email:String})"
        " ORDER BY timestamp DESC LIMIT 100",
        60,
    ),
    Question(
        "count by name and day, a month",
        f"SELECT toDate(timestamp) AS day, name, count() FROM events {_OF} filed_at >= '{YEAR}-06-01'"
        f" AND filed_at < '{YEAR}-07-01' AND timestamp >= '{YEAR}-06-01' AND timestamp < '{YEAR}-07-01' GROUP BY ALL",
        300,
    ),
    Question("last 50 events of the workspace", "SELECT * FROM recent_events(workspace = 'bench') LIMIT 50", 30),
    Question("count of a year", f"SELECT count() FROM events {_OF} timestamp >= '{YEAR}-01-01'", 3000),
    Question(
        "distinct customers by week of a year",
        f"SELECT toStartOfWeek(timestamp) AS week, uniqExact(customer) FROM events {_OF} timestamp >= '{YEAR}-01-01'"
        " GROUP BY week",
        5000,
    ),
    Question(
        "customers by an attribute's value",
        f"SELECT value, count() FROM attributes {_OF} name = 'plan' GROUP BY value",
        350,
    ),
    Question("all customers as maps", "SELECT * FROM customers WHERE workspace = 'bench'", 6000),
)


def main() -> None:
    sizes = [int(each) for each in sys.argv[1:]] or list(MILLIONS)
    with tempfile.TemporaryDirectory() as folder:
        results = [measured(Path(folder), sizes[: number + 1]) for number in range(len(sizes))]
    show(sizes, results)


def measured(folder: Path, sizes: list[int]) -> dict[str, dict[str, float]]:
    """ms by question, of data that is there but for what the last size adds."""
    done, size = sum(sizes[:-1]), sizes[-1]
    with running(folder, port=free_port(0)) as server:
        load(server, first=sizes[-2] * 1_000_000 if done else 0, last=size * 1_000_000)
    with running(folder, port=free_port(0)) as server:
        client = connect(server.address.writer_url, 900)
        client.command("SYSTEM STOP MERGES")
        found = asked(client)
        client.command("SYSTEM START MERGES")
        client.command("OPTIMIZE TABLE packed_events FINAL")
        for question in QUESTIONS:
            if question.settled:
                found[question.name]["merged"] = statistics.median(_ms(client, question) for _ in range(ROUNDS))
        client.close()
    return found


def load(server: EmbeddedClickHouse, first: int, last: int) -> None:
    url = server.address.writer_url
    migrate(url)
    client = connect(url, 900)
    began = time.perf_counter()
    if not first:
        for start in range(0, CUSTOMERS, 250_000):
            client.command(IDENTIFIES, parameters={"first": start, "count": 250_000})
        know(client, CUSTOMERS)
    client.command("SYSTEM STOP MERGES packed_events")
    count = (last - first) // (MONTHS * PARTS_A_MONTH)
    for month in range(MONTHS):
        for part in range(PARTS_A_MONTH):
            given = {"month": month, "part": part, "first": first, "count": count, "customers": CUSTOMERS}
            client.command(EVENTS, parameters=given)
            first += count
    client.command(ERASURES, parameters={"count": CUSTOMERS // 100})
    forget_what_has_not_come(client)
    print(f"loaded {last:,} events in {time.perf_counter() - began:.0f} s", flush=True)
    with Connection(url) as connection:
        erased = connection.rows("SELECT DISTINCT subject_hash FROM stored_erasures")
        Resolver(connection).decide(row[0] for row in erased)
    client.close()


def forget_what_has_not_come(client: Client) -> None:
    """The journal has a week, but the year of the events may have a month left, which would be as many days of it."""
    days = client.query(
        "SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = currentDatabase()"
        " AND table = 'journal' AND partition_id > toString(toYYYYMMDD(now('UTC')))"
    ).result_rows
    for (day,) in days:
        client.command(f"ALTER TABLE journal DROP PARTITION ID '{day}'")


def asked(client: Client) -> dict[str, dict[str, float]]:
    found = {}
    for question in QUESTIONS:
        cold = _ms(client, question)
        warm = [_ms(client, question) for _ in range(ROUNDS)]
        found[question.name] = {"cold": cold, "min": min(warm), "median": statistics.median(warm), "max": max(warm)}
        print(question.name, {name: round(value) for name, value in found[question.name].items()}, flush=True)
    for table in ("packed_events", "stored_attributes", "stored_customers"):
        [[rows, parts, size]] = client.query(
            "SELECT sum(rows), count(), sum(bytes_on_disk) FROM system.parts"
            f" WHERE active AND database = currentDatabase() AND table = '{table}'"
        ).result_rows
        print(f"{table}: {rows:,} rows in {parts} parts, {size / rows:.1f} bytes a row", flush=True)
    return found


def _ms(client: Client, question: Question) -> float:
    number = random.randrange(CUSTOMERS) * 100 % CUSTOMERS + 7
    began = time.perf_counter()
    client.raw_query(question.sql, parameters={"id": str(number), "email": f"{number}@example.com"}, fmt="Native")
    return (time.perf_counter() - began) * 1e3


def show(sizes: list[int], results: list[dict[str, dict[str, float]]]) -> None:
    for size, found in zip(sizes, results, strict=True):
        print(f"\n{size} million events, ms" + " " * 26 + "cold    min median    max  merged   bound")
        for question in QUESTIONS:
            one = found[question.name]
            figures = " ".join(f"{one.get(name, 0):6.0f}" for name in ("cold", "min", "median", "max", "merged"))
            print(f"{question.name:40} {figures} {question.most:7}")
    print(json.dumps(dict(zip(map(str, sizes), results, strict=True))))


if __name__ == "__main__":
    main()
