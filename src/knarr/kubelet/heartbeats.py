"""The lease in kube-node-lease whose renewal says that the node is alive."""

from __future__ import annotations

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import LEASES
from knarr.machinery.clock import Clock
from knarr.machinery.errors import NotFound
from knarr.machinery.times import format_micro

NAMESPACE = "kube-node-lease"
DURATION = 40  # seconds without renewal after which the node counts as gone


class Heartbeat:
    """One node's lease."""

    def __init__(self, client: Client, clock: Clock, node: str) -> None:
        self._client, self._clock, self._node = client, clock, node

    async def renew(self, uid: str) -> None:
        """Renew the lease, or make it; it belongs to the Node of this uid. Raises APIError."""
        spec = {
            "holderIdentity": self._node,
            "leaseDurationSeconds": DURATION,
            "renewTime": format_micro(self._clock.now()),
        }
        try:
            await self._client.patch(LEASES, self._node, {"spec": spec}, NAMESPACE)
        except NotFound:
            await self._client.create(LEASES, self._lease(spec, uid), NAMESPACE)

    def _lease(self, spec: JSON, uid: str) -> JSON:
        owner = {"apiVersion": "v1", "kind": "Node", "name": self._node, "uid": uid}
        return {"metadata": {"name": self._node, "namespace": NAMESPACE, "ownerReferences": [owner]}, "spec": spec}
