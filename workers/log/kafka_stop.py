"""The end of a consumer: in time, and not by what it ends.

aiokafka waits for whatever the group waits for, and for each fetch that it cancels: the first of these that was to be
repeated a moment later, as they are while a broker is away, takes it for a cancellation of its own.
"""

import asyncio

from aiokafka import AIOKafkaConsumer

PATIENCE = 5.0


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Leave the group, if it lets go in time, and close the connections."""
    fetcher = consumer._fetcher
    if fetcher is not None:
        fetches = {fetcher._fetch_task, *fetcher._pending_tasks}
        for fetch in fetches:
            fetch.cancel()
        await asyncio.wait(fetches)
        fetcher._pending_tasks.clear()
    try:
        async with asyncio.timeout(PATIENCE):
            await consumer.stop()
    except TimeoutError:
        await consumer._client.close()
