"""`penstock worker`: one process that pumps the log into ClickHouse until it is told to stop."""

import asyncio
import gc
import signal
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial

import structlog

from schemas.settings import BadSettings, Settings
from workers import watch
from workers.audit.audit import RecentAudit
from workers.clickhouse import Failed
from workers.dead_letters import Allowance, TooManyDeadLetters
from workers.gathering import Limits
from workers.log import LogBroken, LogReplaced, Reader
from workers.loop import Pump
from workers.metrics import WorkerMetrics
from workers.metrics_server import served
from workers.purge import purge_when_due
from workers.schedule import beside, every
from workers.sink import Sink
from workers.start import prepared

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
    except LogBroken as error:
        log.error("stopped: the log cannot be read, nothing is committed that was not", error=str(error))
        return 1
    except LogReplaced as error:
        log.error("stopped: start it again to read the new log from its beginning", error=str(error))
        return 1
    return 0


async def _run(settings: Settings) -> None:
    # Two batches of records live for seconds, in no cycles: to go through them over and over costs as much as to read.
    gc.set_threshold(50_000)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics = WorkerMetrics()
    with served(settings, metrics), Sink(settings.clickhouse) as sink:
        await prepared(settings, stop)
        async with _reader(settings) as reader, beside(*_jobs(settings, metrics, stop)):
            await Pump(reader, sink, Limits(), Allowance(settings.dead_letter_share), metrics).run(stop)


def _jobs(settings: Settings, metrics: WorkerMetrics, stop: asyncio.Event) -> Iterator[Coroutine[None, None, None]]:
    if settings.worker_port:
        yield every(watch.EVERY, watch.Watch(settings, metrics).look, stop, name="watch")
    yield every(settings.audit_every, RecentAudit(settings, metrics).look, stop, name="audit")
    purge = partial(purge_when_due, settings.clickhouse, settings.purge_every)
    yield every(settings.purge_every, purge, stop, name="purge")


def _reader(settings: Settings) -> AbstractAsyncContextManager[Reader]:
    if settings.kafka:
        from workers.log.kafka import KafkaReader

        return KafkaReader(bootstrap=settings.kafka, topic=settings.topic, partitions=settings.partitions)
    from workers.log.sqlite import SqliteReader

    return SqliteReader(settings.data / "log.db", settings.data / "positions.db")
