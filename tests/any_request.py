"""Requests as clients might send them, of all three APIs and of every kind: few people and few things, and all that can
be said of them, so that most requests speak of what others spoke of."""

import json
import re
import time
from typing import Any, TypeAlias

from hypothesis import strategies as st

from tests.wire.row import Sent, sent
from tests.wire.v2 import person, related, thing

Strategy: TypeAlias = st.SearchStrategy[Any]

NOW = time.time() - 3600  # s since 1970: the journal's time to live is counted from append times
PREFERENCES = "cio_subscription_preferences"
IDS = ("01HF7YAT00TXYQ1V7JZC4GVSZR", "6ba7b810-9dad-11d1-80b4-00c04fd430c8")
OBJECTS = ({"object_type_id": "1", "object_id": "acme"}, {"object_type_id": "a/b", "object_id": "/"})
MERGES = (
    {"primary": {"id": "5"}, "secondary": {"id": "6"}},
    {"primary": {"email": "b@x.io"}, "secondary": {"id": "5"}},
)


def fixed(**fields: Any) -> Strategy:
    """An object with a value, or one of a strategy's, under each name."""
    return st.fixed_dictionaries(
        {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in fields.items()}
    )


def merged(*parts: Strategy) -> Strategy:
    """One object of several."""
    return st.tuples(*parts).map(lambda found: {name: value for part in found for name, value in part.items()})


def few(*choices: Any) -> Strategy:
    return st.sampled_from(choices)


# What can be said, whatever it is said by.
values = few("a", "b", "", None, 1.5, True, {"n": [1]}, "\0é😀")
topics = st.dictionaries(few("t1", "t2"), st.booleans(), max_size=2)
preferences = st.one_of(
    fixed(**{PREFERENCES: fixed(topics=topics)}), fixed(**{f"{PREFERENCES}.topics.t1": few(True, False, None)})
)
plain = st.dictionaries(few("plan", "email", 'na"me', "anonymous_id", "phone"), values, max_size=3)
attributes = st.one_of(plain, plain, preferences)
stamps = st.integers(-40, 40).map(lambda ms: NOW + ms / 1000)
timestamps = few({}, {}, {"timestamp": 1_700_000_000}, {"timestamp": "1700000001.5"}, {"timestamp": 1e12})
# An id that tells no time: as `keyed`.
ids = few({}, {}, {"id": IDS[0]}, {"id": IDS[1], "timestamp": 1_700_000_000}, {"id": "no ULID"})
events = merged(fixed(name=few("bought", "seen"), data=few({}, {"n": 1}, {"n": 2}, None)), timestamps, ids)
tokens, segments, delivery_ids = few("t1", "t2"), few("7", "8"), few("d1", "d2")
devices = merged(fixed(platform=few("ios", "android"), cool=values), few({}, {}, {"last_used": 1_700_000_000}))
names = few({"id": "5"}, {"id": 5}, {"id": "6"}, {"email": "B@x.io"}, {"cio_id": "3"}, {"phone": "+15551234567"})
things = few(*OBJECTS, {"cio_object_id": "o"})
to_things = st.builds(lambda named, role: related(named, role=role), things, values)
to_people = st.builds(lambda named, role: related(named, role=role), names, values)


def v1(method: str, path: str, body: Strategy) -> Strategy:
    """path: with `{}` for a customer."""
    customers = few("5", "5", "6", "b%40x.io", "cio_3", "a%2Fb%20%25").map(path.format)
    return st.builds(keyed, st.just(method), customers.map("/api/v1{}".format), body, keys)


def v2(path: str, body: Strategy) -> Strategy:
    return st.builds(keyed, st.just("POST"), st.just(f"/api/v2/{path}"), body, keys)


def pipelines(path: str, body: Strategy) -> Strategy:
    return st.builds(sent, st.just("POST"), st.just(f"/v1/{path}"), body)


def keyed(method: str, path: str, body: Any, key: str) -> Sent:
    """A key tells no time, so events are filed by their timestamps: with others it is another key."""
    times = "".join(re.findall(r'"timestamp": ([^,}]*)', json.dumps(body)))
    return sent(method, path, body, headers={"idempotency-key": key + times.replace('"', "")} if key else {})


