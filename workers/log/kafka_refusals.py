"""What Kafka says that waiting will not mend, as an error of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import (
    CorruptRecordException,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from workers.log import LogAway, LogBroken

UNREADABLE = (KafkaError, UnicodeDecodeError)
MENDS = {
    CorruptRecordException: "Bytes of it are not what was written. If a restart meets it again they are so on the"
    " broker's disk: let another copy lead, or delete the records up to behind them with kafka-delete-records; the"
    " worker then tells which it passed over, as log_jumped.",
    GroupAuthorizationFailedError: "Let the worker's user read the group.",
    TopicAuthorizationFailedError: "Let the worker's user read and describe the topic, and describe its configs.",
    UnicodeDecodeError: "The name of a record's header is no UTF-8, so no edge wrote it: delete the records up to"
    " behind it with kafka-delete-records.",
}


@contextmanager
def translated(topic: str) -> Iterator[None]:
    """Raises `LogBroken` for aiokafka's errors, and for what it cannot unpack."""
    try:
        yield
    except UNREADABLE as error:
        raise broken(topic, error) from error


def broken(topic: str, error: Exception) -> LogBroken:
    return LogBroken(f"topic {topic}: {error!r}. {MENDS.get(type(error), '')}".rstrip())


def away(bootstrap: str, error: Exception) -> LogAway:
    """The same for whoever may ask again: what to do is said, but nothing ends by it."""
    if mend := MENDS.get(type(error)):
        return LogAway(f"Kafka at {bootstrap} refuses: {error!r}. {mend}")
    return LogAway(f"Kafka at {bootstrap} does not answer: {error!r}")
