"""Looks every few seconds whether the log and ClickHouse answer, and how far behind the workers are."""

import asyncio

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.settings import Settings
from workers.clickhouse import Away, Failed, connect, translated
from workers.log import LogAway
from workers.log.places import log_state
from workers.metrics import WorkerMetrics

EVERY = 5.0  # s
PATIENCE = 5.0  # s, then ClickHouse does not answer


class Watch:
    """What it sees it tells the metrics."""

    def __init__(self, settings: Settings, metrics: WorkerMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._client: Client | None = None

    def look(self) -> None:
        """Blocking; in any thread, one call at a time. Raises `BadSettings` if the topic contradicts the settings."""
        try:
            self._metrics.measured(asyncio.run(log_state(self._settings)).lag)
        except LogAway as error:
            self._metrics.fails("log", f"the log is away: {error}")
        try:
            self._ping()
        except (Away, Failed) as error:
            self._metrics.fails("ping", f"ClickHouse is away: {error}")
        else:
            self._metrics.works("ping")
        self._metrics.works("start")

    def _ping(self) -> None:
        self._client = self._client or connect(self._settings.clickhouse, PATIENCE)
        try:
            self._client.command("SELECT 1")
        except ClickHouseError as error:
            self._client.close()
            self._client = None
            raise translated(error) from None
