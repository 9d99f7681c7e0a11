"""One way to log for every process: one line per event on stderr, JSON unless a person is looking."""

import logging
import sys

import structlog
from structlog.typing import Processor

# What these log, they raise as well, and then it is ours to say.
RAISING = frozenset({"urllib3", "clickhouse_connect"})

# Without local variables: they hold keys and bodies.
_tracebacks = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


def configure(process: str, level: int = logging.INFO) -> None:
    """Call once per process. `process` stands in every line; uvicorn and aiokafka speak from WARNING on."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _naming(process),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last_steps()))
    handler.addFilter(_worth_a_line)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _worth_a_line(record: logging.LogRecord) -> bool:
    if record.name.partition(".")[0] in RAISING:
        return False
    return record.levelno >= logging.WARNING or isinstance(record.msg, dict)  # structlog hands over a dict


def _last_steps() -> list[Processor]:
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if sys.stderr.isatty():
        return [
            remove,
            structlog.dev.ConsoleRenderer(pad_event_to=0, exception_formatter=structlog.dev.plain_traceback),
        ]
    return [remove, _tracebacks, _in_order, structlog.processors.JSONRenderer()]


def _in_order(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {**{name: event[name] for name in ("timestamp", "process", "level", "event") if name in event}, **event}


def _naming(process: str) -> Processor:
    def add_process(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    return add_process
