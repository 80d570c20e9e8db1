"""What the collector knows: the graph, which resources there are, and which owners are certainly gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from knarr.client.resources import Resource
from knarr.controllers.garbage.graph import Graph
from knarr.machinery.latest import Latest

ABSENT = 500  # owners remembered as gone, so that not every dependent asks for them


class Knowledge:
    """One for each running collector."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.complete = asyncio.Event()  # every resource was listed once, or it took too long
        self.outdated = asyncio.Event()  # there may be resources that are not known yet
        self._resources: dict[tuple[str, str], Resource] = {}
        self._absent: Latest[str, bool] = Latest(ABSENT)

    def learn(self, resources: Iterable[Resource]) -> None:
        """These resources there are, and no others."""
        self._resources = {(each.group, each.kind): each for each in resources}

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind, in whatever version it is watched."""
        group = api_version.rpartition("/")[0]
        return self._resources.get((group, kind))

    def is_absent(self, uid: str) -> bool:
        return uid in self._absent

    def gone(self, uid: str) -> None:
        """The object of this uid is no more, and uids do not come back."""
        self._absent.put(uid, True)
