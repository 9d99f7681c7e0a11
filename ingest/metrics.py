"""What the edge counts, and what Prometheus is shown of it. Every metric's name is here, and in the README.

The counts are plain numbers, made into metrics when somebody asks: prometheus_client's own counters take a lock each
time, which costs a request as much as its JSON does.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

REQUESTS = "penstock_edge_requests"
DURATION = "penstock_edge_request_seconds"
BODY_BYTES = "penstock_edge_body_bytes"
REFUSALS = "penstock_edge_refusals"
REJECTIONS = "penstock_edge_rejections"
APPEND_DURATION = "penstock_edge_append_seconds"
BUDGET_USED = "penstock_edge_bytes_in_flight"
CONNECTIONS = "penstock_edge_connections"
LOG_REACHABLE = "penstock_edge_log_reachable"
SPOOLING = "penstock_edge_spooling"
SPOOL_RECORDS = "penstock_edge_spool_records"
SPOOL_BYTES = "penstock_edge_spool_bytes"
SPOOL_OLDEST = "penstock_edge_spool_oldest_seconds"

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"
# Of all that has no endpoint: whoever makes up paths must not make up metrics.
OTHER = "other"
_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Durations:
    """How long something took: how often within each bound, and in all."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        return list(zip([*map(str, _BOUNDS), "+Inf"], accumulate(self.counts), strict=True))


class Tally:
    """What became of one endpoint's requests."""

    __slots__ = ("durations", "statuses")

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.durations = Durations()

    def answered(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        self.durations.add(seconds)


class Metrics(Collector):
    """All counts of one edge. The gauges are asked for when somebody looks, and may be set by whoever knows them."""

    def __init__(self, endpoints: Iterable[str]) -> None:
        self.tallies = {name: Tally() for name in (*endpoints, OTHER)}
        self.refusals: Counter[str] = Counter()
        self.rejections: Counter[str] = Counter()
        self.appends = Durations()
        self.body_bytes = 0
        self.gauges: dict[str, Callable[[], float]] = {}
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """May run in another thread than the one that counts: what can grow is copied first."""
        yield from self._requests()
        yield _by_reason(REFUSALS, "Refused requests by reason.", self.refusals)
        yield _by_reason(REJECTIONS, "Answered 200 and not kept, by reason.", self.rejections)
        yield CounterMetricFamily(BODY_BYTES, "Bytes of bodies read, as they were sent.", value=self.body_bytes)
        yield HistogramMetricFamily(
            APPEND_DURATION,
            "From handing a message to the log until it is durable.",
            buckets=self.appends.buckets(),
            sum_value=self.appends.total,
        )
        for name, value in self.gauges.items():
            yield GaugeMetricFamily(name, _GAUGES[name], value=value())

    def _requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(REQUESTS, "Answers by endpoint and status.", labels=["endpoint", "status"])
        durations = HistogramMetricFamily(DURATION, "From a request's head to its answer.", labels=["endpoint"])
        for endpoint, tally in self.tallies.items():
            for status, count in list(tally.statuses.items()):
                requests.add_metric([endpoint, str(status)], count)
            durations.add_metric([endpoint], tally.durations.buckets(), tally.durations.total)
        yield requests
        yield durations


def _by_reason(name: str, text: str, counts: Counter[str]) -> Metric:
    family = CounterMetricFamily(name, text, labels=["reason"])
    for reason, count in list(counts.items()):
        family.add_metric([reason], count)
    return family


_GAUGES = {
    BUDGET_USED: "Bytes of bodies in the process now.",
    CONNECTIONS: "Open connections.",
    LOG_REACHABLE: "1 if the log can be reached, else 0.",
    SPOOLING: "1 while messages go to the spool, else 0.",
    SPOOL_RECORDS: "Messages in the spool.",
    SPOOL_BYTES: "Bytes of the spool's file that are in use.",
    SPOOL_OLDEST: "How long the oldest message has been in the spool.",
}
