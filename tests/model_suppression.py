"""What deletions and suppressions hide of the nodes of one workspace."""

from collections.abc import Iterable

from tests.placed import LASTING, Version


class Erased:
    """What is hidden of each node of a workspace: all below a version; of a set that is suppressed, all."""

    def __init__(self) -> None:
        self.below: dict[str, Version] = {}
        self._sets: dict[str, frozenset[str]] = {}

    def delete(self, nodes: Iterable[str], version: Version) -> None:
        self.below |= dict.fromkeys(nodes, version)

    def suppress(self, nodes: Iterable[str]) -> None:
        together = frozenset(nodes)
        self.delete(together, LASTING)
        self._sets |= dict.fromkeys(together, together)

    def unsuppress(self, node: str, version: Version) -> None:
        """Frees all that were suppressed with it; nothing if it was not."""
        together = self._sets.get(node, frozenset())
        self.delete(together, version)
        for each in together:
            del self._sets[each]

    def blocks(self, node: str) -> bool:
        return node in self._sets

    def life(self, node: str) -> int:
        """That somebody who is created now has, in ms."""
        return self.below[node][0] if node in self.below else 0
