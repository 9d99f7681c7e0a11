"""The hot way, beside the application: the same bytes, and in the end the same answers, messages and counts."""

import asyncio
import inspect
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from uvicorn.protocols.http import httptools_impl

from ingest import hot
from ingest.errors import Unavailable
from ingest.hot import HotWay, Turn
from ingest.hot_cycle import HotCycle
from tests.any_bytes import a_connection
from tests.any_usual import Body, a_body
from tests.both_ways import Pipe, Way
from tests.serving import EVENTS as PATH
from tests.serving import request

REQUESTS, EVENTS = 10_000, 3_000
_JSON = ("application/json",) * 6 + ("application/json; charset=utf-8", "application/problem+json", "text/plain", "")


async def compared(folder: Path, seed: int, requests: int, **settings: Any) -> tuple[Way, Counter[bytes]]:
    """The hot edge, and how often there was which status."""
    rng, done, statuses = random.Random(seed), 0, Counter[bytes]()
    hot, cold = (Way(folder / name, hot=name == "hot", **settings) for name in ("hot", "cold"))
    while done < requests:
        count, pieces = a_connection(rng)
        one, other = await hot.tell(pieces), await cold.tell(pieces)
        assert one == other, pieces
        done += count
        statuses.update(re.findall(rb"HTTP/1\.1 (\d+) ", one.said))
        hot.clock.now += 0.01
        cold.clock.now += 0.01
    assert hot.counted() == cold.counted()
    assert cold.log.hot == 0
    return hot, statuses


async def test_ten_thousand_requests_are_answered_alike_both_ways(tmp_path: Path) -> None:
    """To the byte, but for ids that are made here. Whole, in pieces, behind each other, wrong in all sorts of ways."""
    hot, statuses = await compared(tmp_path, 1, REQUESTS)

    assert hot.log.hot > 0.24 * REQUESTS
    assert {b"100", b"200", b"207", b"400", b"401", b"404", b"405", b"413", b"415"} <= statuses.keys()


