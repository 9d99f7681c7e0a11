"""Edge, Kafka, two workers and ClickHouse, in processes of their own."""

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clickhouse import ClickHouse
from tests.load import Request, send
from tests.ports import free_port
from tests.running import CREDENTIALS, answers, asked, eventually, penstock, stop

REQUESTS = 15_000
CUSTOMERS = 4_000


def mixed(count: int, customers: int, rng: random.Random) -> Iterator[Request]:
    """Creates, updates, deletions and events of some customers."""
    for number in range(count):
        customer = rng.randrange(customers)
        match rng.choices(["event", "identify", "delete"], [75, 22, 3])[0]:
            case "event":
                body = {"name": "e", "data": {"n": number}}
                yield Request("POST", f"/api/v1/customers/{customer}/events", json.dumps(body).encode())
            case "identify":
                value: int | str | None = rng.choice((number, str(number), None))
                attributes = json.dumps({f"a{rng.randrange(4)}": value}).encode()
                yield Request("PUT", f"/api/v1/customers/{customer}", attributes)
            case _:
                yield Request("DELETE", f"/api/v1/customers/{customer}")


def expected(requests: list[Request]) -> tuple[dict[str, list[int]], dict[str, dict[str, str]]]:
    """Ten lines of Python that say what the views must say."""
    events: dict[str, list[int]] = {}
    customers: dict[str, dict[str, str]] = {}
    for request in requests:
        customer = request.path.split("/")[4]
        if request.method == "DELETE":
            events.pop(customer, None), customers.pop(customer, None)
        elif request.method == "POST":
            customers.setdefault(customer, {})
            events.setdefault(customer, []).append(json.loads(request.body)["data"]["n"])
        else:
            customers.setdefault(customer, {}).update(json.loads(request.body))
    present = {c: {k: str(v) for k, v in a.items() if v is not None} for c, a in customers.items()}
    return {customer: sorted(numbers) for customer, numbers in events.items() if numbers}, present


@pytest.mark.kafka
@pytest.mark.slow
async def test_views_equal_the_requests_with_two_workers(
    kafka: str, topic: str, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    """Creates, updates, deletions and events over eight connections: the views equal the model, to the row."""
    settings = CREDENTIALS | {
        "PENSTOCK_SITE_ID": topic[-20:],
        "PENSTOCK_DATA": str(tmp_path),
        "PENSTOCK_PORT": str(free_port()),
        "PENSTOCK_KAFKA": kafka,
        "PENSTOCK_TOPIC": topic,
        "PENSTOCK_CLICKHOUSE": clickhouse.writer_url,
        "PENSTOCK_CLICKHOUSE_READ": clickhouse.reader_url,
    }
    with ExitStack() as processes:
        running = [penstock(name, settings=settings) for name in ("edge", "worker", "worker")]
        for process in running:
            processes.callback(process.kill)
        await asyncio.to_thread(answers, int(settings["PENSTOCK_PORT"]))
        requests = list(mixed(REQUESTS, CUSTOMERS, random.Random(7)))
        taken = await send(int(settings["PENSTOCK_PORT"]), requests, site=topic[-20:])
        assert len(taken) == len(requests)

        here = f"WHERE workspace = '{topic[-20:]}'"
        events, customers = expected(taken)
        # All of them first: before the last deletion there may be as many events as after it, but others.
        come = f"SELECT uniqExact(_log, _partition, _offset) >= {len(taken)} AS come FROM journal {here}"
        await asyncio.to_thread(eventually, come, settings, [{"come": 1}], 120)
        total = [{"n": sum(map(len, events.values()))}]
        await asyncio.to_thread(eventually, f"SELECT toUInt32(count()) AS n FROM events {here}", settings, total, 60)
        rows = asked(
            "SELECT customer, arraySort(groupArray(JSONExtractUInt(data, 'n'))) AS numbers"
            f" FROM events {here} GROUP BY customer SETTINGS output_format_json_quote_64bit_integers = 0",
            settings,
        )
        assert {row["customer"]: row["numbers"] for row in rows} == events
        rows = asked(f"SELECT customer, attributes FROM customers {here}", settings)
        assert {row["customer"]: row["attributes"] for row in rows} == customers
        assert [stop(process) for process in running] == [0, 0, 0]
