"""A controller on a bench: objects go in, the requests that it makes come out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import PODS, Resource
from knarr.machinery.clock import VirtualClock
from knarr.runtime.controller import Controller
from knarr.runtime.manager import run_controllers
from knarr.runtime.quiescence import Quiescence
from tests.unit.fake_api import FakeAPI

NOW = "2026-01-01T00:00:00Z"


class Bench:
    """`put` objects, let it `settle`, look at `actions` and `events`; time is the test's."""

    def __init__(self, *controllers: Controller, **settings: str) -> None:
        self.api, self.clock, self.quiescence = FakeAPI(), VirtualClock(), Quiescence()
        self._controllers, self._settings = controllers, {k.replace("_", "-"): v for k, v in settings.items()}

    def put(self, resource: Resource, name: str, namespace: str = "default", **content: Any) -> JSON:
        known = self.api.objects.get(resource.path(namespace, name), {})
        return self.api.put(resource.path(namespace, name), {**known, **content})

    def get(self, resource: Resource, name: str, namespace: str = "default") -> JSON:
        return self.api.objects[resource.path(namespace, name)]

    def all(self, resource: Resource) -> list[JSON]:
        prefix = resource.path("default") + "/"
        return [o for path, o in self.api.objects.items() if path.startswith(prefix)]

    def remove(self, resource: Resource, name: str, namespace: str = "default") -> None:
        self.api.remove(resource.path(namespace, name))

    @asynccontextmanager
    async def running(self, *, settled: bool = True) -> AsyncIterator[Bench]:
        running = run_controllers(
            self._controllers,
            Client(self.api),
            self.clock,
            component="test",
            quiescence=self.quiescence,
            settings=self._settings,
        )
        task = asyncio.create_task(running)
        await asyncio.sleep(0)
        if settled:
            await self.settle()
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def settle(self) -> None:
        await self.quiescence.quiet()

    async def run(self) -> Bench:
        """Once, over what is there."""
        async with self.running():
            pass
        return self

    async def advance(self, seconds: float) -> None:
        await self.settle()
        await self.clock.advance(seconds)
        await self.settle()

    @property
    def actions(self) -> list[tuple[str, str, Any]]:
        """What was asked of the server, without events: method, path below the namespace, body."""
        return [
            (method, path.rpartition("/namespaces/default/")[2], body)
            for method, path, body in self.api.requests
            if not path.rpartition("/namespaces/default/")[2].startswith("events")
        ]

    @property
    def done(self) -> list[str]:
        """The same, without bodies."""
        return [f"{method} {path}" for method, path, _ in self.actions]

    @property
    def events(self) -> list[str]:
        """Reasons and messages, in order."""
        return [f"{o['reason']}: {o['message']}" for p, o in self.api.objects.items() if "/events/" in p]


def pod(
    bench: Bench, name: str, owner: JSON | None = None, *, phase: str = "Running", ready: bool = True, **meta: Any
) -> JSON:
    """A Pod, of an owner if given, as it is some time after its creation."""
    conditions = (
        [{"type": "Ready", "status": "True", "lastTransitionTime": NOW}] if ready and phase == "Running" else []
    )
    if owner:
        reference = {
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": True,
        }
        meta["ownerReferences"] = [reference]
    meta.setdefault("labels", {"app": "web"})
    metadata = {"creationTimestamp": NOW, **meta}
    return bench.put(
        PODS, name, metadata=metadata, spec={"nodeName": "n1"}, status={"phase": phase, "conditions": conditions}
    )
