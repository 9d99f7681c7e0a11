"""Events and identifies as clients might send them: usual ones, nearly usual ones, and what no client should send."""

import random
from typing import NamedTuple

_WORDS = (
    '"bought"', '" seen "', '""', '"  "', '"User Deleted"', '" User Deleted"', '"é\\u00e9😀"', '"a\\"b\\\\c\\n/"',
    '"' + "x" * 25 + '"', '"' + "é" * 26 + '"', '"' + "é" * 51 + '"',
    '"' + "x" * 100 + '"', '"' + "x" * 101 + '"', "null", "5", "true",
    '"\\ud800"',
    '"\\u0000\\u001f\\u007f"',
)  # fmt: skip
_IDS = (
    '"5"', '"b@x.io"', '"cio_3"', '"a/b c"', '""', '" "', "5", "0", "-1", "-0", "1.0", "1e3", "18446744073709551616",
    "null", "true", "[]", '"' + "é" * 37 + '"', '"' + "é" * 76 + '"', '"' + "x" * 150 + '"', '"' + "x" * 151 + '"',
    '"\\u0022"',
    '"01HF7YAT00TXYQ1V7JZC4GVSZR"', '"6ba7b810-9dad-11d1-80b4-00c04fd430c8"', '"018bcfe5-6800-7000-8000-000000000000"',
)  # fmt: skip
_DATA = (
    '{"price": 1.50,"n":1E2,"big":123456789012345678901234567890,"t":["a",{"b":null}]}',
    '{"a":1,"a":2}', "{}", '{"n":1}',
    "null", '""', "[]", '{"x":1e400}', '{"x":-1e-400}', '{"x":"\\ud800"}', '{"x":"é\\u00e9"}', '{"x":01}', '{"x":\t1 }',
    '{"x":' + "[" * 59 + "]" * 59 + "}", '{"x":' + "[" * 61 + "]" * 61 + "}", '{"x":' + "[" * 63 + "]" * 63 + "}",
    '{"x":[' + "[]," * 70 + "1]}", '{"x":"' + "y" * 33_000 + '"}', '{"x":"' + "[" * 80 + '"}', '{"x":"\\x"}',
    '{"x":"\t"}', '{"x":' + "[" * 60 + "]" * 60 + "}", '{"x":[1,' + "9" * 309 + "]}", '{"x":1' + "0" * 250 + "e99}",
    '{"x":"9e123-4E5678","y":[1e+0400]}', '{"id":"550e8400-e29b-41d4-a716-4466554e0000","hash":"9E4000"}',
)  # fmt: skip
_SECONDS = (
    "1700000000", "1700000000.5", "1.7e9", "0", "-5", "-0", '"1700000000"', "1e12", "99999999999999",
    "null", '""', "true",
)  # fmt: skip
_DATES = (
    '"2023-11-14T22:13:20.000Z"', '"2023-11-14T22:13:20+01:00"', '"2023-11-14 22:13:20"', '"2023-11-14"',
    '"2023-11-14T22:13"',
    '" 2023-11-14T22:13:20Z "', '"2023-11-14T22:13:20Z\\n"', '"1700000000"', "1700000000", '"0000-01-01T00:00:00.000Z"',
    "null", '""',
    '"9999-01-01T00:00:00Z"', '"+275760-09-13T00:00:00.000Z"', '"1850-01-01T00:00:00Z"', '"2023-13-14T22:13:20Z"',
    '"2023-11-14T"',
)  # fmt: skip
_SENT = (
    '"2026-11-30T08:48:21.248+00:00"', '"2026-11-30T08:48:22.851Z"', '"2026-11-30T08:48:22Z"',
    '"1970-01-01T00:00:00.000Z"', '"1969-12-31T23:59:59.999-02:30"', '"2026-11-30T08:48:21.749680+00:00"',
    '"2026-11-30T08:48:21.24"', '"1900-01-01T00:00:00Z"', '"2299-12-31T23:59:59.5Z"',
)  # fmt: skip
_GIVEN = (
    '"8239797d-1e87-4f72-a5e5-59cc50d0b633"', '"node-next-1796028502851-62427467-276f-4657-ad12-19428246cd34"',
    '"ajs-next-1700000000000-6ba7b810"', '"018bcfe5-6800-7000-8000-000000000000"', '"01HF7YAT00TXYQ1V7JZC4GVSZR"',
    '"018bcfe5-6800-7000-c000-000000000000"', '"018BCFE568007000800000000000000000"',
)  # fmt: skip
_VALUES = (
    '"premium"', "42", "1.50", "1E2", "true", "null", '""', '{"a":[1,{}]}', "[]", '"é\\u00e9😀"', '"a\\"b\\\\c"',
    '"' + "x" * 250 + '"', '"' + "x" * 251 + '"', '"' + "é" * 501 + '"', '"' + "x" * 1_001 + '"', "9" * 400,
    '"\\ud800"', "1e400", "[" * 61 + "]" * 61, "[" * 63 + "]" * 63,
)  # fmt: skip
_EMAILS = (
    '"b@x.io"', '"B@X.io"', '" b@x.io "', '"n/a"', '""', "null", "5", "[]", '"' + "x" * 140 + '@x.io"',
    '"' + "é" * 36 + '@x.io"', '"' + "x" * 150 + '@x.io"',
)  # fmt: skip
_NAMES_OF_ATTRIBUTES = (
    "plan", "age", "é", "", "x" * 37, "x" * 38, "é" * 76, "x" * 151, "created_at", '\\"', "\\ud800", "_update",
    "_timestamp", "cio_id", "_created_in_customerio_at", "cio_relationships", "id", "phone", "anonymous_id",
    "cio_subscription_preferences",
)  # fmt: skip
_CONTEXTS = ("{}", '{"ip":"1.1.1.1","library":{"name":"x"}}', "null", "[]", '"x"', '{"x":1e400}')
_KINDS = ('"event"', '"page"', '"screen"', '"identify"', '"delete"', '"nonsense"', "null")


