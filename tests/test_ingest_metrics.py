"""Metrics: what is counted is what happened, for those who may see it, and no client can make more of them."""

import gzip
import re
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest import metrics
from ingest.errors import Unavailable
from ingest.metrics_server import metrics_port
from schemas.settings import BadSettings, Settings
from tests.calling import EVENTS, Called, edge
from tests.ports import free_port

BODY = b'{"name":"x"}'
README = Path(__file__).parent.parent / "README.md"
ENDPOINT = "POST /api/v1/customers/{identifier}/events"


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return edge(tmp_path)


def values(text: str) -> dict[tuple[str, ...], float]:
    """Each sample's value, by its name and its labels' values."""
    families = text_string_to_metric_families(text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def shown(called: Called) -> dict[tuple[str, ...], float]:
    answer = called.send("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return values(answer.body.decode())


def test_requests_are_counted_by_endpoint_and_status(called: Called) -> None:
    """Their bodies' bytes, durations and appends too."""
    for body in (BODY, BODY, b"{"):
        called.events(body)
    called.log.error = Unavailable("away")
    called.events(gzip.compress(BODY), content_encoding="gzip")
    called.send("OPTIONS", EVENTS)

    found = shown(called)

    assert found["penstock_edge_requests_total", ENDPOINT, "200"] == 2
    assert found["penstock_edge_requests_total", ENDPOINT, "400"] == 1
    assert found["penstock_edge_requests_total", ENDPOINT, "503"] == 1
    assert found["penstock_edge_request_seconds_count", ENDPOINT] == 4
    assert found["penstock_edge_request_seconds_bucket", ENDPOINT, "+Inf"] == 4
    assert 0 < found["penstock_edge_request_seconds_sum", ENDPOINT] < 4
    assert found["penstock_edge_append_seconds_count",] == 2
    assert found["penstock_edge_refusals_total", "bad_request"] == 1
    assert found["penstock_edge_refusals_total", "log"] == 1
    assert found["penstock_edge_body_bytes_total",] == 2 * len(BODY) + 1 + len(gzip.compress(BODY))
    assert found["penstock_edge_bytes_in_flight",] == 0
    assert found["penstock_edge_log_reachable",] == 1
    called.log.away = True
    assert shown(called)["penstock_edge_log_reachable",] == 0
    assert shown(called)["penstock_edge_requests_total", "GET /metrics", "200"] == 2


def test_no_client_can_make_up_metrics(called: Called) -> None:
    """Unknown paths and methods are one."""
    before = len(shown(called))
    for number in range(200):
        called.send("GET", f"/{number}")
        called.send(f"M{number}", EVENTS)
        called.send("PUT", f"/api/v1/customers/{number}")

    found = shown(called)

    assert found["penstock_edge_requests_total", "other", "404"] == 200
    assert found["penstock_edge_requests_total", "other", "405"] == 200
    assert found["penstock_edge_requests_total", "PUT /api/v1/customers/{identifier}", "200"] == 200
    assert len(found) - before < 10


def test_metrics_want_a_key(called: Called) -> None:
    """Else JSON, as everywhere."""
    answer = called.send("GET", "/metrics", authorization="")

    assert (answer.status, answer.json) == (401, {"meta": {"error": "Unauthorized request"}})


def test_a_port_of_their_own_wants_none(called: Called) -> None:
    """For a Prometheus that has no key, while the edge runs."""
    port = free_port()
    called.events(BODY)

    with metrics_port(Settings(metrics_port=port), called.app.state.edge):
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            found = values(answer.read().decode())
        with ExitStack() as stack, pytest.raises(BadSettings, match="PENSTOCK_METRICS_PORT"):
            stack.enter_context(metrics_port(Settings(metrics_port=port), called.app.state.edge))

    assert found["penstock_edge_requests_total", ENDPOINT, "200"] == 1
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/metrics")


def test_every_metric_is_in_the_readme(called: Called) -> None:
    """And the README names no other."""
    names = {value for value in vars(metrics).values() if isinstance(value, str) and value.startswith("penstock_edge_")}
    text = README.read_text()

    for name in names:
        assert f"`{name}" in text
    assert {name.removesuffix("_total") for name in re.findall(r"penstock_edge_\w+", text)} == names


def test_durations_fall_into_their_buckets() -> None:
    """A bound belongs to its bucket, and what is over all of them to the last."""
    durations = metrics.Durations()
    for seconds in (0.0, 0.0005, 0.0006, 10.0, 11.0):
        durations.add(seconds)

    buckets = dict(durations.buckets())

    assert (buckets["0.0005"], buckets["0.001"], buckets["5.0"], buckets["10.0"], buckets["+Inf"]) == (2, 3, 3, 4, 5)
