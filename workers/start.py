"""What a worker does before its first batch: the tables are made, and nothing contradicts the promise."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import structlog

from schemas.findings import Finding, refuse
from schemas.settings import BadSettings, Settings
from workers.check import admitted, clickhouse_findings
from workers.clickhouse import Away
from workers.log import LogAway
from workers.migrate import Contradiction, migrate
from workers.people.anew import resolve_all
from workers.schedule import done_before, started

PAUSE, LONGEST_PAUSE = 0.25, 2.0

log = structlog.get_logger()


async def prepared(settings: Settings, stop: asyncio.Event) -> None:
    """Return when it may begin, or was stopped, at once then, whatever ClickHouse is at; it and Kafka are waited for.
    Raises `BadSettings`, `Failed`."""
    await _judged(lambda: started(partial(_tables, settings.clickhouse), name="start"), stop)
    if settings.kafka:
        from workers.log.kafka_check import topic_findings

        await _judged(lambda: asyncio.create_task(topic_findings(settings)), stop)


async def _judged(ask: Callable[[], asyncio.Future[list[Finding]]], stop: asyncio.Event) -> None:
    pause = PAUSE
    while not stop.is_set():
        asked = ask()
        if not await done_before(stop, asked):
            return
        try:
            findings = asked.result()
        except (Away, LogAway) as error:
            log.warning("cannot begin yet, trying again", wait=pause, error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            refuse(findings)
            for finding in findings:
                if finding.level == "warning":
                    log.warning("at_risk", about=finding.about, reason=finding.text, remedy=finding.mend)
            return


def _tables(url: str) -> list[Finding]:
    admitted(url).close()
    try:
        migrate(url)
        resolve_all(url)
    except Contradiction as error:
        raise BadSettings(str(error)) from None
    return clickhouse_findings(url)
