"""What the views must say, computed from the same records in plain Python."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.model_journal import Key, rejections, repeats
from tests.model_people import People
from tests.model_persons import CIO, EVENTS, KINDS, NOT_SET, OBJECTS, Hashes, Person, begins
from tests.model_preferences import preferences
from tests.model_seen import Seen, Times
from tests.placed import Placed, Version, recipient, shown, whom

__all__ = ["Customer", "Placed", "Version", "World", "shown", "world"]

Attributes = dict[str, str]  # by exact text


class Customer(NamedTuple):
    person: str
    identifiers: tuple[str, ...]
    attributes: Attributes
    email: str


@dataclass
class World:
    """The views by their names; `seen`: (workspace, founder or object) -> first and last time. All times are in ms
    since 1970. A person is the text that `model_persons.named` gives, nobody is empty. Whose something is, is told by
    the subject that was used, and the person."""

    events: dict[tuple[str, str, str], tuple[str, str, str]] = field(default_factory=dict)
    customers: dict[tuple[str, str], Customer] = field(default_factory=dict)
    objects: dict[tuple[str, str], Attributes] = field(default_factory=dict)
    seen: dict[tuple[str, str], Times] = field(default_factory=dict)
    devices: dict[tuple[str, str], tuple[str, str, str, Attributes, int]] = field(default_factory=dict)
    relationships: dict[tuple[str, str, str], tuple[str, Attributes, int]] = field(default_factory=dict)
    segment_members: dict[tuple[str, str, str], tuple[str, int]] = field(default_factory=dict)
    deliveries: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    form_submissions: dict[tuple[str, str, str, str], tuple[str, str]] = field(default_factory=dict)
    forms: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    unsubscribes: dict[tuple[str, str], int] = field(default_factory=dict)
    subscription_preferences: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    identifiers: dict[tuple[str, str, str, str], tuple[str, int, str]] = field(default_factory=dict)
    rejections: dict[Key, int] = field(default_factory=dict)
    repeats: dict[Key, tuple[str, int, int]] = field(default_factory=dict)


def world(records: Iterable[Placed], erased: Iterable[tuple[str, Version]] = (), hashes: Hashes | None = None) -> World:
    """Apply the records in the order of their versions. erased: workspaces, and below which versions all is gone.
    hashes: see `People`."""
    records = list(records)
    people = People(records, erased, hashes)
    replay = _Replay(people)
    for record in sorted(records, key=_order):
        replay.add(record)
    now = replay.end()
    now.rejections = rejections(records, people)
    now.repeats = repeats(records, people)
    return now


def _order(record: Placed) -> tuple[Version, bool, str]:
    """Of two partitions two records may have one version."""
    subject = record.message.subject
    return record.version, subject.startswith(OBJECTS), subject


class _Replay:
    """Who is who is settled: what was said of one of a person's nodes was said of the person."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._seen = Seen(people)
        self._now = World()
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
        self._links(record)
        if not self._people.counts(record):
            return
        if self._people.shows(record, message.subject):
            self._subject(record)
            if kind := kinds.get(message.kind):
                kind(record)
        if message.kind == "metric":
            self._metric(record)
        self._relationships(record)

    def end(self) -> World:
        now = self._now
        now.seen = self._seen.times()
        now.objects = {key: _set(attributes) for key, attributes in now.objects.items()}
        now.relationships = {key: (by, _set(pairs), at) for key, (by, pairs, at) in now.relationships.items()}
        for workspace, person in self._people:
            now.customers[workspace, person.founder] = _customer(person)
            kept = preferences(person.attributes).items()
            now.subscription_preferences |= {(workspace, person.name, name): row for name, row in kept}
        for form, sent in self._forms.items():
            refused = sum(subject.startswith("form:") for subject, _ in sent)
            now.forms[form] = min(sent.values())[0], len(sent) - refused, refused
        return now

    def _who(self, record: Placed, subject: str = "") -> str:
        """The person, or the very subject that is nobody's."""
        return self._people.name(record, subject) or subject or record.message.subject

    def _subject(self, record: Placed) -> None:
        message = record.message
        self._seen.add(record)
        if message.kind in EVENTS:
            told = message.name, bytes(message.data).decode(), self._people.doer(record)
            self._now.events[message.workspace, message.subject, message.id] = told
        if begins(message):
            self._now.objects.setdefault((message.workspace, message.subject), {}).update(message.attributes)

    def _device(self, record: Placed) -> None:
        message, devices = record.message, self._now.devices
        key, person = (message.workspace, message.target), self._people.name(record)
        if message.kind == "add_device":
            told = message.name, _set(dict(message.attributes)), record.version[0]
            devices[key] = message.subject, person, *told
        elif key in devices and (devices[key][1] or devices[key][0]) == self._who(record):
            del devices[key]

    def _segment(self, record: Placed) -> None:
        """Who is unknown is in none."""
        message, person = record.message, self._people.name(record)
        key = (message.workspace, message.target, person)
        self._now.segment_members.pop(key, None)
        if message.kind == "add_to_segment" and person:
            self._now.segment_members[key] = message.subject, record.version[0]

    def _form(self, record: Placed) -> None:
        message = record.message
        sent = self._forms.setdefault((message.workspace, message.target), {})
        sent[message.subject, message.id] = record.version
        if not message.subject.startswith("form:"):
            key = (message.workspace, message.target, message.subject, message.id)
            self._now.form_submissions[key] = bytes(message.data).decode(), self._people.name(record)

    def _unsubscribe(self, record: Placed) -> None:
        message = record.message
        key = (message.workspace, message.subject.removeprefix("delivery:"))
        self._now.unsubscribes.pop(key, None)
        if ("unsubscribe", "true") in message.attributes:
            self._now.unsubscribes[key] = record.version[0]

    def _metric(self, record: Placed) -> None:
        message = record.message
        if self._people.shows(record, *whom(message)):
            key = (message.workspace, message.subject.removeprefix("delivery:"), message.name)
            self._now.deliveries[key] = recipient(message), message.id

    def _relationships(self, record: Placed) -> None:
        message, known = record.message, self._now.relationships
        for other, attributes in message.relationships:
            ends = (other, message.subject) if message.subject.startswith(OBJECTS) else (message.subject, other)
            if not self._people.shows(record, *ends) or self._is_nobody(record, ends[0]):
                continue
            key = (message.workspace, self._who(record, ends[0]), ends[1])
            _, before, _ = known.pop(key, ("", {}, 0))
            if message.kind != "delete_relationships":
                known[key] = ends[0], before | dict(attributes), record.version[0]

    def _links(self, record: Placed) -> None:
        message = record.message
        for link in message.links:
            if message.subject.startswith(KINDS) and self._people.shows(record, message.subject, link):
                key = (message.workspace, message.subject, link, message.kind)
                person = "" if self._is_nobody(record, message.subject) else self._people.name(record)
                self._now.identifiers[key] = message.id, record.version[0], person

    def _is_nobody(self, record: Placed, subject: str) -> bool:
        """A `cio_id` that was nobody's then."""
        return subject.startswith(CIO) and not self._people.was_known(record, subject)


def _customer(person: Person) -> Customer:
    attributes = _set({name: written.text for name, written in person.attributes.items()})
    emails = [each.removeprefix("email:") for each in person.identifiers if each.startswith("email:")]
    email = shown(attributes["email"]) if "email" in attributes else "".join(emails[-1:])
    return Customer(person.name, person.identifiers, attributes, email)


def _set(attributes: Attributes) -> Attributes:
    return {name: text for name, text in attributes.items() if text not in NOT_SET}
