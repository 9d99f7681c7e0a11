"""Timestamps as Data Pipelines' clients send them: ISO 8601, or a number of seconds."""

import re
from datetime import UTC, datetime

from ingest import limits
from ingest.bodies import Body
from ingest.problems import Problems
from ingest.times import EARLIEST, LATEST, SentTime, sent_time

# As JavaScript writes what was counted in the wrong unit, and the year before the first that Python knows.
_FAR_YEAR = re.compile(r"(?:([+-])[0-9]{6}|0000)-[0-9]{2}-[0-9]{2}T[0-9:.]{5,}Z")


def iso_time(body: Body, name: str, problems: Problems) -> SentTime | None:
    """The timestamp of that name; None, `""` and blanks are none. A problem found is appended.

    Without an offset it is UTC. Out of range is taken and flagged, as in `sent_time`, which reads the numbers.
    """
    value = body.values.get(name)
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else ""
    # Digits alone are seconds, never a date: `20151212` is both.
    if not text or _is_number(text):
        return sent_time(body, name, problems)
    sent = date_of(text)
    if sent is None:
        problems.add(f"{name} must be an ISO 8601 date and time", name)
    return sent


def date_of(text: str) -> SentTime | None:
    """What is no number and has no blanks around it; None if it is no ISO 8601."""
    at = seconds_of(text)
    return None if at is None else SentTime(min(max(at, EARLIEST), LATEST), text, EARLIEST <= at <= LATEST)


def seconds_of(text: str) -> float | None:
    """The same as s since 1970, infinite in a year that no calendar here has."""
    if len(text) > limits.NUMBER_TEXT:
        return None
    # Every other year begins otherwise.
    if text[:1] in "+-0" and (far := _FAR_YEAR.fullmatch(text)) is not None:
        return float("inf") if far[1] == "+" else float("-inf")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()
