"""Every method of the official Python client, unchanged, over https: it is content, and the log has what it said."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from customerio import CustomerIO, CustomerIOException

from tests.serving import Serving, serving

ULID = "01HF7YAT00TXYQ1V7JZC4GVSZR"
STRANGE = "a/b c+d@x.io%é"
WHEN = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
# What makes its addresses and checks what it is given; none of them sends anything.
LOCAL = {
    "setup_base_url",
    "get_customer_query_string",
    "get_event_query_string",
    "get_events_query_string",
    "get_device_query_string",
    "is_valid_id_type",
}


class Said(NamedTuple):
    """A call, and of the messages that it becomes those fields that are named."""

    method: str
    call: Callable[[CustomerIO], Any]
    messages: list[dict[str, Any]]


CALLS = (
    Said(
        "identify",
        lambda client: client.identify(id=STRANGE, email="B@x.io", age=42, born=WHEN, ratio=float("nan"), vip=True),
        [
            {
                "kind": "identify",
                "subject": f"id:{STRANGE}",
                "links": ("email:b@x.io",),
                "attributes": (
                    ("email", '"B@x.io"'),
                    ("age", "42"),
                    ("born", "1700000000"),
                    ("ratio", "null"),
                    ("vip", "true"),
                ),
            }
        ],
    ),
    Said(
        "identify",
        lambda client: client.identify(id="cio_3", _update=True, anonymous_id=42),
        [
            {
                "kind": "identify",
                "subject": "cio:3",
                "links": ("anon:42",),
                "attributes": (("anonymous_id", "42"), ("_update", "true")),
            }
        ],
    ),
    Said(
        "track",
        lambda client: client.track(5, "bought", {"price": 23.45, "at": WHEN}, id=ULID, timestamp=WHEN),
        [
            {
                "kind": "event",
                "subject": "id:5",
                "id": ULID,
                "name": "bought",
                "data": b'{"price": 23.45, "at": 1700000000}',
                "timestamp": 1_700_000_000,
                "sent_timestamp": "1700000000",
            }
        ],
    ),
    Said(
        "track_anonymous",
        lambda client: client.track_anonymous(42, "looked"),
        [{"kind": "event", "subject": "anon:42", "name": "looked", "data": b"{}"}],
    ),
    Said(
        "track_anonymous",
        lambda client: client.track_anonymous("", "invited", {"recipient": "b@x.io"}, id=ULID),
        [{"kind": "event", "subject": f"invite:{ULID}", "name": "invited", "data": b'{"recipient": "b@x.io"}'}],
    ),
    Said(
        "pageview",
        lambda client: client.pageview("5", "https://x.io/", referrer="https://y.io/"),
        [{"kind": "page", "subject": "id:5", "name": "https://x.io/", "data": b'{"referrer": "https://y.io/"}'}],
    ),
    Said(
        "backfill",
        lambda client: client.backfill("5", "bought", WHEN, price=1),
        [{"kind": "event", "subject": "id:5", "name": "bought", "data": b'{"price": 1}', "timestamp": 1_700_000_000}],
    ),
    Said(
        "delete",
        lambda client: client.delete("bob@x.io"),
        [{"kind": "delete", "subject": "email:bob@x.io"}],
    ),
    Said(
        "add_device",
        lambda client: client.add_device("5", "t/1", "ios", last_used=WHEN, cool=True),
        [
            {
                "kind": "add_device",
                "subject": "id:5",
                "target": "t/1",
                "name": "ios",
                "timestamp": 1_700_000_000,
                "sent_timestamp": "1700000000",
                "attributes": (("cool", "true"),),
            }
        ],
    ),
    Said(
        "delete_device",
        lambda client: client.delete_device("5", "t/1"),
        [{"kind": "delete_device", "subject": "id:5", "target": "t/1"}],
    ),
    Said("suppress", lambda client: client.suppress(STRANGE), [{"kind": "suppress", "subject": f"id:{STRANGE}"}]),
    Said("unsuppress", lambda client: client.unsuppress("cio_3"), [{"kind": "unsuppress", "subject": "cio:3"}]),
    Said(
        "merge_customers",
        lambda client: client.merge_customers("id", "5", "email", "B@x.io"),
        [{"kind": "merge", "subject": "id:5", "links": ("email:b@x.io",)}],
    ),
    Said(
        "merge_customers",
        lambda client: client.merge_customers("cio_id", "3", "id", 6),
        [{"kind": "merge", "subject": "cio:3", "links": ("id:6",)}],
    ),
    Said(
        "batch",
        lambda client: client.batch(
            [
                {"type": "person", "identifiers": {"id": "5"}, "action": "identify", "attributes": {"born": WHEN}},
                {"type": "person", "identifiers": {"id": "5"}, "action": "event", "name": "bought"},
            ]
        ),
        [
            {"kind": "identify", "subject": "id:5", "attributes": (("born", "1700000000"),)},
            {"kind": "event", "subject": "id:5", "name": "bought"},
        ],
    ),
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Serving]:
    """An edge that speaks https."""
    pair = tmp_path_factory.mktemp("tls") / "pair.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pair))
    with serving(ssl_certfile=pair) as edge:
        yield edge


@pytest.fixture
def client(
    served: Serving, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CustomerIO]:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    served.log.messages.clear()
    with CustomerIO("site", "key", host="localhost", port=served.port) as client:
        yield client


def test_no_method_is_left_out() -> None:
    """The next version of the client may have more of them."""
    public = {name for name, member in vars(CustomerIO).items() if callable(member) and not name.startswith("_")}

    assert {said.method for said in CALLS} | LOCAL == public


@pytest.mark.parametrize("said", CALLS, ids=lambda said: said.method)
def test_client_is_content_and_the_log_has_what_it_said(client: CustomerIO, served: Serving, said: Said) -> None:
    """200, `{}`, and the messages; nothing else."""
    answer = said.call(client)

    assert (answer.status_code, answer.content) == (200, b"{}\n")
    found = [
        {name: bytes(message.data) if name == "data" else getattr(message, name) for name in expected}
        for message, expected in zip(served.log.messages, said.messages, strict=True)
    ]
    assert found == said.messages


def test_client_reads_which_items_of_a_batch_were_not_taken(client: CustomerIO, served: Serving) -> None:
    """207 is a success to it: it hands over the answer."""
    answer = client.batch(
        [
            {"type": "person", "identifiers": {"id": "5"}, "action": "event"},
            {"type": "person", "identifiers": {"id": "5"}, "action": "event", "name": "bought"},
        ]
    )

    assert answer.status_code == 207
    assert answer.json() == {
        "errors": [{"batch_index": 0, "reason": "required", "field": "name", "message": "event name must not be blank"}]
    }
    assert [message.name for message in served.log.messages] == ["bought"]


@pytest.mark.parametrize(
    ("key", "says"),
    [("key", "400: .*event name must not be blank"), ("wrong", "401: .*Unauthorized request")],
)
def test_client_tells_why_it_was_refused(client: CustomerIO, served: Serving, key: str, says: str) -> None:
    """Its exception has the status and our text."""
    client.api_key = key

    with pytest.raises(CustomerIOException, match=says):
        client.track("5", " ")
    assert served.log.messages == []
