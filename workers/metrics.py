"""What one worker counts, and what Prometheus is shown of it. Every metric's name is here, and in the README."""

from collections.abc import Mapping
from time import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STARTING = "the worker is starting"
CLICKHOUSE = ("insert", "ping")
LOG = ("log",)


class WorkerMetrics:
    """All counts of one worker, and what keeps it from its work. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.rows = Counter("penstock_worker_rows", "Records that ClickHouse has as rows.", registry=registry)
        self.batches = Counter("penstock_worker_batches", "Inserts that succeeded.", registry=registry)
        self.insert_seconds = Histogram("penstock_worker_insert_seconds", "Of an insert.", registry=registry)
        self.resolve_seconds = Histogram(
            "penstock_worker_resolve_seconds", "From an insert on, until its people are resolved.", registry=registry
        )
        self.dead_letters = Counter(
            "penstock_worker_dead_letters",
            "Records in dead_letters, by ClickHouse's code.",
            ["code"],
            registry=registry,
        )
        self.committed_at = Gauge("penstock_worker_committed_at", "Unix time of the last commit.", registry=registry)
        self.lag = Gauge(
            "penstock_worker_lag", "Records of the log that no worker has taken.", ["partition"], registry=registry
        )
        self.audit_missing = Gauge(
            "penstock_worker_audit_missing", "Offsets that the last audit found nowhere.", registry=registry
        )
        self.audit_unmatched = Gauge(
            "penstock_worker_audit_unmatched",
            "Messages without their rows, and rows without their message.",
            registry=registry,
        )
        self.audit_checked_at = Gauge(
            "penstock_worker_audit_checked_at", "Unix time of the last audit that was finished.", registry=registry
        )
        self._trouble: dict[str, str] = {"start": STARTING}
        self._reachable("penstock_worker_clickhouse_reachable", "1 if ClickHouse takes rows, else 0.", CLICKHOUSE)
        self._reachable("penstock_worker_log_reachable", "1 if the log answers, else 0.", LOG)

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def inserted(self, rows: int, seconds: float, dead: Mapping[int, int]) -> None:
        """A batch landed and was committed. dead: how many of it are dead letters, by code."""
        self.rows.inc(rows)
        self.batches.inc()
        self.insert_seconds.observe(seconds)
        self.committed_at.set(time())
        for code, count in dead.items():
            self.dead_letters.labels(code).inc(count)
        self.works("insert")

    def resolved(self, seconds: float) -> None:
        """Of the batch that landed it is known whose the rows are."""
        self.resolve_seconds.observe(seconds)

    def measured(self, lag: Mapping[int, int]) -> None:
        """The log was asked. Of every partition, also those that other workers read."""
        for partition, records in lag.items():
            self.lag.labels(partition).set(records)
        self.works("log")

    def audited(self, missing: int, unmatched: int) -> None:
        """An audit of what was appended lately is done."""
        self.audit_missing.set(missing)
        self.audit_unmatched.set(unmatched)
        self.audit_checked_at.set(time())

    def fails(self, source: str, reason: str) -> None:
        """source: `insert`, `ping` or `log`; it fails until it `works`."""
        self._trouble[source] = reason

    def works(self, source: str) -> None:
        self._trouble.pop(source, None)

    @property
    def trouble(self) -> str:
        """Why the worker is not at work, in a sentence; empty if it is."""
        return "; ".join(list(self._trouble.values()))

    def _reachable(self, name: str, text: str, sources: tuple[str, ...]) -> None:
        gauge = Gauge(name, text, registry=self.registry)
        gauge.set_function(lambda: float(not any(source in self._trouble for source in sources)))
