"""What an audit found."""

from collections.abc import Iterable
from dataclasses import dataclass, field

KEPT = 1_000


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be.

    what: `missing` of offsets that are nowhere, `no row` of messages that a table lacks, `no message` of rows that
        nobody sent, `double` of rows that a view shows twice.
    where: the table or view; of missing offsets the log's generation.
    first, last: offsets, of missing ones.
    """

    what: str
    where: str
    partition: int | None
    first: int | None
    last: int | None
    text: str = ""


@dataclass
class Span:
    """The offsets of one partition of one generation that were looked at, and what they are."""

    log: str
    partition: int
    first: int
    end: int
    taken: int = 0
    dead: int = 0
    mended: int = 0
    erased: int = 0
    missing: int = 0


@dataclass
class Report:
    """since, at: ms since 1970; what was appended before `since` was not looked at. Not every finding is kept, but all
    are counted: `missing` in offsets, `unmatched` and `doubled` in rows."""

    since: int
    at: int
    spans: list[Span] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unmatched: int = 0
    doubled: int = 0

    @property
    def missing(self) -> int:
        return sum(span.missing for span in self.spans)

    @property
    def proved(self) -> bool:
        return not (self.missing or self.unmatched or self.doubled)

    def add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            if finding.what == "double":
                self.doubled += 1
            elif finding.what != "missing":  # its span counts those
                self.unmatched += 1
            if len(self.findings) < KEPT:
                self.findings.append(finding)
