"""What controllers read of namespaces."""

from __future__ import annotations

from knarr.client.objects import Object, View
from knarr.controllers.objects import Condition


class NamespaceSpec(View, frozen=True):
    finalizers: tuple[str, ...] = ()


class NamespaceStatus(View, frozen=True):
    phase: str = ""
    conditions: tuple[Condition, ...] = ()


class Namespace(Object, frozen=True):
    spec: NamespaceSpec = NamespaceSpec()
    status: NamespaceStatus = NamespaceStatus()

    @property
    def active(self) -> bool:
        """Whether new objects may be made in it."""
        return self.metadata.deletion_timestamp is None
