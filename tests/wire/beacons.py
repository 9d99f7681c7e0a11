"""The legacy browser snippet: GIFs whose queries say it."""

from typing import Any
from urllib.parse import quote, urlencode

from tests.wire.row import BROWSER, UNAUTHORIZED, Row, Says, Sent, bad, customer, event, get, link, post, refused, sent

GIF = Says(
    200,
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
    "image/gif",
)
SITE = {"site_id": BROWSER}
AT = "1700000000123"
WHEN = {"timestamp": "2023-11-14 22:13:20.123", "sent_timestamp": AT}
LONG = "https://shop.example/" + "x" * 480
FORBIDDEN = Says(403, b'{"meta":{"error":"this call takes a browser key, not server"}}\n')
NOT_ALLOWED = Says(405, b'{"meta":{"error":"this path takes GET, OPTIONS"}}\n')
WRONG_EVENT = (
    b'{"meta":{"errors":["event name must not be blank",'
    b'"event data must be a hash (e.g., send \\"data\\":{} instead of \\"data\\":\\"\\")","c must be a string",'
    b'"timestamp must be a number of milliseconds since 1970"]}}'
)
CONTRADICTION = b'{"meta":{"errors":["form field \'a[b]\' contradicts another one about its shape"]}}'


def seen(kind: str, query: dict[str, Any], says: Says = GIF, site: dict[str, str] = SITE, **headers: str) -> Sent:
    """As the snippet encodes it: keys too, and a space as a plus."""
    return get(f"/events/{kind}.gif?{urlencode(query | site)}", says, **headers)


TABLE = (
    Row(
        "beacon of a visitor who says who it is",
        [
            seen("page", {"name": "https://shop.example/?a=1", "data[a]": "1", "c": "", "s": "a1", "timestamp": AT}),
            seen("identify", {"user[id]": "5", "user[email]": "B@x.io", "user[plan]": "a b", "c": "5", "s": "a1"}),
            seen("event", {"name": "bought", "data[price]": "23.45", "c": "5", "s": "a1", "timestamp": AT}),
        ],
        {
            "customers": [customer("id:5", email="B@x.io", plan="a b")],
            "identifiers": [link("id:5", "email:b@x.io"), link("id:5", "anon:a1")],
            "events": [
                event("https://shop.example/?a=1", '{"a":"1"}', "anon:a1", kind="page", **WHEN),
                event("bought", '{"price":"23.45"}', kind="event", **WHEN),
            ],
        },
    ),
    Row(
        "beacon in any encoding",
        [
            get(f"/events/event.gif?name=a+b%20c&{query}&c=5&s=&site_id={quote(BROWSER)}", GIF)
            for query in (
                "data[a][b]=%C3%A9&data[t][]=1&data[t][]=2",
                "data%5Ba%5D%5Bb%5D=%C3%A9&data%5Bt%5D%5B0%5D=1&data%5Bt%5D%5B1%5D=2",
                "data[a][b]=\xc3\xa9&data[t][1]=2&data[t][0]=1",
            )
        ]
        + [seen("event", {"name": "none", "data": data, "c": "5"}) for data in ("null", "")],
        {
            "customers": [customer("id:5")],
            "events": [event("a b c", '{"a":{"b":"é"},"t":["1","2"]}')] * 3 + [event("none")] * 2,
        },
    ),
    Row(
        "beacon of whom the snippet knows otherwise",
        [
            seen("identify", {"user[id_secure]": "6", "user[_secure]": "true", "user[x]": "1", "c": "6", "s": ""}),
            seen("identify", {"user[id]": "b@x.io", "user[x]": "2"}),
            seen("identify", {"user[id]": "cio_nobody", "user[x]": "3"}),
            seen("event", {"name": "e", "c": "b@x.io"}),
            seen("event", {"name": "nobody's", "c": "", "s": " "}),
        ],
        {
            "customers": [customer("id:6", x="1"), customer("email:b@x.io", x="2")],
            "events": [{"name": "e", "customer_kind": "email"}, {"name": "nobody's", "customer_kind": "invite"}],
            "rejections": [refused("GET /events/identify.gif", "unknown_cio_id")],
        },
    ),
    Row(
        "beacon of an object",
        [
            seen(
                "identify",
                {
                    "user[id]": "5",
                    "user[cio_relationships][action]": "add_relationships",
                    "user[cio_relationships][relationships][0][identifiers][object_type_id]": "1",
                    "user[cio_relationships][relationships][0][identifiers][object_id]": "acme",
                },
            )
        ],
        {
            "customers": [customer("id:5")],
            "relationships": [{"object_id": "acme", "customer": "5"}],
        },
    ),
    Row(
        "beacon of a long address",
        [seen("page", {"name": LONG, "data[a]": "1", "c": "5"})],
        {"customers": [customer("id:5")], "events": [event(LONG[:500], f'{{"url":"{LONG}","a":"1"}}')]},
    ),
    Row(
        "beacon that is refused",
        [
            seen("event", {"name": "e", "c": "5"}, UNAUTHORIZED, {}),
            seen("event", {"name": "e", "c": "5"}, UNAUTHORIZED, {"site_id": "bogus"}),
            seen("event", {"name": "e", "c": "5"}, UNAUTHORIZED, {"site_id[]": BROWSER}),
            seen("event", {"name": "e", "c": "5"}, FORBIDDEN, {"site_id": "key"}),
            seen("event", {"data[]": "1", "timestamp": "now", "c[]": "5"}, bad(WRONG_EVENT)),
            seen("identify", {"user": "5"}, bad(b'{"meta":{"errors":["user must be an object"]}}')),
            seen("identify", {"user[x]": "1", "c": ""}, bad(b'{"meta":{"errors":["user[id] is required"]}}')),
            get("/events/page.gif?a=1&a[b]=2", bad(CONTRADICTION)),
            seen("screen", {"name": "e"}, Says(404, b'{"meta":{"error":"no such path"}}\n')),
            sent("HEAD", "/events/event.gif", says=NOT_ALLOWED),
            post("/events/event.gif", {"name": "e"}, NOT_ALLOWED),
        ],
    ),
)
