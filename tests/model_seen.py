"""When people and objects were first and last spoken of."""

from collections.abc import Iterable

from tests.model_people import People
from tests.model_persons import EVENTS, begins, creates, must_exist
from tests.placed import Placed, Version

Times = tuple[int, int]  # effective times of the first and of the last message, in ms


class Seen:
    """By who somebody is: the founder of a person, or an object; each with its workspace."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._lives: dict[tuple[str, str], dict[str, _Life]] = {}

    def add(self, record: Placed) -> None:
        message = record.message
        if creates(message) and not must_exist(message):
            owner = self._people.owner(record)
            who = owner.founder if owner else message.subject
        elif begins(message):
            who = message.subject
        else:
            return
        lives = self._lives.setdefault((message.workspace, who), {})
        lives.setdefault(message.subject, _Life(self._people.touched(record))).add(record)

    def times(self) -> dict[tuple[str, str], Times]:
        return {who: _together(life.times() for life in lives.values()) for who, lives in self._lives.items()}


class _Life:
    """What is not hidden of one subject."""

    def __init__(self, again: bool) -> None:
        """again: something of it was erased."""
        self._again = again
        self._events: dict[str, Version] = {}  # by id, of its last repeat
        self._begun: list[Version] = []  # of all else
        self._versions: list[Version] = []

    def add(self, record: Placed) -> None:
        self._versions.append(record.version)
        if record.message.kind in EVENTS:
            self._events[record.message.id] = record.version
        else:
            self._begun.append(record.version)

    def times(self) -> Times:
        """Who came back is first seen at the first message since, of an event at its last repeat; who never left, at
        the very first."""
        since = [*self._begun, *self._events.values()]
        return min(since if self._again else self._versions)[0], max(self._versions)[0]


def _together(times: Iterable[Times]) -> Times:
    firsts, lasts = zip(*times, strict=True)
    return min(firsts), max(lasts)
