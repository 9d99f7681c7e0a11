"""What a process writes about itself."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_one_json_line_per_event_on_stderr() -> None:
    """Ours from INFO on, the libraries' from WARNING on, none of those that raise what they log."""
    code = """
import logging, structlog
from deploy.logs import configure
configure("edge")
structlog.get_logger().info("started", port=8080)
logging.getLogger("uvicorn.error").info("small talk")
logging.getLogger("uvicorn.error").warning("too many %s", "requests")
logging.getLogger("urllib3.connectionpool").warning("retrying")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert done.stdout == ""
    assert [(line["process"], line["level"], line["event"]) for line in lines] == [
        ("edge", "info", "started"),
        ("edge", "warning", "too many requests"),
    ]
    assert lines[0]["port"] == 8080
    assert list(lines[0])[:4] == ["timestamp", "process", "level", "event"]


def test_a_traceback_shows_no_values() -> None:
    """Local variables hold keys and bodies."""
    code = """
import structlog
from deploy.logs import configure
configure("edge")
def fails(header):
    raise RuntimeError("broken")
try:
    fails("Basic " + "c2VjcmV0")
except RuntimeError:
    structlog.get_logger().exception("failed")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    [line] = done.stderr.splitlines()

    assert json.loads(line)["exception"][0]["exc_value"] == "broken"
    assert "c2VjcmV0" not in line
