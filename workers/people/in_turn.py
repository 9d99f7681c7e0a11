"""Many identifiers as tables that travel with a question, as many at a time as one may bring."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from workers.connection import Given

Each = TypeVar("Each")

AT_ONCE = 100_000

_encoder = msgspec.json.Encoder()


def in_turn(many: Iterable[Each]) -> Iterator[list[Each]]:
    left = iter(many)
    while some := list(islice(left, AT_ONCE)):
        yield some


def hashes_given(hashes: Iterable[int]) -> Given:
    """As a table `given` of one column `hash`."""
    return Given("hash UInt128", b"".join(hash.to_bytes(16, "little") for hash in hashes), "RowBinary")


def texts_given(structure: str, rows: Iterable[Sequence[str]]) -> Given:
    """As a table `given` of these columns; a number stands as its text."""
    return Given(structure, _encoder.encode_lines(rows), "JSONCompactEachRow")
