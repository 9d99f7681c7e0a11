"""How a replay leaves room for live traffic."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """rate: records per s; 0 without a rest; None rests as long as each insert took, so that at least half of
    ClickHouse's time is left to others, and more of it when they slow us down."""

    rate: float | None = None

    def rest(self, records: int, seconds: float) -> float:
        """Seconds to wait after so many records that took so long."""
        if self.rate is None:
            return seconds
        return max(0.0, records / self.rate - seconds) if self.rate else 0.0

    def chunk(self, most: int) -> int:
        """Records in one insert: what a second takes, and not more than `most`."""
        return max(1, min(most, int(self.rate))) if self.rate else most
