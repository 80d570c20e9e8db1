"""Controllers on a real API over a memory store, all in-process; the test plays the kubelet, and time.

Each controller is who it is in a cluster: what its account has no right to by upstream's roles, or what it does not
declare, is refused, and fails the test.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from knarr.apiserver.authn.users import AUTHENTICATED, User, service_account
from knarr.apiserver.authz.authorizer import forbidden
from knarr.apiserver.documents import Documents
from knarr.apiserver.info import RequestInfo, parse
from knarr.apiserver.metrics import Metrics
from knarr.apiserver.request import APIRequest
from knarr.apiserver.transport import InProcessTransport
from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import EVENTS, PODS, Resource
from knarr.machinery.errors import APIError
from knarr.machinery.times import format_time
from knarr.runtime.controller import Controller
from knarr.runtime.manager import run_controllers
from knarr.runtime.quiescence import Quiescence
from knarr.wire.messages import Answer, Request, Response
from tests.api.harness import ADMIN, Server
from tests.rights import MANAGER, declared, held_by


class _Serving:
    """Resources and documents behind a transport, without the chain in front of them."""

    def __init__(self, server: Server) -> None:
        self._server, self._documents = server, Documents(server.api.registry.kinds, {}, Metrics())
        self.acting: dict[str, list[Controller]] = {}  # by the user that they act as
        self.refused: list[str] = []

    async def serve(self, request: Request, user: User) -> Answer:
        info = parse(request.method, request.path, request.query)
        if not self._allowed(user, info):
            refusal = forbidden(user, info)
            self.refused.append(str(refusal))
            return Response(refusal.code, {}, json.dumps(refusal.to_status()).encode())
        if not info.is_resource:
            return await self._documents.answer(request)
        try:
            return await self._server.api.handle(APIRequest(request, info, user, request.parameters()))
        except APIError as error:
            return Response(error.code, {}, json.dumps(error.to_status()).encode())

    def _allowed(self, user: User, info: RequestInfo) -> bool:
        if user is ADMIN:
            return True
        acting = self.acting.get(user.name)
        if acting and not any(declared(controller, info) for controller in acting):
            return False
        return any(rules.allow(info) for rules in held_by(user))


class Cluster:
    """`client` is the administrator's; objects are plain JSON, in the namespace `default`."""

    def __init__(self, server: Server) -> None:
        self.server, self.clock, self.quiescence = server, server.clock, Quiescence()
        self._serving, self._manager = _Serving(server), User(MANAGER, groups=(AUTHENTICATED,))
        self.client = self.acting_as(ADMIN)

    @asynccontextmanager
    async def running(self, *controllers: Controller, **settings: str) -> AsyncIterator[None]:
        running = run_controllers(
            controllers,
            self.acting_as(self._manager),
            self.clock,
            component="test",
            acting=self._acting,
            quiescence=self.quiescence,
            settings={name.replace("_", "-"): value for name, value in settings.items()},
        )
        task = asyncio.create_task(running)
        await asyncio.sleep(0)
        await self.settle()
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.client.close()
        assert self.refused == []

    @property
    def refused(self) -> list[str]:
        """What was refused to anybody but the administrator."""
        return self._serving.refused

    def acting_as(self, user: User) -> Client:
        """A client by this identity."""
        return Client(InProcessTransport(self._serving, user))

    def _acting(self, controller: Controller) -> Client:
        if controller.identity is None:
            return self.acting_as(self._manager)
        user = service_account("kube-system", controller.identity)
        self._serving.acting.setdefault(user.name, []).append(controller)
        return self.acting_as(user)

    async def settle(self) -> None:
        await self.quiescence.quiet()

    async def advance(self, seconds: float) -> None:
        await self.settle()
        await self.clock.advance(seconds)
        await self.settle()

    async def create(self, resource: Resource, name: str, spec: JSON, **metadata: Any) -> JSON:
        body = {"metadata": {"name": name, **metadata}, "spec": spec}
        created = await self.client.create(resource, body, "default", view=dict)
        await self.settle()
        return created

    async def get(self, resource: Resource, name: str) -> JSON:
        return await self.client.get(resource, name, "default", view=dict)

    async def all(self, resource: Resource) -> list[JSON]:
        return (await self.client.list(resource, "default", view=dict)).items

    async def patch(self, resource: Resource, name: str, patch: JSON, subresource: str = "") -> None:
        await self.client.patch(resource, name, patch, "default", subresource=subresource)
        await self.settle()

    async def events(self) -> list[str]:
        """Reasons and messages, without the names that only chance decides."""
        return [f"{e['reason']}: {e['message']}" for e in await self.all(EVENTS)]

    async def start(self, pod: JSON) -> None:
        """As a kubelet: the Pod runs, and is ready."""
        now = format_time(self.clock.now())
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
        await self.patch(
            PODS, pod["metadata"]["name"], {"status": {"phase": "Running", "conditions": [ready]}}, "status"
        )

    async def end(self, pod: JSON, phase: str = "Succeeded") -> None:
        """As a kubelet: its containers have ended."""
        ended = {"terminated": {"exitCode": int(phase == "Failed"), "finishedAt": format_time(self.clock.now())}}
        status = {
            "phase": phase,
            "containerStatuses": [
                {"name": "c", "image": "i", "imageID": "i", "ready": False, "restartCount": 0, "state": ended}
            ],
        }
        await self.patch(PODS, pod["metadata"]["name"], {"status": status}, "status")

    async def purge(self, pod: JSON) -> None:
        """As a kubelet: confirm a deletion."""
        await self.client.delete(PODS, pod["metadata"]["name"], "default", grace=0)
        await self.settle()
