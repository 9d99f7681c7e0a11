"""After a batch landed: who is who is decided anew for those whom it may have changed.

It is called before the batch counts as done, so a crash repeats it, and a repeat writes what is there. Several workers
may decide of the same people at once. Each reads after its own insert, and what was read later replaces what was read
earlier; whoever is not alone reads once more after it wrote, and decides again if there was more to know:

    one worker                         the other
    reads what it knows of them
                                       inserts, finds that its batch changes nothing of what is decided
    writes what it decided
    reads again, sees the insert, decides and writes again

A purge removes at once all claims that it removes, but what is read meanwhile may lack some of them: of two the one may
be why the other was refused. Who has to do with somebody who was erased is read again when that is over.
"""

import gc
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from schemas import failpoints
from workers.clickhouse import Away
from workers.connection import Connection
from workers.log import Record
from workers.people.decide import decide
from workers.people.facts import Facts
from workers.people.reading import facts_of
from workers.people.touched import linked, linked_in_journal, touched
from workers.people.writing import Kept, Rows

# s without a word, after which another worker is none any more.
SILENCE = 120
# How old a record may be to be found in `journal`, which drops what is older than seven days when it comes.
JOURNAL_SECONDS = 6 * 86_400
_OTHERS = f"""
SELECT max(high), countIf(worker != {{worker:String}} AND resolved_at > now64(3) - INTERVAL {SILENCE} SECOND)
FROM resolutions
"""  # noqa: S608
_HIGH = "SELECT max(last) FROM stored_people"
_NOW = "SELECT toUnixTimestamp64Nano(now64(9))"
# One that began within the second in which the reading did counts as later.
_REMOVALS = """
SELECT countIf(NOT is_done), countIf(toUnixTimestamp(create_time) >= intDiv({read_at:UInt64}, 1000000000))
FROM system.mutations
WHERE database = currentDatabase() AND table = 'stored_claims'
"""
REMOVAL_PAUSE, LONGEST_REMOVAL = 0.1, 5.0  # s; then the caller tries again, or hears that it has to end
COLUMNS = {
    "_log": "LowCardinality(String)",
    "_partition": "UInt32",
    "worker": "String",
    "_offset": "UInt64",
    "_at": "UInt64",
    "high": "UInt128",
}


@dataclass
class Resolved:
    """touched: identifiers that were looked at; rows: that were written."""

    touched: int = 0
    rows: int = 0


class Resolver:
    """Of one process. Blocking, one call at a time; each raises `Away` and `Failed`, and may then be repeated."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._worker = uuid.uuid4().hex
        self._high: int | None = None

    def begin(self, log: str, partition: int) -> None:
        """Return once a purge knows that records of a partition come, and waits for those that are not resolved."""
        self._connection.insert_rows("resolutions", COLUMNS, [[log, partition, self._worker, 0, 0, self._high or 0]])

    def resolve(self, log: str, records: Mapping[int, Sequence[Record]], now: float) -> Resolved:
        """Return once the people are what the log says up to these records, which were inserted. now: s since 1970."""
        [[high, others]] = self._connection.rows(_OTHERS, {"worker": self._worker})
        if self._high is None:
            [[self._high]] = self._connection.rows(_HIGH)
        self._high = max(self._high, high)
        places = {partition: (run[0].offset, run[-1].offset) for partition, run in records.items()}
        if min(run[0].timestamp for run in records.values()) > (now - JOURNAL_SECONDS) * 1000:
            hashes, addressed = touched(self._connection, log, places, self._high)
        else:
            hashes = linked(self._connection, {record.key for run in records.values() for record in run if record.key})
            addressed = hashes
        resolved = self.decide(hashes, addressed, alone=not others)
        self._remember(log, records)
        return resolved

    def again(self, keys: Iterable[bytes]) -> Resolved:
        """Return once the people of these records' keys, inserted once more, are what follows from all there is."""
        hashes = linked(self._connection, set(keys))
        return self.decide(hashes, hashes, alone=False)

    def again_in_journal(self, condition: str, parameters: Mapping[str, object]) -> Resolved:
        """The same for the rows of `journal` of which the condition is true."""
        hashes = linked_in_journal(self._connection, condition, parameters)
        return self.decide(hashes, hashes, alone=False)

    def decide(self, hashes: Iterable[int], addressed: Iterable[int] = (), *, alone: bool = True) -> Resolved:
        """Of these, and of whom they have to do with."""
        hashes, addressed = set(hashes), set(addressed)
        resolved, before = Resolved(len(hashes)), None
        with _uncollected():
            while hashes:
                read_at, facts = self._facts(hashes)
                facts.addressed |= addressed & facts.nodes.keys()
                if facts == before:
                    break
                resolved.rows += self._write(facts, read_at)
                if alone:
                    break
                before = facts
        return resolved

    def _facts(self, hashes: set[int]) -> tuple[int, Facts]:
        """And when they began to be read, in ns by ClickHouse's clock."""
        until = time.monotonic() + LONGEST_REMOVAL
        while True:
            [[read_at]] = self._connection.rows(_NOW)
            facts = facts_of(self._connection, hashes)
            if not facts.erasures:
                return read_at, facts
            [[running, later]] = self._connection.rows(_REMOVALS, {"read_at": read_at})
            if not running and not later:
                return read_at, facts
            if time.monotonic() > until:
                raise Away("a removal from stored_claims takes long, system.mutations tells how far it is")
            time.sleep(REMOVAL_PAUSE)

    def _write(self, facts: Facts, read_at: int) -> int:
        findings = decide(facts)
        rows = Rows(facts, findings, Kept(self._connection, facts.nodes), read_at)
        high = max(findings.high, self._high or 0)
        if high != self._high:
            # Others have to know before they rely on what is about to change.
            self._connection.insert_rows("resolutions", COLUMNS, [["", 0, self._worker, 0, 0, high]])
            self._high = high
        failpoints.reach("people.deciding")
        return rows.write(self._connection)

    def _remember(self, log: str, records: Mapping[int, Sequence[Record]]) -> None:
        rows = [
            [log, partition, self._worker, run[-1].offset, run[-1].timestamp, self._high]
            for partition, run in records.items()
        ]
        self._connection.insert_rows("resolutions", COLUMNS, rows)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage is looked for: what is read and decided holds no cycles, and the search takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
