"""A replay as it is asked for: its source, its target, and where it goes on."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field, replace

import msgspec

from schemas.settings import Settings
from workers.connection import Connection
from workers.log.places import log_state
from workers.log.ranges import ranges
from workers.replay import Show, Source, dead_letters, journal, log
from workers.replay.dead_letters import DeadLetterSource
from workers.replay.journal import JournalSource
from workers.replay.log import LogSource
from workers.replay.pace import Pace
from workers.replay.patience import Patience
from workers.replay.positions import Positions, Progress
from workers.replay.rehearsal import Rehearsal, session
from workers.replay.run import Replay, Summary
from workers.replay.selection import Selection
from workers.replay.tables import Tables


class NothingToResume(Exception):
    """No replay with these options was begun, or it came to its end."""


@dataclass(frozen=True)
class Order:
    """source: journal, log or dead-letters.

    written: the times as they were given: `2h` names the same replay tomorrow, and means what it meant at its start.
    rows: the most that one insert takes; None leaves it to the source.
    """

    source: str
    selection: Selection
    written: tuple[str, str] = ("", "")
    pace: Pace = field(default_factory=Pace)
    resume: bool = False
    rows: int | None = None

    @property
    def options(self) -> str:
        """What is the same in a replay and in one that resumes it."""
        chosen = {name: value for name, value in asdict(self.selection).items() if name not in ("since", "until")}
        return msgspec.json.encode([self.source, *self.written, chosen]).decode()


async def replay(settings: Settings, url: str, order: Order, show: Show) -> Summary:
    """Do it. Raises as `Replay.run` does, and `NothingToResume`."""
    with Connection(url) as connection, _stopping() as stop:
        patience = Patience(show, stop)
        positions = Positions(connection, order.source, order.options)
        progress = Progress(order.selection.since, order.selection.until)
        if order.resume:
            progress = await _kept(positions, patience)
            order = replace(order, selection=replace(order.selection, since=progress.since, until=progress.until))
        async with _source(settings, connection, order, patience) as source:
            return await Replay(source, Tables(connection), positions, order.pace, show, patience).run(progress)


async def rehearse(settings: Settings, url: str, order: Order, show: Show) -> tuple[Summary, Rehearsal]:
    """Find out what it would do, and change nothing. Raises as `Replay.run` does."""
    with Connection(url) as reading, Connection(url, session()) as trying, _stopping() as stop:
        rehearsal, patience = Rehearsal(trying), Patience(show, stop)
        async with _source(settings, reading, order, patience) as source:
            summary = await Replay(source, rehearsal, None, order.pace, show, patience).run(Progress())
        return summary, rehearsal


async def _kept(positions: Positions, patience: Patience) -> Progress:
    kept = await patience.over(lambda: asyncio.to_thread(positions.load))
    if kept is None:
        raise NothingToResume("No replay with these options was begun: leave out --resume.")
    if kept.finished:
        raise NothingToResume("The last replay with these options came to its end: there is nothing to resume.")
    return kept


@asynccontextmanager
async def _source(
    settings: Settings, connection: Connection, order: Order, patience: Patience
) -> AsyncIterator[Source]:
    if order.source == "journal":
        yield JournalSource(connection, order.selection, order.pace.chunk(order.rows or journal.ROWS))
    elif order.source == "dead-letters":
        yield DeadLetterSource(connection, order.selection, order.pace.chunk(order.rows or dead_letters.ROWS))
    else:
        if settings.kafka:
            state = await patience.over(lambda: log_state(settings))
        else:
            state = await log_state(settings)  # a file is there, or it is not
        async with ranges(settings, state) as log_ranges:
            rows = order.pace.chunk(order.rows or log.ROWS)
            yield LogSource(settings, state, log_ranges, connection, order.selection, rows)


@contextmanager
def _stopping() -> Iterator[asyncio.Event]:
    """Set by the first SIGINT or SIGTERM; the second one ends the process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def told() -> None:
        stop.set()
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, told)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
