"""What holds of the model of people, whatever was said."""

import random
from collections.abc import Sequence

from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.histories import NODES, Step, histories, listed, placed
from tests.model import world
from tests.model_history import History
from tests.model_persons import CIO
from tests.placed import Placed

W = "w"
HASHES = {(W, f"{number:032x}"): node for number, node in enumerate(NODES, 1)}
many = settings(max_examples=300, deadline=None)


def told(history: Sequence[Step]) -> list[Placed]:
    records = placed(history, W, lambda subject: f"{NODES.index(subject) + 1:032x}")
    note(listed(records))
    return records


@many
@given(history=histories)
def test_everybody_has_their_nodes_to_themselves(history: Sequence[Step]) -> None:
    """Each node is of one person, who has it once; nobody is without one, and who is suppressed is nobody."""
    end = History(told(history), None, HASHES)

    people = set(end.owners.values())
    nodes = [node for person in people for node in person.nodes]
    assert sorted(nodes) == sorted(end.owners)
    assert all(end.owners[node] is person for person in people for node in person.nodes)
    assert all(person.identifiers[0] == person.founder for person in people)
    assert not any(end.erased.blocks(node) for node in end.owners)


@many
@given(history=histories)
def test_refused_link_is_to_somebody_else_then(history: Sequence[Step]) -> None:
    """With that message the two are two; or before it one is nobody."""
    records = told(history)
    for record, link, reason in History(records, None, HASHES).refusals:
        is_conflict = reason == "identifier_conflict"
        earlier = [each for each in records if each.version <= record.version and (each is not record or is_conflict)]
        before = History(earlier, None, HASHES)
        ends = [before.owners.get(before.node(record, subject)) for subject in (record.message.subject, link)]
        assert ends[0] is not ends[1] if is_conflict else None in ends


@many
@given(history=histories, rng=st.randoms(use_true_random=False))
def test_order_of_arrival_changes_nothing(history: Sequence[Step], rng: random.Random) -> None:
    records = told(history)

    assert world(rng.sample(records, len(records)), hashes=HASHES) == world(records, hashes=HASHES)


@many
@given(history=histories)
def test_things_are_of_people_who_are_there(history: Sequence[Step]) -> None:
    """Whoever is named as a person is a customer."""
    now = world(told(history), hashes=HASHES)

    people = {"", *(row.person for row in now.customers.values())}
    assert people >= {person for _, _, person in now.events.values()}
    assert people >= {person for _, person, *_ in now.devices.values()}
    assert people >= {person for _, _, person in now.segment_members}
    assert people >= {person for _, person in now.form_submissions.values()}
    assert set(now.seen) >= set(now.customers)


@many
@given(history=histories)
def test_cio_ids_are_no_identifiers(history: Sequence[Step]) -> None:
    now = world(told(history), hashes=HASHES)

    assert not any(each.startswith(CIO) for row in now.customers.values() for each in row.identifiers)
