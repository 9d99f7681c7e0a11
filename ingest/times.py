"""Timestamps as clients send them: kept as their own text, and beside it clamped to what ClickHouse can hold."""

import re
from typing import Any

import msgspec

from ingest import limits
from ingest.bodies import Body
from ingest.problems import Problems

EARLIEST, LATEST = -2_208_988_800, 10_413_791_999  # DateTime64(3): 1900 to 2299, in s since 1970
OUT_OF_RANGE = "timestamp_out_of_range"

MILLISECONDS = 1_000  # in a second
_UNITS = {1: "seconds", MILLISECONDS: "milliseconds"}
_NUMBERS = (int, float)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class SentTime(msgspec.Struct, frozen=True):
    """A client's word about when: s since 1970, clamped; its exact text; whether it did not have to be clamped."""

    at: float
    text: str
    in_range: bool


def sent_time(body: Body, name: str, problems: Problems, in_a_second: int = 1) -> SentTime | None:
    """The timestamp of that name; None, `""` and blanks are none. A problem found is appended. in_a_second: how many of
    its units.

    Out of range is the client's matter (milliseconds, most often): taken and flagged, never rescaled.
    """
    value = body.values.get(name)
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else str(body.texts[name], "utf-8")
    if text == "":
        return None
    if not _is_number(value, text):
        unit = _UNITS[in_a_second]
        problems.add(f"{problems.path(name)} must be a number of {unit} since 1970", name)
        return None
    at = value if isinstance(value, int) and in_a_second == 1 else float(text) / in_a_second
    return SentTime(min(max(at, EARLIEST), LATEST), text, EARLIEST <= at <= LATEST)


def _is_number(value: Any, text: str) -> bool:
    if len(text) > limits.NUMBER_TEXT or isinstance(value, bool):
        return False
    return isinstance(value, _NUMBERS) or (isinstance(value, str) and _NUMBER.fullmatch(text) is not None)
