"""A transport that answers reviews out of tables, and passes on what else is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from knarr.wire.messages import Duplex, Request, Response, StreamedResponse, Transport

JSON = dict[str, Any]
API_SERVER = "kube-apiserver-kubelet-client"


@dataclass
class Judging:
    """`users` by token; `rights` are (user, verb, subresource). The API server may do everything."""

    api: Transport
    users: Mapping[str, JSON] = field(default_factory=dict)
    rights: set[tuple[str, str, str]] = field(default_factory=set)
    reachable: bool = True
    asked: list[JSON] = field(default_factory=list)  # the specs of the reviews

    async def request(self, request: Request) -> Response:
        if not request.path.endswith("reviews"):
            return await self.api.request(request)
        if not self.reachable:
            raise ConnectionRefusedError("connection refused")
        spec = msgspec.json.decode(request.body)["spec"]
        self.asked.append(spec)
        status = self._whose(spec) if "token" in spec else {"allowed": self._may(spec)}
        return Response(201, {}, msgspec.json.encode({"spec": spec, "status": status}))

    def _whose(self, spec: JSON) -> JSON:
        user = self.users.get(spec["token"])
        return {"authenticated": True, "user": user} if user else {"error": "unknown"}

    def _may(self, spec: JSON) -> bool:
        about = spec["resourceAttributes"]
        return spec["user"] == API_SERVER or (spec["user"], about["verb"], about["subresource"]) in self.rights

    async def stream(self, request: Request) -> StreamedResponse:
        return await self.api.stream(request)

    async def upgrade(self, request: Request) -> tuple[Response, Duplex | None]:
        return await self.api.upgrade(request)

    async def close(self) -> None:
        await self.api.close()
