"""The messages behind what is known, as far as the journal still has them."""

from collections.abc import Collection

from workers.asking import Asking
from workers.person import Message

# Second and third of the three parts of a version, see `messages`: the append time and the offset find the row.
_AT = (1 << 42) - 1
_OFFSET = (1 << 44) - 1
_JOURNAL = """
SELECT subject_hash, version, kind, JSONExtractString(context, 'endpoint'), id
FROM journal
WHERE _at >= {since:UInt64} AND _at <= {until:UInt64} AND _offset IN {offsets:Array(UInt64)}
AND version IN {versions:Array(UInt128)} AND subject_hash IN {hashes:Array(UInt128)} AND kind != 'erased'
"""


class Messages:
    """Of these subjects' hashes and versions."""

    def __init__(self, asking: Asking, wanted: Collection[tuple[int, int]]) -> None:
        self._found: dict[tuple[int, int], Message] = {}
        if not wanted:
            return
        versions = sorted({version for _, version in wanted})
        times = [version >> 44 & _AT for version in versions]
        rows = asking.rows(
            _JOURNAL,
            since=min(times),
            until=max(times),
            offsets=sorted({version & _OFFSET for version in versions}),
            versions=versions,
            hashes=sorted({hash for hash, _ in wanted}),
        )
        for hash, version, kind, endpoint, id in rows:
            self._found[hash, version] = Message(kind, endpoint, id)

    def of(self, hash: int, version: int) -> Message:
        """An empty one if it is not there any more."""
        return self._found.get((hash, version), Message())
