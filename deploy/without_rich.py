"""structlog, without rich: it loads that for a form of tracebacks that we do not ask for, 4 MB of every process."""

import sys

_is_there = "rich" in sys.modules
if not _is_there:
    sys.modules["rich"] = None  # type: ignore[assignment]  # not to be found, for now
try:
    import structlog as structlog
    from structlog.typing import Processor as Processor
finally:
    if not _is_there:
        del sys.modules["rich"]