async def test_events_and_batches_are_answered_alike_both_ways(tmp_path: Path) -> None:
    """Usual ones, of which the hot way makes records with few steps, and all that is nearly usual."""
    rng, statuses = random.Random(3), Counter[bytes]()
    hot, cold = (Way(tmp_path / name, hot=name == "hot") for name in ("hot", "cold"))
    for _ in range(EVENTS // 3):
        pieces = [(_sent(rng, a_body(rng)), 40) for _ in range(3)]
        one, other = await hot.tell(pieces), await cold.tell(pieces)
        assert one == other, pieces
        statuses.update(re.findall(rb"HTTP/1\.1 (\d+) ", one.said))
    assert hot.counted() == cold.counted()
    assert hot.log.hot > 0.25 * EVENTS
    assert {b"200", b"207", b"400", b"413"} <= statuses.keys()


def _sent(rng: random.Random, body: Body) -> bytes:
    """Heads of one connection are alike, or nearly."""
    method, path = body.name.format(**body.segments).split(" ")
    headers = {"Content_Type": rng.choice(_JSON)}
    headers |= rng.choice(({}, {"User_Agent": "x"}, {"User_Agent": 'y"'}, {"Idempotency_Key": "k"}))
    return request(method, path, body.text, **headers)


@pytest.mark.parametrize("rate", [30, 10_000])
async def test_a_rate_is_counted_alike_both_ways(tmp_path: Path, rate: float) -> None:
    """Each answer tells what is left; who is over it is refused, and pays nothing for it."""
    hot, statuses = await compared(tmp_path, 2, 1_500, rate=rate)

    assert hot.log.hot > 50
    assert (statuses[b"429"] > 50) == (rate == 30)


async def test_without_room_in_the_budget_all_are_refused_alike(tmp_path: Path) -> None:
    """And what was taken of it is given back."""
    hot, cold = (Way(tmp_path / name, hot=name == "hot") for name in ("hot", "cold"))
    for way in (hot, cold):
        way.edge.budget.limit = way.edge.budget.free = 10
    pieces = [(request(), 40), (request("PUT", "/api/v1/customers/5", b"{}"), 40)]

    assert await hot.tell(pieces) == await cold.tell(pieces)
    assert hot.edge.metrics.refusals == {"overloaded": 1}
    assert hot.edge.budget.used == 0


async def test_a_log_that_refuses_is_the_same_503(tmp_path: Path) -> None:
    """At once, or when it had the messages already; the connection goes on."""
    hot, cold = (Way(tmp_path / name, hot=name == "hot") for name in ("hot", "cold"))
    for way in (hot, cold):
        way.log.error = Unavailable("not now")
    pieces = [(request(X_Request_Id="r"), 40), (request(X_Request_Id="r"), 40)]
    assert await hot.tell(pieces) == await cold.tell(pieces)

    for way in (hot, cold):
        way.log.error, way.log.late = None, Unavailable("too late")
    late, same = await hot.tell(pieces), await cold.tell(pieces)
    assert late == same
    assert (late.said.count(b"503 "), late.ended) == (2, False)
    assert hot.log.hot == 2
    assert hot.counted() == cold.counted()


async def test_a_head_is_known_only_if_all_of_it_came_at_once(tmp_path: Path) -> None:
    """Else the rest of one client's head would let the next one in."""
    way = Way(tmp_path, hot=True)
    sent = request()
    for at in range(1, len(sent) - 1):
        assert (await way.tell([(sent[:at], 1), (sent[at:], 9)])).said.startswith(b"HTTP/1.1 200")

    assert way.heads() == {}
    stolen = b"POST /api/v1/customers/5/events HTTP/1.1\r\n\r\n" + sent[-12:]
    assert (await way.tell([(stolen, 9)])).said.startswith(b"HTTP/1.1 400")


async def test_heads_that_differ_do_not_pile_up(tmp_path: Path) -> None:
    """Each with a header of its own."""
    way = Way(tmp_path, hot=True)
    for number in range(2_500):
        await way.tell([(request(X_Request_Id=str(number)), 9)])

    assert 0 < len(way.heads()) <= 1_000
    assert way.log.hot == 2_500


async def test_a_key_that_is_revoked_opens_nothing_behind_a_known_head(tmp_path: Path) -> None:
    """What is remembered of a head is how it is read, not what it may do."""
    way = Way(tmp_path, hot=True)
    await way.tell([(request(), 9)])
    assert way.heads()
    way.edge.keys._keys.clear()
    way.edge.keys._remembered.clear()

    assert (await way.tell([(request(), 9)])).said.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("times", [1, 2])
async def test_what_came_is_answered_though_the_client_says_no_more(tmp_path: Path, times: int) -> None:
    """Its half is closed in the same turn of the loop, before anything was done with the request."""
    hot, cold = (Way(tmp_path / name, hot=name == "hot") for name in ("hot", "cold"))
    for way in (hot, cold):
        await way.tell([(request(), 9)])
    one, other = [await way.tell([(request(), 0)] * times, eof=True) for way in (hot, cold)]

    assert one == other
    assert (one.said.count(b"HTTP/1.1 200"), one.ended) == (times, True)


async def test_what_is_large_waits_for_no_turn_in_a_crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken as it is read, alike: a thousand of them that waited would take the memory."""
    way, sent = Way(tmp_path, hot=True), request("POST", PATH, b'{"name":"x","data":{"x":"%b"}}' % (b"x" * 5_000))
    soon, waited = HotWay.soon, list[object]()

    def counted(self: HotWay, connection: Any) -> None:
        waited.append(connection)
        soon(self, connection)

    monkeypatch.setattr(HotWay, "soon", counted)
    for many in (1, 0):
        monkeypatch.setattr(hot, "MANY", many)
        for _ in range(2):
            assert (await way.tell([(sent, 9)])).said.startswith(b"HTTP/1.1 200")
    assert (way.log.hot, len(waited)) == (4, 2)


async def test_a_connection_that_fails_costs_the_others_nothing(tmp_path: Path) -> None:
    """Those that something came on in one turn are taken one behind the other."""
    way, told = Way(tmp_path, hot=True), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["exception"])))

    class Broken:
        transport = Pipe()

        def go_on(self, turn: Turn) -> None:
            raise ValueError(turn.moment.at)

    way.soon(Broken())
    assert (await way.tell([(request(), 0)])).said.startswith(b"HTTP/1.1 200")
    assert told == [str(way.clock.now)]
    assert Broken.transport.closing


def test_the_hot_cycle_has_what_uvicorn_asks_of_its_own() -> None:
    """If this fails, uvicorn looks at something else of `self.cycle` now, or at more: give `HotCycle` that, or override
    what looks. What is about bodies and tasks never meets it: `on_body` and `on_message_complete` are overridden."""
    source = inspect.getsource(httptools_impl.HttpToolsProtocol)
    asked = set(re.findall(r"\bcycle\.(\w+)", source))

    overridden = {"body", "more_body", "run_asgi"}
    assert asked == overridden | {"disconnected", "keep_alive", "message_event", "response_complete"}
    assert asked - overridden <= set(HotCycle.__init__.__code__.co_names)


def test_uvicorn_still_makes_the_scope_where_we_leave_it_out() -> None:
    """`HotProtocol.on_message_begin` does what uvicorn's does but for the scope, and makes up for that in `_begin`."""
    made = set(re.findall(r"self\.(\w+) = ", inspect.getsource(httptools_impl.HttpToolsProtocol.on_message_begin)))

    assert made == {"url", "expect_100_continue", "headers", "scope"}
