"""One look-up in place of Starlette's walk through its routes: the same routes, the same names."""

import asyncio
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from ingest.endpoints import ENDPOINTS
from ingest.paths import Paths

TEMPLATES = sorted({endpoint.path for endpoint in ENDPOINTS})
texts = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/?#"), min_size=1, max_size=8)


class Told:
    """Remembers what a route was called with."""

    def __init__(self) -> None:
        self.seen: tuple[str, dict[str, Any]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = scope.get("route")
        self.seen = (route.path if route else "", dict(scope["path_params"]) if route else {})


def asked(path: str, ours: bool) -> tuple[str, dict[str, Any]] | None:
    told = Told()
    routes = [Route(template, told) for template in TEMPLATES]
    router = Router(routes=routes, redirect_slashes=False, default=told)
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": path, "root_path": "", "headers": []}
    asyncio.run((Paths(routes, router) if ours else router)(scope, None, None))  # type: ignore[arg-type]
    return told.seen


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_path_of_the_table_is_found(template: str) -> None:
    names = re.findall(r"\{(\w+)\}", template)
    path = re.sub(r"\{\w+\}", "a%2Fb", template)

    assert asked(path, ours=True) == (template, dict.fromkeys(names, "a%2Fb"))


@given(st.sampled_from(TEMPLATES), texts, st.sampled_from(["", "/", "x", "/x", "//"]))
def test_any_path_goes_where_starlette_would_send_it(template: str, text: str, more: str) -> None:
    """Also nowhere: a slash too many is another path."""
    path = re.sub(r"\{\w+\}", lambda _: text, template) + more

    assert asked(path, ours=True) == asked(path, ours=False)