keys = few("", "", "", "k1", "k2")
nothing: Strategy = st.just({})
customers = "/customers/{}"
related_to = fixed(
    cio_relationships=fixed(action=few("add_relationships", "delete_relationships"), relationships=to_things)
)
track_v1 = (
    v1("PUT", customers, attributes),
    v1("PUT", customers, merged(attributes, fixed(_timestamp=stamps))),
    v1("PUT", customers, merged(attributes, related_to)),
    v1("POST", f"{customers}/events", merged(events, fixed(type=few("event", "page", "screen")))),
    v1("POST", f"{customers}/events", events),
    v1("DELETE", customers, nothing),
    v1("POST", f"{customers}/suppress", nothing),
    v1("POST", f"{customers}/unsuppress", nothing),
    v1("PUT", f"{customers}/devices", fixed(device=merged(devices, fixed(id=tokens)))),
    v1("DELETE", f"{customers}/devices/t1", nothing),
    v1("POST", "/events", merged(events, few({}, {"anonymous_id": "a1"}))),
    v1("POST", "/merge_customers", few(*MERGES)),
    v1("POST", "/segments/7/add_customers", fixed(ids=st.lists(few("5", "6", "nobody"), min_size=1, max_size=3))),
    v1("POST", "/segments/7/remove_customers", fixed(ids=st.lists(few("5", "6"), min_size=1, max_size=2))),
    v1("POST", "/segments/8/add_customers?id_type=email", fixed(ids=st.just(["B@x.io"]))),
    v1("POST", "/forms/f1/submit", fixed(data=few({"id": "5", "plan": "c"}, {"email": "B@x.io", "form_id": "0"}, {}))),
    v1(
        "POST",
        "/metrics",
        merged(fixed(delivery_id=delivery_ids, metric=few("opened", "clicked", "eaten")), timestamps),
    ),
    v1("POST", "/metrics", fixed(delivery_id=delivery_ids, metric=few("opened"), recipient=few("5", "b@x.io"))),
    v1("POST", "/push/events", fixed(delivery_id=delivery_ids, event=few("opened"), device_id=tokens)),
)


def said(action: str, **fields: Any) -> Strategy:
    """Of a person, in Track v2."""
    return merged(st.builds(lambda named: person(action, named), names), fixed(**fields))


def said_of(action: str, **fields: Any) -> Strategy:
    """Of an object."""
    return merged(st.builds(lambda named: thing(action, named), things), fixed(**fields))


entities = (
    said("identify", attributes=attributes),
    said("identify", attributes=attributes, timestamp=stamps),
    said("identify", attributes=plain, cio_relationships=to_things),
    said("event", name=few("bought", "seen"), attributes=few({}, {"n": 1})),
    merged(said("page", name="/"), timestamps, ids),
    merged(said("event", name="bought"), ids),
    said("add_relationships", cio_relationships=to_things),
    said("delete_relationships", cio_relationships=to_things),
    said("add_device", device=merged(devices, fixed(token=tokens))),
    said("delete_device", device=fixed(token=tokens)),
    said("delete"),
    said("suppress"),
    said("unsuppress"),
    st.builds(lambda ends: {"type": "person", "action": "merge"} | ends, few(*MERGES)),
    said_of("identify", attributes=plain),
    said_of("identify", attributes=plain, cio_relationships=to_people),
    said_of("identify_anonymous", anonymous_id="a1"),
    said_of("add_relationships", cio_relationships=to_people),
    said_of("delete_relationships", cio_relationships=to_people),
    said_of("delete"),
    fixed(
        type="delivery",
        identifiers=fixed(id=delivery_ids),
        action="event",
        name="opened",
        attributes=fixed(device_token=tokens),
    ),
    said("event"),  # which has no name
)
track_v2 = (
    *(v2("entity", entity) for entity in entities),
    *[v2("batch", fixed(batch=st.lists(st.one_of(*entities), min_size=1, max_size=5)))] * 4,
)
users = few(
    {"userId": "5"}, {"userId": "6"}, {"userId": "B@x.io"}, {"anonymousId": "a1"}, {"userId": "5", "anonymousId": "a1"}
)
when = few({}, {}, {"timestamp": "2023-11-14T22:13:20Z"}, {"messageId": "m1"}, {"messageId": "m2"})


def call(type: str, **fields: Any) -> tuple[str, Strategy]:
    """The type of a call of Data Pipelines, and calls of it."""
    return type, merged(fixed(type=type), users, when, fixed(**fields))


def told(name: str, **properties: Any) -> tuple[str, Strategy]:
    """An event that means something else."""
    return call(
        "track", event=name, properties=fixed(**properties), context=fixed(device=fixed(token=tokens, type="ios"))
    )


calls = (
    call("identify", traits=attributes),
    call("track", event=few("bought", "seen"), properties=few({}, {"n": 1}, None)),
    call("page", name="/", properties=few({}, {"n": 1})),
    call("screen", name="Home"),
    call("group", groupId="acme", traits=plain),
    call("group", groupId="acme", traits=fixed(relationshipAttributes=fixed(role=values))),
    call("alias", previousId=few("6", "a1", "b@x.io")),
    call("track", event=""),  # which is refused
    told("Device Created or Updated"),
    told("Device Deleted"),
    told("User Deleted"),
    told("User Suppressed"),
    told("User Unsuppressed"),
    told("Relationship Deleted", objectId="acme", objectTypeId="1"),
    told("Object Deleted", objectId="acme"),
    told("Report Delivery Event", deliveryId=delivery_ids, metric=few("opened", "bounced"), recipient="5"),
)
data_pipelines = (
    *(pipelines(type, body) for type, body in calls),
    *[pipelines("b", fixed(batch=st.lists(st.one_of(*(body for _, body in calls)), min_size=1, max_size=5)))] * 4,
)
any_request: st.SearchStrategy[Sent] = st.one_of(*track_v1, *track_v2, *data_pipelines)
