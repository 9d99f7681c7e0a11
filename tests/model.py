"""What the views must say, computed from the same records in plain Python."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.model_journal import EVENTS, Key, rejections, repeats
from tests.model_preferences import of_preferences, preferences
from tests.placed import Hidden, Placed, Version, recipient, shown, whom

__all__ = ["Placed", "Version", "World", "shown", "world"]

CUSTOMERS = ("id:", "email:", "phone:", "cio:", "anon:")
OBJECTS = ("object:", "cio_object:")
NO_BEGINNING = ("anon:", "invite:", "form:")  # unless they are identified
CREATE = (*EVENTS, "add_device", "add_relationships", "form")
Attributes = dict[str, str]  # by exact text


@dataclass
class World:
    """The views by their names; `seen`: (workspace, subject) -> first and last time of a customer or an object; all
    times in ms since 1970."""

    events: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    customers: dict[tuple[str, str], Attributes] = field(default_factory=dict)
    objects: dict[tuple[str, str], Attributes] = field(default_factory=dict)
    seen: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    devices: dict[tuple[str, str], tuple[str, str, Attributes, int]] = field(default_factory=dict)
    relationships: dict[tuple[str, str, str], tuple[Attributes, int]] = field(default_factory=dict)
    segment_members: dict[tuple[str, str, str], int] = field(default_factory=dict)
    deliveries: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    form_submissions: dict[tuple[str, str, str, str], str] = field(default_factory=dict)
    forms: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    unsubscribes: dict[tuple[str, str], int] = field(default_factory=dict)
    subscription_preferences: dict[tuple[str, str, str], str] = field(default_factory=dict)
    identifiers: dict[tuple[str, str, str, str], tuple[str, int]] = field(default_factory=dict)
    rejections: dict[Key, int] = field(default_factory=dict)
    repeats: dict[Key, tuple[str, int, int]] = field(default_factory=dict)


@dataclass
class _Life:
    """What is not hidden of one subject. `events`: id -> version of its last repeat; `begun`: versions of all else that
    brings it into being."""

    attributes: Attributes = field(default_factory=dict)
    preferences: list[tuple[str, str]] = field(default_factory=list)
    events: dict[str, Version] = field(default_factory=dict)
    begun: list[Version] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)

    def add(self, record: Placed) -> None:
        self.versions.append(record.version)
        if record.message.kind in EVENTS:
            self.events[record.message.id] = record.version
        else:
            self.begun.append(record.version)

    def say(self, attributes: Sequence[tuple[str, str]]) -> None:
        self.attributes.update(attributes)
        # In one message the longer name counts as written later.
        written = [pair for pair in attributes if of_preferences(pair[0])]
        self.preferences += sorted(written, key=lambda pair: len(pair[0]))

    def seen(self, again: bool) -> tuple[int, int]:
        """Effective times of the first and the last message. Who came back is first seen at the first message since, of
        an event at its last repeat; who never left, at the very first."""
        since = [*self.begun, *self.events.values()]
        return min(since if again else self.versions)[0], max(self.versions)[0]


def world(records: Iterable[Placed], erased: Iterable[tuple[str, Version]] = ()) -> World:
    """Apply the records in the order of their versions. erased: workspaces, and below which versions all is gone."""
    records = list(records)
    hidden = Hidden(records, erased)
    replay = _Replay(hidden)
    for record in sorted(records, key=_order):
        replay.add(record)
    now = replay.end()
    now.rejections = rejections(records, hidden)
    now.repeats = repeats(records, hidden)
    return now


def _order(record: Placed) -> tuple[Version, bool, str]:
    """Of two partitions two records may have one version."""
    subject = record.message.subject
    return record.version, subject.startswith(OBJECTS), subject


class _Replay:
    def __init__(self, hidden: Hidden) -> None:
        self._hidden = hidden
        self._now = World()
        self._lives: dict[tuple[str, str], _Life] = {}
        self._forms: dict[tuple[str, str], dict[tuple[str, str], Version]] = {}

    def add(self, record: Placed) -> None:
        message = record.message
        kinds = {
            "add_device": self._device,
            "delete_device": self._device,
            "add_to_segment": self._segment,
            "remove_from_segment": self._segment,
            "form": self._form,
            "unsubscribe": self._unsubscribe,
        }
        if self._hidden.shows(record, message.subject):
            self._subject(record)
            if kind := kinds.get(message.kind):
                kind(record)
        if message.kind == "metric":
            self._metric(record)
        self._relationships(record)
        self._links(record)

    def end(self) -> World:
        now = self._now
        for who, life in self._lives.items():
            shown = now.objects if who[1].startswith(OBJECTS) else now.customers
            shown[who] = _set(life.attributes)
            now.seen[who] = life.seen(self._hidden.touched(*who))
            kept = preferences(life.preferences).items()
            now.subscription_preferences |= {(*who, name): text for name, text in kept}
        members = now.segment_members
        now.segment_members = {key: at for key, at in members.items() if (key[0], key[2]) in self._lives}
        now.relationships = {key: (_set(pairs), at) for key, (pairs, at) in now.relationships.items()}
        for form, sent in self._forms.items():
            refused = sum(subject.startswith("form:") for subject, _ in sent)
            now.forms[form] = min(sent.values())[0], len(sent) - refused, refused
        return now

    def _subject(self, record: Placed) -> None:
        message = record.message
        who = (message.workspace, message.subject)
        if message.kind in EVENTS:
            self._now.events[*who, message.id] = message.name, bytes(message.data).decode()
        begins = message.kind in CREATE and not message.subject.startswith(NO_BEGINNING)
        if message.kind == "identify" or begins:
            self._lives.setdefault(who, _Life()).add(record)
        if message.kind == "identify" or (message.kind == "form" and begins):
            self._lives[who].say(message.attributes)

    def _device(self, record: Placed) -> None:
        message, devices = record.message, self._now.devices
        key = (message.workspace, message.target)
        if message.kind == "add_device":
            devices[key] = message.subject, message.name, _set(dict(message.attributes)), record.version[0]
        elif key in devices and devices[key][0] == message.subject:
            del devices[key]

    def _segment(self, record: Placed) -> None:
        message = record.message
        key = (message.workspace, message.target, message.subject)
        if message.kind == "add_to_segment":
            self._now.segment_members[key] = record.version[0]
        else:
            self._now.segment_members.pop(key, None)

    def _form(self, record: Placed) -> None:
        message = record.message
        sent = self._forms.setdefault((message.workspace, message.target), {})
        sent[message.subject, message.id] = record.version
        if not message.subject.startswith("form:"):
            key = (message.workspace, message.target, message.subject, message.id)
            self._now.form_submissions[key] = bytes(message.data).decode()

    def _unsubscribe(self, record: Placed) -> None:
        message = record.message
        key = (message.workspace, message.subject.removeprefix("delivery:"))
        self._now.unsubscribes.pop(key, None)
        if ("unsubscribe", "true") in message.attributes:
            self._now.unsubscribes[key] = record.version[0]

    def _metric(self, record: Placed) -> None:
        message = record.message
        if self._hidden.shows(record, *whom(message)):
            key = (message.workspace, message.subject.removeprefix("delivery:"), message.name)
            self._now.deliveries[key] = recipient(message), message.id

    def _relationships(self, record: Placed) -> None:
        message, known = record.message, self._now.relationships
        for other, attributes in message.relationships:
            ends = (other, message.subject) if message.subject.startswith(OBJECTS) else (message.subject, other)
            key = (message.workspace, *ends)
            if not self._hidden.shows(record, *ends):
                continue
            before, _ = known.pop(key, ({}, 0))
            if message.kind != "delete_relationships":
                known[key] = before | dict(attributes), record.version[0]

    def _links(self, record: Placed) -> None:
        message = record.message
        for link in message.links:
            if message.subject.startswith(CUSTOMERS) and self._hidden.shows(record, message.subject, link):
                key = (message.workspace, message.subject, link, message.kind)
                self._now.identifiers[key] = message.id, record.version[0]


def _set(attributes: Attributes) -> Attributes:
    return {name: text for name, text in attributes.items() if text not in ("null", '""')}
