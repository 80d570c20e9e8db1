"""What an external load balancer asks, to learn which nodes have endpoints of a Service: healthCheckNodePort.

Only Services of type LoadBalancer with externalTrafficPolicy Local have one. The answer is 200 with local endpoints
and 503 without, as JSON (kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from knarr.proxy.backends import choose
from knarr.proxy.objects import EndpointSlice, Service
from knarr.wire.messages import Peer, Request, Response
from knarr.wire.server import Server

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """What is answered on a port."""

    namespace: str
    name: str
    port: int
    endpoints: int

    def answer(self) -> Response:
        service = {"namespace": self.namespace, "name": self.name}
        body = {"service": service, "localEndpoints": self.endpoints, "serviceProxyHealthy": True}
        headers = {
            "content-type": "application/json",
            "x-content-type-options": "nosniff",
            "x-load-balancing-endpoint-weight": str(self.endpoints),
        }
        return Response(200 if self.endpoints else 503, headers, msgspec.json.encode(body))


def health_of(service: Service, slices: Iterable[EndpointSlice], node: str) -> Health | None:
    """What to answer for the Service, if it wants that."""
    spec, meta = service.spec, service.metadata
    if not service.proxied or not spec.health_check_node_port or spec.external_traffic_policy != "Local":
        return None
    pieces = [*slices]
    here = {backend.address for port in spec.ports for backend in choose(port, pieces, node).here}
    return Health(meta.namespace, meta.name, spec.health_check_node_port, len(here))


class HealthPorts:
    """The ports that answer, by the Service that they belong to."""

    def __init__(self) -> None:
        self._wanted: dict[str, Health] = {}
        self._open: dict[str, tuple[int, Server]] = {}

    async def state(self, owner: str, health: Health | None) -> None:
        """From now on answer this for the owner; None: nothing."""
        port, server = self._open.get(owner, (0, None))
        if server and (health is None or health.port != port):
            del self._open[owner]
            await server.close(grace=0)
        if health is None:
            self._wanted.pop(owner, None)
            return
        self._wanted[owner] = health
        if owner not in self._open:
            await self._listen(owner, health.port)

    async def close(self) -> None:
        for owner in [*self._wanted]:
            await self.state(owner, None)

    async def _listen(self, owner: str, port: int) -> None:
        async def answer(_request: Request, _peer: Peer) -> Response:
            return self._wanted[owner].answer()

        server = Server(answer)
        try:
            await server.listen("0.0.0.0", port)
        except OSError as error:
            log.error("the health check of %s cannot be served on port %d: %s", owner, port, error.strerror)
        else:
            self._open[owner] = port, server
