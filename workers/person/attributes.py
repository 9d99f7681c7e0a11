"""Which of all that was said of a person's attributes counts."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from workers.asking import Asking
from workers.people.facts import UPDATE
from workers.person.nodes import Whose, below

UNSET = ("null", '""')
_SAID = """
SELECT subject_hash, name, value, version, linked_hash
FROM stored_attributes FINAL
WHERE workspace = {workspace:String} AND customer IN {texts:Array(String)} AND subject_hash IN {hashes:Array(UInt128)}
ORDER BY name, version, subject_hash
"""


class Write(NamedTuple):
    """One attribute, as last said under one identifier.

    absorbed: versions of the mergers since then in which what was its person became another, the last one first.
    """

    node: Whose
    name: str
    value: str
    version: int
    absorbed: Sequence[int]


def attributes(
    asking: Asking, workspace: str, nodes: Sequence[Whose], is_refused: Callable[[int, int, int], bool]
) -> list[Write]:
    """Those that count, by name. is_refused: of a link between two hashes at a version."""
    by_hash = {node.hash: node for node in nodes}
    asked = {"workspace": workspace, "texts": [node.text for node in nodes], "hashes": list(by_hash)}
    rows = asking.rows(_SAID, **asked)
    hidden = below(asking, sorted({row[4] for row in rows} - {0, UPDATE}))
    writes: dict[str, list[Write]] = {}
    for hash, name, value, version, linked in rows:
        node = by_hash[hash]
        # What creates nobody says nothing of who came later, and an identifier is an attribute of who has it.
        counts = version >= node.below and version >= hidden.get(linked, 0)
        if counts and not (linked and is_refused(hash, linked, version)):
            since = tuple(merger for merger in node.absorbed if merger > version)
            writes.setdefault(name, []).append(Write(node, name, value, version, since))
    return [last for name in sorted(writes) if (last := _last(writes[name]))]


def _last(writes: Iterable[Write]) -> Write | None:
    """The one that counts; None if it unset the attribute.

    The last one does, unless a merger lies between: there the person that went on keeps what it has, and gains what it
    lacks. So those come first that no merger made give way, then those of the earliest.
    """
    found: Write | None = None
    for write in sorted(writes, key=lambda write: (write.absorbed, -write.version)):
        if found is None or (found.value in UNSET and found.version < _merger(write, found)):
            found = write
    return found if found and found.value not in UNSET else None


def _merger(write: Write, other: Write) -> int:
    """The one in which a write came to the person of another one; 0 if they were of one person already."""
    shared = 0
    while shared < len(write.absorbed) and write.absorbed[shared] in other.absorbed:
        shared += 1
    return write.absorbed[shared] if shared < len(write.absorbed) else 0
