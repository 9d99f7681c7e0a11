"""What clients may say, of all kinds and about few: what has to be told apart are messages about the same one."""

from collections.abc import Mapping
from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas.messages import Context, Message

PEOPLE = ["id:1", "id:1", "id:1", "id:a/b %+", "email:bob@example.com", "phone:+15550001", "cio:7", "anon:1"]
OBJECTS = ["object:1/acme", "object:a%2Fb/c/d %+", "cio_object:9"]
TEXTS = ['"a"', '"b"', "1.0", "1E2", "null", '""', "{}", "18446744073709551616", '"\\u0000😀"']
PREFERENCES = ["", ".topics", ".topics.t1", ".topics.t2", ".other"]
PREFERRED = ['{"topics":{"t1":true,"t2":false}}', '{"t1":[1,{"t2":"x y"}]}', '{"topics":true,"t1":null}', "false", '""']

Saying = Mapping[str, Any]  # fields of a message; `stamp`: ms of the client's time before or after the append
people = st.sampled_from(PEOPLE)
objects = st.sampled_from(OBJECTS)
names = st.sampled_from(["email", "plan", 'na"me/é'])
pairs = st.dictionaries(names, st.sampled_from(TEXTS), max_size=3).map(dict.items)
preferences = st.dictionaries(
    st.sampled_from([f"cio_subscription_preferences{name}" for name in PREFERENCES]), st.sampled_from(PREFERRED)
).map(dict.items)
stamps = st.one_of(st.none(), st.none(), st.integers(-40, 40))


def _saying(kind: object, subject: st.SearchStrategy[str], **fields: object) -> st.SearchStrategy[Any]:
    """Fields that are no strategy are as they are."""
    given = {"kind": kind, "subject": subject} | fields
    return st.fixed_dictionaries(
        {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in given.items()}
    )


def _ends(others: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.lists(st.tuples(others, pairs.map(tuple)), max_size=2).map(tuple)


identifies = _saying(
    "identify",
    people,
    attributes=st.one_of(pairs, pairs, preferences).map(tuple),
    links=st.lists(people, max_size=1).map(tuple),
    relationships=_ends(objects),
    stamp=stamps,
)
events = _saying(
    st.sampled_from(["event", "page"]),
    people,
    id=st.sampled_from(["", "a", "a", "a", "b"]),
    fingerprint=st.sampled_from(["", "1", "2"]),
    name=st.sampled_from(["bought", "seen"]),
    data=st.sampled_from(["{}", '{"n":1.0,"n":2}', '{"deep":[[{"x":null}]],"big":9223372036854775808}', '{"e":"😀"}']),
)
deletes = _saying("delete", st.one_of(people, people, objects))
suppressions = _saying(st.sampled_from(["suppress", "unsuppress"]), people)
things = st.one_of(
    _saying("identify", objects, attributes=pairs.map(tuple), relationships=_ends(people), stamp=stamps),
    _saying(st.sampled_from(["add_relationships", "delete_relationships"]), people, relationships=_ends(objects)),
    _saying(st.sampled_from(["add_relationships", "delete_relationships"]), objects, relationships=_ends(people)),
    _saying(
        st.sampled_from(["add_device", "add_device", "delete_device"]),
        people,
        target=st.sampled_from(["t1", "t1", "t2"]),
        name=st.sampled_from(["ios", "android"]),
        attributes=pairs.map(tuple),
    ),
    _saying(st.sampled_from(["add_to_segment", "remove_from_segment"]), people, target=st.sampled_from(["7", "8"])),
    _saying("merge", people, links=st.tuples(people)),
    _saying(
        "form",
        st.one_of(people, st.just("form:f")),
        target="f",
        id=st.sampled_from(["", "a"]),
        data='{"x": "y"}',
        attributes=pairs.map(tuple),
    ),
    _saying(
        "metric",
        st.sampled_from(["delivery:1", "delivery:2"]),
        id=st.sampled_from(["", "", "a"]),
        fingerprint=st.sampled_from(["1", "2"]),
        name=st.sampled_from(["opened", "clicked"]),
        attributes=st.sampled_from(['"Bob@Example.com"', '"1"', "1", '"cio_7"', '""', "null"]).map(
            lambda text: (("recipient", text),)
        ),
    ),
    _saying(
        "unsubscribe",
        st.sampled_from(["delivery:1", "delivery:2"]),
        attributes=st.sampled_from(["true", "true", "false"]).map(lambda text: (("unsubscribe", text),)),
    ),
    _saying("rejection", st.just("rejection:"), name="bad_request", data='{"status":400}'),
    _saying("telemetry", st.just("telemetry:1")),
)
sayings = st.one_of(events, identifies, events, things, things, suppressions, deletes)


def message(saying: Saying, workspace: str, id: str, at: int, **fields: Any) -> Message:
    """at: ms since 1970. id: for what was said without one."""
    given = dict(saying)
    stamp = given.pop("stamp", None)
    if stamp is not None:
        given |= {"timestamp": (at + stamp) / 1000, "sent_timestamp": "given"}
    if "data" in given:
        given["data"] = msgspec.Raw(given["data"].encode())
    if given["kind"] == "rejection":
        given["subject"] = f"rejection:{id}"  # one request's, and so one's own
    if given.get("id"):
        given["filed_at"] = 0.0  # one with a client's id is filed by it, as the edge does
    else:
        given |= {"id": id, "fingerprint": ""}
    times = {"timestamp": at / 1000, "received_at": at / 1000}
    return Message(context=Context(endpoint="test"), **(times | {"workspace": workspace} | fields | given))
