"""Asks the tables for a person."""

from datetime import UTC

import msgspec

from workers.asking import Asking
from workers.people.facts import ANONYMOUS
from workers.person import Attribute, Found, Person, effective
from workers.person.attributes import attributes
from workers.person.links import Links
from workers.person.nodes import Whose, heard_of, members, whose
from workers.person.said import Messages
from workers.person.things import Things

_ERASURE = """
SELECT id, requested_at
FROM
(
    SELECT id, requested_at, version FROM stored_erasures WHERE subject_hash = {hash:UInt128} AND kind != 'unsuppress'
    UNION ALL
    SELECT id, requested_at, version
    FROM stored_derived_erasures FINAL
    WHERE subject_hash = {hash:UInt128} AND kind NOT IN ('unsuppress', 'none')
)
ORDER BY version DESC
LIMIT 1
"""


def person(url: str, subject: str, workspace: str, events: int) -> Found:
    """subject: any identifier, as a message has it. workspace: empty for whichever knows it. events: how many of the
    last ones. Raises `Away` and `Failed`."""
    with Asking(url) as asking:
        known = {site: whose(asking, site, subject, hash) for site, hash in heard_of(asking, subject, workspace)}
        somebody = [site for site, one in known.items() if one.founder]
        if len(somebody) > 1:
            return Found("several", subject, somebody)
        if somebody:
            [site] = somebody
            return Found("known", subject, somebody, person=_person(asking, site, known[site], events))
        return _nobody(asking, subject, known)


def _nobody(asking: Asking, subject: str, known: dict[str, Whose]) -> Found:
    if suppressed := [site for site, one in known.items() if one.suppressed]:
        return _erased(asking, "suppressed", subject, suppressed, known)
    if erased := [site for site, one in known.items() if one.below]:
        return _erased(asking, "erased", subject, erased, known)
    return Found("anonymous" if known and subject.startswith(f"{ANONYMOUS}:") else "unknown", subject, list(known))


def _erased(asking: Asking, state: str, subject: str, sites: list[str], known: dict[str, Whose]) -> Found:
    for id, requested_at in asking.rows(_ERASURE, hash=known[sites[0]].hash):
        return Found(state, subject, sites, id, requested_at.replace(tzinfo=UTC))
    return Found(state, subject, sites)


def _person(asking: Asking, workspace: str, one: Whose, events: int) -> Person:
    nodes = members(asking, workspace, one)
    links, things = Links(asking, nodes), Things(asking, workspace, nodes)
    writes = attributes(asking, workspace, nodes, links.is_refused)
    said = {(write.node.hash, write.version) for write in writes} | {(node.hash, node.joined) for node in nodes}
    messages = Messages(asking, said)
    return Person(
        workspace=workspace,
        cio_id=f"{one.founder:032x}" + (f"{one.life:x}" if one.life else ""),
        founder=nodes[0].subject,
        first_seen_at=effective(min(node.first for node in nodes if node.first)),
        updated_at=effective(max(node.last for node in nodes)),
        identifiers=links.identifiers(messages),
        refused=links.refusals(),
        attributes=[
            Attribute(
                write.name,
                msgspec.Raw(write.value.encode()),
                effective(write.version),
                write.node.subject,
                messages.of(write.node.hash, write.version),
            )
            for write in writes
        ],
        devices=things.devices(),
        segments=things.segments(),
        relationships=things.relationships(),
        events=things.events(events),
    )
