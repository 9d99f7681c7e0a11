"""structlog, without rich: it loads that for a form of tracebacks that we do not ask for, 4 MB of every process."""

from ingest.left_out import left_out

with left_out("rich"):
    import structlog as structlog
    from structlog.typing import Processor as Processor
