"""`penstock worker`: one process that pumps the log into ClickHouse until it is told to stop."""

import asyncio
import signal
from contextlib import AbstractAsyncContextManager

import structlog

from schemas.settings import BadSettings, Settings
from workers.clickhouse import Away, Failed
from workers.dead_letters import Allowance, TooManyDeadLetters
from workers.log import Reader
from workers.loop import Limits, Pump
from workers.migrate import migrate
from workers.sink import Sink

log = structlog.get_logger()


def run(settings: Settings) -> int:
    """The exit code: 0 after SIGTERM or SIGINT, 1 when a person must look. Raises `BadSettings`."""
    if not settings.clickhouse:
        raise BadSettings("PENSTOCK_CLICKHOUSE is missing: http://user:password@host:8123/database")
    try:
        asyncio.run(_run(settings))
    except (Failed, TooManyDeadLetters) as error:
        log.error("stopped: ClickHouse does not have this batch and nothing of it is lost", error=str(error))
        return 1
    return 0


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await _migrated(settings.clickhouse, stop)
    with Sink(settings.clickhouse) as sink:
        async with _reader(settings) as reader:
            await Pump(reader, sink, Limits(), Allowance(settings.dead_letter_share)).run(stop)


async def _migrated(url: str, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await asyncio.to_thread(migrate, url)
        except Away as error:
            log.warning("ClickHouse is away, trying again", error=str(error))
            await asyncio.sleep(1)
        else:
            return


def _reader(settings: Settings) -> AbstractAsyncContextManager[Reader]:
    if settings.kafka:
        from workers.log.kafka import KafkaReader

        return KafkaReader(bootstrap=settings.kafka, topic=settings.topic)
    from workers.log.sqlite import SqliteReader

    return SqliteReader(settings.data / "log.db", settings.data / "positions.db")
