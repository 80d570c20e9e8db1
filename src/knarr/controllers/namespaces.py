"""What controllers read of namespaces."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.client.objects import JSON, Object, View
from knarr.client.resources import Resource
from knarr.controllers.objects import Condition
from knarr.machinery.errors import AlreadyExists, APIError, NotFound, is_terminating
from knarr.runtime.context import Context


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


def of_namespace(obj: Object) -> Iterable[str]:
    """The namespace of an object: for what watches something that each namespace should have."""
    return (obj.metadata.namespace,)


async def provide(context: Context, resource: Resource, body: JSON, namespace: str) -> None:
    """Create what a namespace should have, unless somebody was faster or the namespace is about to go."""
    try:
        await context.client.create(resource, body, namespace)
    except (AlreadyExists, NotFound):
        return
    except APIError as refusal:
        if not is_terminating(refusal):
            raise
