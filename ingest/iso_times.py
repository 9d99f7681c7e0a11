"""Timestamps as Data Pipelines' clients send them: ISO 8601, or a number of seconds."""

import re
from datetime import MAXYEAR, UTC, datetime

from ingest import limits
from ingest.bodies import Body
from ingest.problems import Problems
from ingest.times import EARLIEST, LATEST, SentTime, sent_time

# A year that no calendar here has: of what was counted in the wrong unit, or of no date at all. JavaScript writes six
# digits and a sign, Ruby, Go, Java and PHP as many as it takes; PHP's of nothing is -0001.
_FAR_YEAR = re.compile(r"([+-]?)([0-9]{4,9})-([0-9]{2}-[0-9]{2}[T ][0-9:.]{5,}(?:Z|[+-][0-9]{2}:?[0-9]{2})?)")


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
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return _far_seconds_of(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def _far_seconds_of(text: str) -> float | None:
    far = _FAR_YEAR.fullmatch(text)
    if far is None:
        return None
    sign, digits, rest = far.groups()
    year = int(digits)
    if sign == "-" or year == 0:
        return float("-inf")
    if year > MAXYEAR:
        return float("inf")
    return seconds_of(f"{year:04}-{rest}") if sign else None


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()
