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
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert done.stdout == ""
    assert [(line["process"], line["level"], line["event"]) for line in lines] == [
        ("edge", "info", "started"),
        ("edge", "warning", "too many requests"),
    ]
    assert lines[0]["port"] == 8080
    assert list(lines[0])[:4] == ["timestamp", "process", "level", "event"]


def test_kafka_that_is_away_is_told_of_now_and_then() -> None:
    """By aiokafka, which says so many times a second; each of the things it says is heard."""
    code = """
import logging
from types import SimpleNamespace
from deploy import logs
now = 0.0
logs.time = SimpleNamespace(monotonic=lambda: now)
logs.configure("worker")
for _ in range(2):
    for number in range(50):
        logging.getLogger("aiokafka.conn").error("cannot connect to %s", number)
    logging.getLogger("aiokafka").warning("no coordinator")
    now += logs.REPEATING_PAUSE
for _ in range(2):
    logging.getLogger("uvicorn.error").warning("closed")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == [
        "cannot connect to 0",
        "no coordinator",
        "cannot connect to 0 (and 49 more since the last such line)",
        "no coordinator",
        "closed",
        "closed",
    ]


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
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    [line] = done.stderr.splitlines()

    assert json.loads(line)["exception"][0]["exc_value"] == "broken"
    assert "c2VjcmV0" not in line


def test_a_process_does_without_rich() -> None:
    """structlog would load it, which takes memory; what else asks for it finds it."""
    code = "import sys, deploy.logs; before = 'rich' in sys.modules; import rich; print(before, rich.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.stdout.split() == ["False", "rich"]
