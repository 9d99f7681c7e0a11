"""A workspace's rate: what is over it waits, and everybody is told how much is left."""

from pathlib import Path

import pytest

from schemas.settings import BadSettings, load
from tests.calling import Called, edge

BODY = b'{"name":"x"}'


def statuses(called: Called, count: int) -> list[int]:
    return [called.events(BODY).status for _ in range(count)]


def test_three_seconds_worth_may_come_at_once(tmp_path: Path) -> None:
    """Then the rate, and no more."""
    called = edge(tmp_path, rate=2.0)

    assert statuses(called, 8) == [200] * 6 + [429] * 2
    called.clock.now += 0.5
    assert statuses(called, 2) == [200, 429]
    called.clock.now += 1_000_000
    assert statuses(called, 7) == [200] * 6 + [429]
    assert len(called.log.messages) == 13


def test_a_429_says_when_to_try_again(tmp_path: Path) -> None:
    """Python's client drops the message otherwise."""
    called = edge(tmp_path, rate=1.0)
    statuses(called, 3)

    answer = called.events(BODY)

    assert answer.json == {"meta": {"error": "more than 1 requests per second; please retry"}}
    assert {name: answer.headers[name] for name in sorted(answer.headers) if name[0] == "r"} == {
        "ratelimit-limit": "3",
        "ratelimit-remaining": "0",
        "ratelimit-reset": "3",
        "retry-after": "1",
    }


def test_what_is_left_is_told_with_every_success(tmp_path: Path) -> None:
    """So that a client can slow down in time."""
    called = edge(tmp_path, rate=1.0)

    left = [called.events(BODY).headers["ratelimit-remaining"] for _ in range(3)]

    assert left == ["2", "1", "0"]


def test_less_than_one_a_second_is_a_rate_too(tmp_path: Path) -> None:
    """One at once, then one in ten seconds."""
    called = edge(tmp_path, rate=0.1)

    assert statuses(called, 2) == [200, 429]
    called.clock.now += 10
    assert statuses(called, 2) == [200, 429]


def test_without_a_rate_there_is_none(tmp_path: Path) -> None:
    """Nor headers that speak of one."""
    called = edge(tmp_path)

    assert statuses(called, 100) == [200] * 100
    assert not any(name.startswith("ratelimit") for name in called.events(BODY).headers)


def test_who_has_no_key_uses_up_nothing(tmp_path: Path) -> None:
    """Else anybody could silence a workspace."""
    called = edge(tmp_path, rate=1.0)

    assert {called.events(BODY, authorization="Basic c2l0ZTprZXk1").status for _ in range(10)} == {401}
    assert statuses(called, 3) == [200] * 3


@pytest.mark.parametrize("value", ["-1", "x", "nan", "inf", "1e9"])
def test_a_rate_that_makes_no_sense_is_refused(value: str) -> None:
    """At the start, naming the setting."""
    with pytest.raises(BadSettings, match="PENSTOCK_RATE"):
        load({"PENSTOCK_RATE": value})