class Body(NamedTuple):
    """name: of the endpoint. segments: of its path."""

    name: str
    segments: dict[str, str]
    text: bytes


def a_body(rng: random.Random) -> Body:
    way = rng.choice(("event", "entity", "call", "entities", "calls", "customer", "person", "user"))
    text = _ITEMS[way](rng) if way in _ITEMS else _batch(rng, way)
    path = {"identifier": rng.choice(("5", "b%40x.io", "cio_3", "%22", "a%2Fb", "%E9", "%zz", "x" * 151))}
    return Body(_NAMES[way], path if way in ("event", "customer") else {}, _bytes(rng, text))


def _event(rng: random.Random) -> str:
    return _object(
        rng,
        {"name": _one(rng, _WORDS), "data": _one(rng, _DATA)},
        {
            "timestamp": _one(rng, _SECONDS),
            "id": _one(rng, _IDS),
            "type": _one(rng, _KINDS),
            "anonymous_id": _one(rng, _IDS),
        },
    )


def _entity(rng: random.Random) -> str:
    named = _object(
        rng, {_one(rng, ("id", "anonymous_id", "email", "cio_id", "phone")): _one(rng, _IDS)}, {"id": _one(rng, _IDS)}
    )
    return _object(
        rng,
        {
            "type": _one(rng, ('"person"', '"object"', "5")),
            "action": _one(rng, _KINDS),
            "identifiers": _one(rng, (named, "null")),
            "name": _one(rng, _WORDS),
            "attributes": _one(rng, _DATA),
        },
        {"timestamp": _one(rng, _SECONDS), "id": _one(rng, _IDS), "data": _one(rng, _DATA), "cio_relationships": "[]"},
    )


def _call(rng: random.Random) -> str:
    return _object(
        rng,
        {
            "type": _one(rng, ('"track"', '"identify"', '"page"', "null", "[" * 70 + "]" * 70)),
            "userId": _one(rng, _IDS),
            "event": _one(rng, _WORDS),
        },
        {"writeKey": '"k"', "originalTimestamp": _one(rng, _DATES), "_metadata": _one(rng, _DATA)},
        {
            "integrations": _one(rng, _CONTEXTS),
            "sentAt": _one(rng, _DATES),
            "properties": _one(rng, _DATA),
            "messageId": _one(rng, _IDS),
            "anonymousId": _one(rng, _IDS),
            "timestamp": _one(rng, _DATES),
            "context": _one(rng, _CONTEXTS),
        },
    )


def _full_call(rng: random.Random) -> str:
    """As SDKs send it: Python's, Node's, a browser's."""
    return _object(
        rng,
        {
            "integrations": _one(rng, _CONTEXTS),
            "anonymousId": _one(rng, ("null", *_IDS)),
            "properties": _one(rng, _DATA),
            "timestamp": rng.choice((*_SENT, *_SENT, *_DATES)),
            "context": rng.choice((*_CONTEXTS[:2], *_CONTEXTS)),
            "userId": _one(rng, _IDS),
            "type": _one(rng, ('"track"', '"identify"')),
            "event": _one(rng, _WORDS),
            "messageId": rng.choice((*_GIVEN, *_GIVEN, *_IDS)),
        },
        {"traits": _one(rng, _DATA), "originalTimestamp": _one(rng, _DATES)},
        {"_metadata": _one(rng, ('{"nodeVersion":"20.20.2","jsRuntime":"node"}', *_DATA))},
    )


def _bare_call(rng: random.Random) -> str:
    """As short as it can be."""
    return _object(
        rng,
        {
            "type": _one(rng, ('"track"', '"identify"')),
            "userId": _one(rng, _IDS),
            "event": _one(rng, _WORDS),
            "properties": _one(rng, _DATA),
        },
        {
            "traits": _one(rng, _DATA),
            "anonymousId": _one(rng, _IDS),
            "messageId": _one(rng, _IDS),
            "timestamp": _one(rng, _DATES),
        },
    )


