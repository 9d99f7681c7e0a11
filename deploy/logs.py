"""One way to log for every process: one line per event on stderr, JSON unless a person is looking."""

import logging
import sys
import time

from deploy.without_rich import Processor, structlog

# What these log, they raise as well, and then it is ours to say.
RAISING = frozenset({"urllib3", "clickhouse_connect"})
# While Kafka is away it says so seventy times a second, in as many lines.
REPEATING = "aiokafka"
REPEATING_PAUSE = 10.0  # s between two lines that say the same

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
    handler.addFilter(_Seldom())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _worth_a_line(record: logging.LogRecord) -> bool:
    if record.name.partition(".")[0] in RAISING:
        return False
    return record.levelno >= logging.WARNING or isinstance(record.msg, dict)  # structlog hands over a dict


class _Seldom(logging.Filter):
    """Of what `REPEATING` says again and again one line passes each `REPEATING_PAUSE`, with how many were left out."""

    def __init__(self) -> None:
        super().__init__(REPEATING)
        self._heard: dict[str, tuple[float, int]] = {}  # by what is said: when last, and how many were left out since

    def filter(self, record: logging.LogRecord) -> bool:
        if not super().filter(record):
            return True
        said, now = str(record.msg), time.monotonic()
        last, left_out = self._heard.get(said, (-REPEATING_PAUSE, 0))
        if now - last < REPEATING_PAUSE:
            self._heard[said] = last, left_out + 1
            return False
        self._heard[said] = now, 0
        if left_out:
            record.msg = f"{record.msg} (and {left_out} more since the last such line)"
        return True


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
