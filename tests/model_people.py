"""Who is who, of all workspaces, and what is hidden of them: what the views are computed with."""

from collections.abc import Iterable, Iterator

from tests.model_history import History, Refusal
from tests.model_persons import ANONYMOUS, Hashes, Person
from tests.placed import Placed, Version


class People:
    def __init__(
        self, records: Iterable[Placed], erased: Iterable[tuple[str, Version]] = (), hashes: Hashes | None = None
    ) -> None:
        """erased: workspaces, and below which versions all is gone. hashes: what a `cio_id` that was sent begins with,
        and who has that hash; without them nobody is known by one."""
        told: dict[str, list[Placed]] = {}
        for record in records:
            told.setdefault(record.message.workspace, []).append(record)
        self._gone: dict[str, Version] = {}
        for workspace, version in erased:
            self._gone[workspace] = max(version, self._gone.get(workspace, version))
        self._told = {each: History(run, self._gone.get(each), hashes or {}) for each, run in told.items()}

    def __iter__(self) -> Iterator[tuple[str, Person]]:
        """Each with its workspace."""
        for workspace, history in self._told.items():
            for person in dict.fromkeys(history.owners.values()):
                yield workspace, person

    def shows(self, record: Placed, *subjects: str) -> bool:
        """Whether what it says of these subjects is there for anybody to see."""
        history = self._told[record.message.workspace]
        below = [history.erased.below.get(history.node(record, each)) for each in subjects]
        bounds = [self._gone.get(record.message.workspace), *below]
        return all(bound is None or record.version >= bound for bound in bounds)

    def counts(self, record: Placed) -> bool:
        """Not if it was about somebody who has to be known, and was not."""
        return record.place not in self._told[record.message.workspace].dropped

    def was_known(self, record: Placed, subject: str = "") -> bool:
        """Whether a subject is whose it was then: not if that person came into being later. Without one the message's
        own."""
        history = self._told[record.message.workspace]
        owner, node = self.owner(record, subject), history.node(record, subject)
        return owner is not None and record.version >= owner.nodes[node][-1]

    def suppressed(self, record: Placed) -> bool:
        """Whether it was written while its subject was suppressed, whatever came later."""
        return record.place in self._told[record.message.workspace].suppressed

    def touched(self, record: Placed) -> bool:
        """Whether anything of its subject was ever to be hidden."""
        history = self._told[record.message.workspace]
        return record.message.workspace in self._gone or history.node(record) in history.erased.below

    def owner(self, record: Placed, subject: str = "") -> Person | None:
        """Whose a subject is now; without one the message's own."""
        history = self._told[record.message.workspace]
        return history.owners.get(history.node(record, subject))

    def name(self, record: Placed, subject: str = "") -> str:
        """Of the owner; empty if there is none."""
        owner = self.owner(record, subject)
        return owner.name if owner else ""

    def doer(self, record: Placed) -> str:
        """Of an event: the name of whoever did it. What somebody anonymous does is only for some time that of the
        person who claimed them."""
        history, message = self._told[record.message.workspace], record.message
        name = self.name(record)
        if name and message.subject.startswith(ANONYMOUS):
            until = history.until(message.subject)
            return name if until is None or record.version[0] <= until else ""
        return name

    def refusals(self) -> Iterator[Refusal]:
        """Those of messages that are there to be seen, with the link unless that is what was suppressed."""
        for history in self._told.values():
            for record, link, reason in history.refusals:
                ends = [record.message.subject] + [link] * (link != "" and reason != "suppressed")
                if self.shows(record, *ends):
                    yield record, link, reason
