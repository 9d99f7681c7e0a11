"""Which route a path belongs to: one look-up, or one match for all paths that name something.

Starlette tries its routes one after the other, which of the last ones costs more than all the rest of a request.
"""

import re
from collections.abc import Iterable

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

_SEGMENT = re.compile(r"\{(\w+)\}")


class Paths:
    """routes: applications for whole paths, which take every method. otherwise: what gets a path of none of them."""

    def __init__(self, routes: Iterable[Route], otherwise: ASGIApp) -> None:
        self._otherwise = otherwise
        self._fixed: dict[str, Route] = {}
        self._named: dict[int, tuple[Route, list[tuple[str, int]]]] = {}
        patterns, group = [], 1
        for route in routes:
            names = _SEGMENT.findall(route.path)
            if not names:
                self._fixed[route.path] = route
                continue
            self._named[group] = route, [(name, group + number) for number, name in enumerate(names, 1)]
            patterns.append(f"({'([^/]+)'.join(map(re.escape, _SEGMENT.split(route.path)[::2]))})")
            group += 1 + len(names)
        self._match = re.compile("|".join(patterns)).fullmatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._found(scope) if scope["type"] == "http" else None
        await (app or self._otherwise)(scope, receive, send)

    def _found(self, scope: Scope) -> ASGIApp | None:
        """As Starlette's router, tells the scope which route it is and what its path names."""
        path = scope["path"]
        route = self._fixed.get(path)
        if route is not None:
            scope["route"], scope["path_params"] = route, {}
            return route.app
        found = self._match(path)
        if found is None or found.lastindex is None:
            return None
        route, names = self._named[found.lastindex]  # the last group to close is the one around the whole path
        scope["route"], scope["path_params"] = route, {name: found[group] for name, group in names}
        return route.app
