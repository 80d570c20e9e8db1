"""A pod as its worker has it: what the API says, what the runtime has, and whom to ask."""

from __future__ import annotations

from dataclasses import dataclass

from knarr.kubelet.holdings import Holdings
from knarr.kubelet.interfaces import Addresses
from knarr.kubelet.objects import Container, Pod
from knarr.kubelet.services import Services
from knarr.runtime.events import EventType


@dataclass(slots=True)
class Tenant:
    """`removed`: the API has it no longer."""

    pod: Pod
    holdings: Holdings
    services: Services
    removed: bool = False

    @property
    def addresses(self) -> Addresses:
        host = self.services.options.node_ips
        if self.holdings.sandbox is None:
            return Addresses((), host)
        return Addresses(host if self.pod.spec.host_network else self.holdings.sandbox.ips, host)

    @property
    def grounded(self) -> bool:
        """Whether its sandbox lives."""
        return bool(self.holdings.sandbox and self.holdings.sandbox.ready)

    def tell(self, type: EventType, reason: str, message: str, container: Container | None = None) -> None:
        """Record an event about the pod, or about one of its containers."""
        self.services.tell(self.pod, type, reason, message, container)

    def reported_restarts(self, name: str) -> int:
        """The restartCount that the API has of a container that the runtime has no trace of; -1 for none."""
        statuses = (s for s in self.pod.status.all_statuses if s.get("name") == name and s.get("containerID"))
        known = (status.get("restartCount", 0) for status in statuses)
        return next(known, -1)
