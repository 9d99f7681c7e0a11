"""Asks the tables and the log for a message."""

import asyncio

from schemas.settings import Settings
from workers.asking import Asking
from workers.log import LogAway, LogReplaced
from workers.log.places import log_state
from workers.trace import Trace, Wanted
from workers.trace.kept import erased_of, in_tables
from workers.trace.tail import on_log


def trace(settings: Settings, url: str, wanted: Wanted) -> Trace:
    """Raises `Away`, `Failed` and `BadSettings`. Without the log it says what the tables know."""
    found, state = Trace(), None
    try:
        state = asyncio.run(log_state(settings))
    except LogAway as error:
        found.log_away = str(error)
    with Asking(url) as asking:
        found.sightings = list(in_tables(asking, wanted, state))
        if wanted.subject:
            found.erased = erased_of(asking, wanted)
    if state:
        known = {(seen.log, seen.partition, seen.offset) for seen in found.sightings}
        try:
            waiting = asyncio.run(on_log(settings, state, wanted))
        except (LogAway, LogReplaced) as error:
            found.log_away = str(error)
        else:
            found.sightings += [seen for seen in waiting if (seen.log, seen.partition, seen.offset) not in known]
    return found
