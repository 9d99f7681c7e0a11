"""Histories of people, made by chance: what is said of few identifiers, in all ways there are to say who is who."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from schemas.messages import MUST_EXIST
from schemas.topics import partition
from tests.model_persons import CONTROL
from tests.placed import Placed
from tests.said import said
from tests.sayings import message

NODES = ["id:1", "id:2", "email:a@x.com", "email:b@x.com", "phone:+491", "anon:1", "anon:2"]
KINDS = {"id": "id", "email": "email", "phone": "phone", "anon": "anonymous_id"}
PARTITIONS = 3
NOW = int(time.time() * 1000) - 86_400_000  # a day ago: the journal's time to live is counted from append times
PREFERENCE = "cio_subscription_preferences"
Hash = Callable[[str], str]  # of a subject, as its `cio_id` begins


@dataclass(frozen=True)
class Cio:
    """A `cio_id`. life: of the founder's first if 0, else in the one since that many deletions and the like ago."""

    founder: str
    life: int


@dataclass(frozen=True)
class Step:
    """A message that is appended `tick` ms after the one before. stamp: the client's own time, and spooled: the edge's,
    both in ms after the append. id: the client's."""

    kind: str
    subject: str | Cio
    links: tuple[str | Cio, ...] = ()
    said: Mapping[str, Any] | None = None
    tick: int = 1
    stamp: int | None = None
    spooled: int | None = None


nodes = st.sampled_from(NODES)
CIO_IDS = [Cio(founder, life) for founder in NODES[:4] for life in (0, 0, 1, 2)]
subjects: st.SearchStrategy[str | Cio] = st.sampled_from([*NODES * 8, *CIO_IDS, "cio:7"])
links = st.lists(subjects, max_size=3, unique_by=lambda link: _kind(link))
texts = st.sampled_from(['"a"', '"b"', "1.0", "null", '""'])
pairs = st.dictionaries(st.sampled_from(["plan", "lang", "city"]), texts, max_size=2).map(
    lambda found: (*found.items(),)
)
preferences = st.sampled_from([f"{PREFERENCE}.t", f"{PREFERENCE}.t.u", PREFERENCE]).flatmap(
    lambda name: st.sampled_from(["true", '{"t":{"u":1}}', '{"t":2}', "null"]).map(lambda text: ((name, text),))
)
updates = st.sampled_from([(), (), (), (MUST_EXIST,)])
attributes = st.tuples(st.one_of(pairs, pairs, pairs, preferences), updates).map(lambda both: both[0] + both[1])
objects = st.sampled_from(["object:1/a", "object:1/b"])
ticks = st.sampled_from([1, 1, 0, 2, 150_000, 300_000])
stamps = st.one_of(st.none(), st.none(), st.integers(-12, 3))
spooled = st.one_of(st.none(), st.none(), st.none(), st.integers(-6, 0))


def _kind(link: str | Cio) -> str:
    return "cio" if isinstance(link, Cio) else link.partition(":")[0]


def _steps(kind: object, subject: st.SearchStrategy[Any], links: Any = None, **fields: Any) -> st.SearchStrategy[Step]:
    said = {name: each if isinstance(each, st.SearchStrategy) else st.just(each) for name, each in fields.items()}
    return st.builds(
        Step,
        kind=kind if isinstance(kind, st.SearchStrategy) else st.just(kind),
        subject=subject,
        links=st.just(()) if links is None else links.map(tuple),
        said=st.fixed_dictionaries(said),
        tick=ticks,
        stamp=stamps if kind == "identify" else st.none(),
        spooled=spooled,
    )


def _ends(others: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.lists(st.tuples(others, pairs), min_size=1, max_size=1).map(tuple)


identifies = _steps("identify", subjects, links, attributes=attributes)
related = _steps("identify", subjects, links, attributes=attributes, relationships=_ends(objects))
events = _steps(st.sampled_from(["event", "page"]), subjects, id=st.sampled_from(["", "", "a", "b"]), name="e")
visits = _steps("event", st.sampled_from(["anon:1", "anon:2"]), name="e")
merges = _steps("merge", subjects, st.lists(subjects, min_size=1, max_size=1))
ends = _steps(st.sampled_from(["delete", "delete", "suppress", "unsuppress", "unsuppress"]), subjects)
things = st.one_of(
    _steps(st.sampled_from(["add_device", "add_device", "delete_device"]), subjects, target="t", name="ios"),
    _steps(st.sampled_from(["add_to_segment", "add_to_segment", "remove_from_segment"]), subjects, target="s"),
    _steps("form", st.sampled_from(NODES[:4]), links, target="f", attributes=pairs),
    _steps(st.sampled_from(["add_relationships", "delete_relationships"]), subjects, relationships=_ends(objects)),
    _steps(st.sampled_from(["identify", "delete_relationships"]), objects, relationships=_ends(nodes)),
)
often = [*[identifies] * 4, related, events, visits, merges, merges, ends, things]
steps = st.sampled_from(often).flatmap(lambda kind: kind)
histories = st.sampled_from([1, 5, 10, 20, 40]).flatmap(lambda most: st.lists(steps, min_size=most // 2, max_size=most))


def placed(history: Sequence[Step], workspace: str, hash: Hash, first: int = 0) -> list[Placed]:
    """On the log, from that offset on: no two have one, so no two have one version. Each subject keeps to a
    partition."""
    records: list[Placed] = []
    at = NOW
    for number, step in enumerate(history, first):
        at += step.tick
        lives = [record.version[0] for record in records if record.message.kind in CONTROL]
        subject, *others = (_subject(each, hash, lives) for each in (step.subject, *step.links))
        given = {"links": tuple(link for link in others if link != subject)} if others else {}
        if step.kind == "merge" and not given["links"]:
            continue  # the edge refuses it
        saying = {"kind": step.kind, "subject": subject, "stamp": step.stamp, **(step.said or {}), **given}
        if "attributes" in saying and not subject.startswith("object:"):
            saying["attributes"] = _identifiers(given.get("links", ())) + saying["attributes"]
        spooled = None if step.spooled is None else (at + step.spooled) / 1000
        told = message(saying, workspace, f"m{number}", at, spooled_at=spooled)
        # By what hypothesis knows: hashes are new in every example, and it repeats an example's steps.
        key = step.subject.founder if isinstance(step.subject, Cio) else step.subject
        records.append(Placed(told, number, at, partition(key.encode(), PARTITIONS)))
    return records


def _subject(each: str | Cio, hash: Hash, lives: Sequence[int]) -> str:
    if isinstance(each, str):
        return each
    since = lives[-each.life] if 0 < each.life <= len(lives) else 0
    return f"cio:{hash(each.founder)}" + (f"{since:x}" if since else "")


def _identifiers(links: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The attributes that links come of."""
    given = [link.partition(":") for link in links]
    return tuple((KINDS[kind], f'"{identifier}"') for kind, _, identifier in given if kind in KINDS)


def listed(records: Sequence[Placed]) -> str:
    """A line each, in the order in which they count."""
    lines = []
    for record in sorted(records, key=lambda record: (record.version, record.message.subject)):
        fields = said(record.message)
        kind, subject = fields.pop("kind"), fields.pop("subject")
        at = record.version[0] - NOW
        lines.append(f"{record.message.id} {at:+} partition {record.partition}: {kind} {subject} {fields}")
    return "\n".join(lines)
