"""What happens to an edge's keys while it runs: changes of the file are taken over, their use is noted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from ingest.keys.ring import Keyring
from ingest.keys.uses import Uses

EVERY = 0.5  # s; a look costs microseconds
WRITE_EVERY = 20  # looks


@contextlib.asynccontextmanager
async def watched(keys: Keyring, uses: Uses) -> AsyncIterator[None]:
    """For the time of a `with` block; the last uses are written when it ends."""
    watching = asyncio.create_task(_watch(keys, uses))
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        _note(keys, uses)
        uses.write()


async def _watch(keys: Keyring, uses: Uses) -> None:
    looks = 0
    while True:
        await asyncio.sleep(EVERY)
        keys.refresh()
        _note(keys, uses)
        looks += 1
        if looks % WRITE_EVERY == 0:
            uses.write()


def _note(keys: Keyring, uses: Uses) -> None:
    if keys.used:
        uses.note(keys.used)
        keys.used.clear()
