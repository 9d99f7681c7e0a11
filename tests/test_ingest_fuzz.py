"""Twenty thousand requests: each is answered in the words of the document, and what was taken has left its trace."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from starlette.routing import Route

from ingest.api import v1
from ingest.edge import Edge
from ingest.keys import Role
from ingest.keys.changes import add
from schemas.messages import Message, encode
from schemas.settings import Settings
from tests.calling import Answer, Called, call, edge, scope
from tests.described import contradiction, operation_of
from tests.fuzzing import WAYS, Drawn, Request, basic, drawn, requests
from tests.test_ingest_malformed import peak

REQUESTS = 20_000
REPLAYED = 2_000
GROWTH = 16 * 1024 * 1024
KINDS_OF_KEYS: Sequence[tuple[str, Role, str]] = (
    ("browser", "browser", "site"),
    ("ops", "ops", "site"),
    ("other", "server", "two"),
)
WRONG_KEYS = {"none": "", "wrong": basic("site:wrong"), "no_base64": "Basic !", "bearer": "Bearer x"}
few = settings(
    deadline=None, database=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck)
)


class Fuzzed:
    """An edge of two workspaces with keys of all roles, and how to get at what it does with a request."""

    def __init__(self, called: Called, keys: Mapping[str, str], loop: asyncio.AbstractEventLoop) -> None:
        self.called = called
        self.keys = keys
        self._loop = loop

    @property
    def edge(self) -> Edge:
        edge: Edge = self.called.app.state.edge
        return edge

    @property
    def counted(self) -> int:
        """Rows of `rejections` that there are, or would be if they were fewer."""
        return self.edge.metrics.rejections.total()

    def send(self, request: Request) -> Answer:
        asked = scope(request.method, request.path, request.headers)
        self.called.clock.now += 0.01
        return self._loop.run_until_complete(call(self.called.app, asked, request.body))

    def path_of(self, request: Request) -> str:
        """The path of the document that it goes to; "" if none does."""
        path = request.path.partition("?")[0]
        routes = (route for route in self.called.app.routes if isinstance(route, Route))
        return next((route.path for route in routes if route.path_regex.match(path)), "")


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    folder = tmp_path_factory.mktemp("data")
    made = {name: add(Settings(data=folder), role, workspace, "", 1.0) for name, role, workspace in KINDS_OF_KEYS}
    keys = {name: basic(f"{each.key.workspace}:{each.plain}") for name, each in made.items()}
    alone = {f"{name}_alone": basic(f"{each.plain}:") for name, each in made.items()}
    with asyncio.Runner() as runner:
        keys = {"server": basic("site:key"), **keys, **alone, **WRONG_KEYS, "in_body": made["browser"].plain}
        yield Fuzzed(edge(folder), keys, runner.get_loop())


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(few, max_examples=REQUESTS // WAYS)
@given(drawn())
def test_whatever_is_sent_is_answered_as_described_and_accounted_for(fuzzed: Fuzzed, case: Drawn) -> None:
    """What is right is taken; all else is taken or refused, and never our mistake."""
    log = fuzzed.called.log
    for request in requests(case, fuzzed.keys):
        log.messages.clear()
        counted = fuzzed.counted

        answer = fuzzed.send(request)

        path = fuzzed.path_of(request)
        assert contradiction(path, request.method, answer) == "", (request, answer)
        assert answer.status < 500
        assert answer.status < 400 or answer.headers["x-request-id"]
        assert fuzzed.edge.budget.used == 0
        if operation_of(path, request.method) is None:
            assert log.messages == []
        else:
            check_trace(request, path, answer, log.messages, fuzzed.counted - counted)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_was_sent_is_forgotten(fuzzed: Fuzzed, capfd: pytest.CaptureFixture[str]) -> None:
    """The same thousands of requests again and again: no memory stays, and no traceback. Once around warms up."""
    found: list[Request] = []

    @settings(few, max_examples=REPLAYED // WAYS)
    @given(drawn())
    def collect(case: Drawn) -> None:
        found.extend(requests(case, fuzzed.keys))

    collect()
    for round_ in range(4):
        for request in found:
            fuzzed.send(request)
            fuzzed.called.log.messages.clear()
        if round_ == 0:
            before = peak()

    assert peak() - before < GROWTH
    written = capfd.readouterr()
    assert written.err == ""
    assert "Traceback" not in written.out
    assert "request_failed" not in written.out


def check_trace(request: Request, path: str, answer: Answer, messages: list[Message], counted: int) -> None:
    """Each thing that was taken is on the log, each that was not is told or counted, and nothing else is there.

    counted: rejections, also those that are too many to be on the log.
    """
    kept = [message for message in messages if message.kind != "rejection"]
    told = len({error["batch_index"] for error in json.loads(answer.body)["errors"]}) if answer.status == 207 else 0
    assert len(messages) - len(kept) <= counted
    assert all(json.loads(encode(message))["subject"] for message in messages)
    if request.right:
        assert (answer.status < 207, counted) == (True, 0), (request, answer)
        assert len(kept) >= request.items
    elif answer.status < 300:
        refused_as_a_whole = counted == 1 and not kept and not told
        assert refused_as_a_whole or len(kept) + told + counted >= request.items, (request, answer)
        assert all(message.context.endpoint == f"{request.method} {path}" for message in messages)
    else:
        # A form is known from then on, whatever is wrong with what somebody filled in.
        forms = request.endpoint.make is v1.submit_form and answer.status == 400
        assert [message.kind for message in messages] == ["form"] * (forms and len(messages)), (request, answer)
        assert counted == 0
