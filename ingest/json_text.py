"""JSON that survives exactly, or is refused: beside each value of a body stands its text as it was sent."""

from typing import Any

import msgspec
import orjson

from ingest import limits
from ingest.errors import BadRequest

_texts = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parse_object(body: bytes) -> tuple[dict[str, Any], dict[str, msgspec.Raw]]:
    """The values of a JSON object, and the exact text of each; of a duplicate key the last. Raises `BadRequest`.

    orjson judges and msgspec cuts: msgspec alone passes invalid UTF-8 and 1e400, which ClickHouse cannot read, and
    orjson alone turns 2^70 into a float and 1E2 into 100.0.
    """
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"body is not valid JSON: {error}") from None
    if not isinstance(values, dict):
        raise BadRequest("body must be a JSON object")
    check_nesting(values, body)
    return values, _texts.decode(body)


def check_nesting(values: dict[str, Any], body: bytes) -> None:
    """Raises `BadRequest`."""
    # Whoever nests deep needs that many brackets; only then is it worth a walk.
    if body.count(b"{") + body.count(b"[") > limits.NESTING and not is_within(values, limits.NESTING):
        raise BadRequest(f"body cannot be nested deeper than {limits.NESTING} levels")


def is_within(value: Any, levels: int) -> bool:
    """Whether an object or array has so many levels at most.

    Level by level: a walk that calls itself for each value stops the whole edge ten times as long."""
    outer = [value]
    for _ in range(levels):
        # All values are the parser's own, so their types are just these.
        outer = [
            item
            for each in outer
            for item in (each.values() if type(each) is dict else each)
            if type(item) is dict or type(item) is list
        ]
        if not outer:
            return True
    return False
