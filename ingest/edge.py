"""What all requests share."""

from collections.abc import Callable

from ingest import limits
from ingest.disk import Disk
from ingest.intake import Budget
from ingest.keys.ring import Keyring
from ingest.log import Log
from ingest.log.spool import SpooledLog
from ingest.metrics import Metrics
from ingest.rates import Rates
from ingest.refusals import Refusals
from ingest.rejections import Rejections


class Edge:
    """`draining`: the process is told to end, and finishes what it took. `spool`: the log, if
    it has one."""

    def __init__(
        self,
        log: Log,
        keys: Keyring,
        now: Callable[[], float],
        *,
        metrics: Metrics,
        refusals: Refusals,
        rates: Rates | None,
        rejections: Rejections,
        disk: Disk | None,
    ) -> None:
        self.log = log
        self.spool = log if isinstance(log, SpooledLog) else None
        self.keys = keys
        self.now = now
        self.metrics = metrics
        self.refusals = refusals
        self.rates = rates
        self.rejections = rejections
        self.disk = disk
        self.budget = Budget(limits.BODIES_IN_FLIGHT)
        self.draining = False
