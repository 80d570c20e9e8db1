"""NamespaceLifecycle: nothing is created in a namespace that is missing or going away; three namespaces cannot be
deleted.
"""

from __future__ import annotations

from knarr.apiserver.admission.plugin import Attributes, Plugin
from knarr.machinery.errors import Cause, NotFound

IMMORTAL = frozenset({"default", "kube-public", "kube-system"})


def mutate(attributes: Attributes) -> None:
    if attributes.kind.qualified_resource == "namespaces":
        if attributes.operation == "DELETE" and attributes.name in IMMORTAL:
            raise attributes.forbidden("this namespace may not be deleted")
    elif attributes.operation == "CREATE" and attributes.namespace:
        _check_room(attributes)


def _check_room(attributes: Attributes) -> None:
    name = attributes.namespace
    namespace = attributes.lister.get("", "namespaces", "", name)
    if namespace is None:
        raise NotFound(f'namespaces "{name}" not found', kind="namespaces", name=name)
    if namespace["metadata"].get("deletionTimestamp"):
        raise attributes.forbidden(
            f"unable to create new content in namespace {name} because it is being terminated",
            Cause("NamespaceTerminating", f"namespace {name} is being terminated", "metadata.namespace"),
        )


PLUGIN = Plugin("NamespaceLifecycle", mutate=mutate, operations=frozenset({"CREATE", "DELETE"}))
