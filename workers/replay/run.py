"""One replay: plan, then chunk after chunk until the end or until it is told to stop. A position is kept after the
insert before it was confirmed, so a crash anywhere repeats a chunk, and a repeat changes nothing."""

import asyncio
from dataclasses import dataclass, field, replace
from time import monotonic

from schemas import failpoints
from workers.replay import Chunk, Refusal, Show, Source, Target
from workers.replay.pace import Pace
from workers.replay.patience import Patience
from workers.replay.positions import Positions, Progress

SHOWN_REFUSALS = 1_000


@dataclass
class Summary:
    """records: behind us, of this run alone; rows: messages inserted of them. refusals: the first of those refused."""

    total: int = 0
    records: int = 0
    rows: int = 0
    refused: int = 0
    unknown: int = 0
    seconds: float = 0.0
    refusals: list[Refusal] = field(default_factory=list)


class Replay:
    """positions: None where nothing is to be remembered, as of a rehearsal."""

    def __init__(
        self,
        source: Source,
        target: Target,
        positions: Positions | None,
        pace: Pace,
        show: Show,
        patience: Patience,
    ) -> None:
        self._source = source
        self._target = target
        self._positions = positions
        self._pace = pace
        self._show = show
        self._patience = patience
        self.summary = Summary()

    async def run(self, progress: Progress) -> Summary:
        """Go on from there. Raises `Interrupted`, and whatever stops it: `Away`, `Failed`, `LogAway`, `LogReplaced`,
        `TooManyDeadLetters`."""
        began, rest = monotonic(), 0.0
        try:
            self.summary.total = await self._patience.over(lambda: self._source.plan(progress.done))
            await self._keep(progress)
            failpoints.reach("replay.started")
            self._show.begin(self.summary.total)
            while (chunk := await self._patience.over(self._source.next)) is not None:
                await self._patience.sleep(rest)
                progress, rest = await self._take(chunk, progress)
            await self._keep(replace(progress, finished=True))
        finally:
            self.summary.seconds = monotonic() - began
        return self.summary

    async def _take(self, chunk: Chunk, progress: Progress) -> tuple[Progress, float]:
        """The progress after it, and s to rest before the next one."""
        began = monotonic()
        landed = await self._patience.over(lambda: asyncio.to_thread(chunk.land, self._target))
        took = monotonic() - began
        failpoints.reach("replay.inserted")
        progress = progress.past(chunk.span, chunk.records)
        await self._keep(progress)
        self._count(chunk.records, landed.rows, landed.refused)
        return progress, self._pace.rest(chunk.records, took)

    def _count(self, records: int, rows: int, refused: list[Refusal]) -> None:
        summary = self.summary
        summary.records += records
        summary.rows += rows
        summary.refused += len(refused)
        summary.unknown += sum(not one.known for one in refused)
        summary.refusals += refused[: SHOWN_REFUSALS - len(summary.refusals)]
        self._show.advance(records)

    async def _keep(self, progress: Progress) -> None:
        positions = self._positions
        if positions is not None:
            await self._patience.over(lambda: asyncio.to_thread(positions.keep, progress))
