"""What is served at paths that are no resource: health, version, metrics, discovery, OpenAPI."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from knarr import KUBERNETES_VERSION
from knarr.apiserver.answers import NOT_FOUND, json_answer
from knarr.apiserver.discovery import Discovery
from knarr.apiserver.elsewhere import Elsewhere
from knarr.apiserver.health import ENDPOINTS, Checks, Health
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.metrics import Metrics
from knarr.apiserver.metrics.build import tell_of_build
from knarr.apiserver.openapi import OpenAPI
from knarr.machinery.errors import MethodNotAllowed
from knarr.machinery.figures import CONTENT_TYPE, Figures
from knarr.wire.messages import Request, Response

VERSION: Final = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": KUBERNETES_VERSION,
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": platform.python_implementation(),
    "platform": f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine()) }",
}

_AT_ONCE = 25  # pieces of figures, before others have their turn

Answering = Callable[[Request], Response | Awaitable[Response]]


class Documents:
    """Finds the answer to a path; unknown ones get the plain 404 that upstream's mux gives."""

    def __init__(
        self,
        kinds: Kinds,
        checks: Checks,
        metrics: Metrics,
        others: Mapping[str, Answering] | None = None,
        elsewhere: Elsewhere | None = None,
        address: str = "",
    ) -> None:
        """`others`: whole paths, and what answers them. `elsewhere`: what other servers serve, listed with our own.
        `address`: where clients reach this one.
        """
        self._health = Health(checks)
        told = self._health.figures
        self._whole: dict[str, Answering] = {"/metrics/slis": lambda _: _figures(told), **(others or {})}
        self._discovery = Discovery(kinds, elsewhere, address)
        self._openapi = OpenAPI(kinds, elsewhere)
        tell_of_build(metrics, VERSION)
        self._first: dict[str, Answering] = {
            **dict.fromkeys(ENDPOINTS, self._health.answer),
            "api": self._discovery.answer,
            "apis": self._discovery.answer,
            "openapi": self._described,
            "metrics": lambda _: _figures(metrics, told),
            "version": lambda _: json_answer(VERSION),
            "": self._index,
        }

    async def answer(self, request: Request) -> Response:
        """Raises MethodNotAllowed for anything but reading."""
        first, _, rest = request.path[1:].partition("/")
        answer = self._whole.get(request.path)
        if answer is None and not (rest and first in ("", "metrics", "version")):
            answer = self._first.get(first)
        if answer is None:
            return NOT_FOUND
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed
        answered = answer(request)
        return answered if isinstance(answered, Response) else await answered

    def stop(self) -> None:
        """Say that this server is not to be relied on any more."""
        self._health.stopping = True

    async def _described(self, request: Request) -> Response:
        await self._openapi.prepare(request)
        return self._openapi.answer(request)

    def _index(self, _request: Request) -> Response:
        paths = [
            *self._discovery.paths(),
            *self._health.paths(),
            *self._openapi.paths(),
            *self._whole,
            "/metrics",
            "/version",
        ]
        return json_answer({"paths": sorted(paths)})


async def _figures(*figures: Figures) -> Response:
    """All of them, written a little at a time: there are tens of thousands of lines."""
    pieces: list[str] = []
    for each in figures:
        for piece in each.lines():
            pieces.append(piece)
            if len(pieces) % _AT_ONCE == 0:
                await asyncio.sleep(0)
    return Response(200, {"content-type": CONTENT_TYPE}, "\n".join([*pieces, ""]).encode())
