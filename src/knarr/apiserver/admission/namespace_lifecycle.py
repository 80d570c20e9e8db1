"""NamespaceLifecycle: nothing is created in a namespace that is missing or going away; three namespaces cannot be
deleted.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from functools import partial

from knarr.api.kind import JSON
from knarr.apiserver.admission.plugin import Attributes, Plugin, Surroundings
from knarr.apiserver.registry import Registry
from knarr.machinery.errors import Cause, NotFound

IMMORTAL = frozenset({"default", "kube-public", "kube-system"})


def start(surroundings: Surroundings) -> Plugin:
    return replace(PLUGIN, mutate=partial(mutate, surroundings.registry))


def mutate(registry: Registry, attributes: Attributes) -> Awaitable[None] | None:
    if attributes.kind.qualified_resource == "namespaces":
        if attributes.operation == "DELETE" and attributes.name in IMMORTAL:
            raise attributes.forbidden("this namespace may not be deleted")
    elif attributes.operation == "CREATE" and attributes.namespace:
        namespace = registry.get("", "namespaces", "", attributes.namespace)
        if namespace is None:
            return _look_again(registry, attributes)
        _check_room(attributes, namespace)
    return None


async def _look_again(registry: Registry, attributes: Attributes) -> None:
    """Another server may have made it, and the cache not heard of it yet."""
    await registry.synced()
    name = attributes.namespace
    namespace = registry.get("", "namespaces", "", name)
    if namespace is None:
        raise NotFound(f'namespaces "{name}" not found', kind="namespaces", name=name)
    _check_room(attributes, namespace)


def _check_room(attributes: Attributes, namespace: JSON) -> None:
    if namespace["metadata"].get("deletionTimestamp"):
        name = attributes.namespace
        raise attributes.forbidden(
            f"unable to create new content in namespace {name} because it is being terminated",
            Cause("NamespaceTerminating", f"namespace {name} is being terminated", "metadata.namespace"),
        )


PLUGIN = Plugin("NamespaceLifecycle", operations=frozenset({"CREATE", "DELETE"}), start=start)