def _customer(rng: random.Random) -> str:
    """Attributes: some usual ones, now and then 300 or one more, in any order."""
    usual = {} if rng.random() < 0.3 else {"email": _one(rng, _EMAILS)}
    for _ in range(rng.choice((0, 1, 1, 2, 3, 3))):
        usual[_one(rng, _NAMES_OF_ATTRIBUTES[:4]) if rng.random() < 0.8 else rng.choice(_NAMES_OF_ATTRIBUTES)] = _one(
            rng, _VALUES
        )
    if rng.random() < 0.02:
        usual |= {str(number): "1" for number in range(rng.choice((298, 299, 300, 301)))}
    return _object(rng, usual, {"id": _one(rng, _IDS), "_timestamp": _one(rng, _SECONDS), "_update": "true"})


def _person(rng: random.Random) -> str:
    named = _object(rng, {_one(rng, ("id", "anonymous_id", "email", "cio_id")): _one(rng, _IDS)}, {})
    return _object(
        rng,
        {
            "type": _one(rng, ('"person"', '"object"')),
            "action": _one(rng, ('"identify"', *_KINDS)),
            "identifiers": _one(rng, (named, "null", '{"email":"b@x.io"}')),
            "attributes": _one(rng, (_customer(rng), "null", "[]", "{}")),
        },
        {"timestamp": _one(rng, _SECONDS), "cio_relationships": "[]", "name": '"x"', "anonymous_id": '"a"'},
    )


def _user(rng: random.Random) -> str:
    return _object(
        rng,
        {"type": _one(rng, ('"identify"', '"track"', "null", "5")), "userId": _one(rng, ('"5"', '"b@x.io"', *_IDS))},
        {"originalTimestamp": _one(rng, _DATES), "_metadata": _one(rng, _DATA)},
        {
            "anonymousId": _one(rng, _IDS),
            "traits": _one(rng, (_customer(rng), "null", "[]", "{}")),
            "integrations": _one(rng, _CONTEXTS),
            "messageId": _one(rng, _IDS),
            "timestamp": _one(rng, _DATES),
            "context": _one(rng, _CONTEXTS),
        },
    )


def _batch(rng: random.Random, way: str) -> str:
    makes = {"entities": (_entity, _person), "calls": (_call, _user, _bare_call, _full_call, _full_call)}[way]
    items = [rng.choice(makes)(rng) for _ in range(rng.choice((1, 1, 2, 5)))]
    if rng.random() < 0.03:
        items.append(rng.choice(("5", "null", "[]", "{}")))
    listed = _one(rng, ("[" + ",".join(items) + "]", "null", "{}", "[]"))
    return _object(rng, {"batch": listed}, {"context": _one(rng, _CONTEXTS), "x": _one(rng, _DATA)})


_ITEMS = {
    "event": _event, "entity": _entity, "call": _call, "customer": _customer, "person": _person, "user": _user,
}  # fmt: skip
_NAMES = {
    "event": "POST /api/v1/customers/{identifier}/events",
    "entity": "POST /api/v2/entity",
    "call": "POST /v1/track",
    "customer": "PUT /api/v1/customers/{identifier}",
    "person": "POST /api/v2/entity",
    "user": "POST /v1/identify",
    "entities": "POST /api/v2/batch",
    "calls": "POST /v1/batch",
}


def _one(rng: random.Random, choices: tuple[str, ...]) -> str:
    """Most often the first."""
    return choices[0] if rng.random() < 0.85 else rng.choice(choices)


def _object(
    rng: random.Random, usual: dict[str, str], rare: dict[str, str], common: dict[str, str] | None = None
) -> str:
    """In any order, with blanks, with a name twice, in escapes, or without one; whatever may happen."""
    members = list(usual.items()) + [item for item in (common or {}).items() if rng.random() < 0.5]
    members += [item for item in rare.items() if rng.random() < 0.06]
    if rng.random() < 0.2:
        rng.shuffle(members)
    if members and rng.random() < 0.04:
        members.append((rng.choice(members)[0], rng.choice(members)[1]))
    if members and rng.random() < 0.03:
        members.pop(rng.randrange(len(members)))
    blank = rng.choice(("", "", "", " ", "\n\t"))
    named = (
        (f"\\u{ord(name[0]):04x}{name[1:]}" if name and rng.random() < 0.01 else name, value) for name, value in members
    )
    return "{" + f",{blank}".join(f'{blank}"{name}"{blank}:{value}' for name, value in named) + blank + "}"


def _bytes(rng: random.Random, text: str) -> bytes:
    """What breaks any JSON, now and then."""
    body = text.encode("utf-8", "surrogatepass")
    how = rng.random()
    if how < 0.01:
        return body[: rng.randrange(len(body) + 1)]
    if how < 0.02:
        at = rng.randrange(len(body))
        return body[:at] + bytes([rng.randrange(256)]) + body[at:]
    if how < 0.03:
        return rng.choice((b" ", b"\xef\xbb\xbf")) + body
    return body + (rng.choice((b" ", b"x", b"{}")) if how < 0.05 else b"")
