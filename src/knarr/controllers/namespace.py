"""Namespaces that are being deleted: everything in them goes first, Pods before all else (KEP-5080).

What was found remaining, and why, is told in the namespace's conditions; when nothing is left, the namespace is let go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from knarr.client.discovery import Discovered, discover
from knarr.client.objects import JSON, Object
from knarr.client.resources import NAMESPACES, PODS, Resource
from knarr.controllers.namespaces import Namespace
from knarr.controllers.objects import Pod
from knarr.controllers.replacing import replace
from knarr.machinery.errors import APIError, Conflict, NotFound
from knarr.machinery.times import format_time
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch

FINALIZER = "kubernetes"
LOOK_AGAIN = 5.0  # seconds; finalizers of any resource may be removed by anybody, unseen by us
NEEDED = frozenset(("list", "delete"))
CONTENT_FAILURE, CONTENT_REMAINING = "NamespaceDeletionContentFailure", "NamespaceContentRemaining"
FINALIZERS_REMAINING = "NamespaceFinalizersRemaining"
# Of each condition its type, the reason and the message when all is well, and the reason when not (for the first two
# that is never: discovery that fails raises, and is tried again).
CONDITIONS = (
    (
        "NamespaceDeletionDiscoveryFailure",
        "ResourcesDiscovered",
        "All resources successfully discovered",
        "DiscoveryFailed",
    ),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
        "GroupVersionParsingFailed",
    ),
    (
        CONTENT_FAILURE,
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
        "ContentDeletionFailed",
    ),
    (CONTENT_REMAINING, "ContentRemoved", "All content successfully removed", "SomeResourcesRemain"),
    (
        FINALIZERS_REMAINING,
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
        "SomeFinalizersRemain",
    ),
)


@dataclass(slots=True)
class Remains:
    """What is still in a namespace: instances by resource, instances by finalizer, and what could not be deleted."""

    instances: Counter[str] = field(default_factory=Counter)
    finalizers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


async def reconcile(context: Context, key: str) -> After | None:
    """Empty the namespace of this name, if it is being deleted, and let it go when it is empty."""
    namespace = context.cache(NAMESPACES, Namespace).get(key)
    if namespace is None or namespace.active or FINALIZER not in namespace.spec.finalizers:
        return None
    resources = [
        found for found in await discover(context.client) if found.resource.namespaced and found.verbs >= NEEDED
    ]
    remains = await _empty(context, key, resources)
    await _tell(context, namespace, remains)
    if remains.instances or remains.failures:
        return After(LOOK_AGAIN)
    await _let_go(context, namespace)
    return None


async def _empty(context: Context, namespace: str, resources: Sequence[Discovered]) -> Remains:
    """Delete what can be deleted; Pods may still need what the others are, so they go first and alone."""
    remains = Remains()
    pods = [found for found in resources if found.resource.group == "" and found.resource.plural == PODS.plural]
    await _delete(context, namespace, pods, remains)
    if not remains.instances:
        await _delete(context, namespace, [found for found in resources if found not in pods], remains)
    return remains


async def _delete(context: Context, namespace: str, resources: Iterable[Discovered], remains: Remains) -> None:
    for found in resources:
        try:
            await _delete_all(context, namespace, found)
            left = (await context.client.list(found.resource, namespace, view=Object)).items
        except NotFound:  # the resource itself has gone meanwhile
            continue
        except APIError as error:
            remains.failures.append(str(error))
            continue
        if left:
            remains.instances[_named(found.resource)] = len(left)
            remains.finalizers.update(finalizer for obj in left for finalizer in obj.metadata.finalizers)


async def _delete_all(context: Context, namespace: str, found: Discovered) -> None:
    present = (await context.client.list(found.resource, namespace, view=Object)).items
    doomed = [obj for obj in present if obj.metadata.deletion_timestamp is None]
    if not doomed:
        return
    if "deletecollection" in found.verbs:
        await context.client.delete_collection(found.resource, namespace, propagation="Background")
        return
    for obj in doomed:
        try:
            await context.client.delete(found.resource, obj.metadata.name, namespace, propagation="Background")
        except NotFound:
            continue


def _named(resource: Resource) -> str:
    """As upstream's conditions name it: `pods.` for what is of no group."""
    return f"{resource.plural}.{resource.group}"


async def _tell(context: Context, namespace: Namespace, remains: Remains) -> None:
    """Write the conditions, where they say something new."""
    wanted = conditions(remains)
    known = {c.type: (c.status, c.reason, c.message) for c in namespace.status.conditions}
    if known == {c["type"]: (c["status"], c["reason"], c["message"]) for c in wanted}:
        return
    now = format_time(context.clock.now())
    changed = [{**c, "lastTransitionTime": now} for c in wanted if known.get(c["type"], ("",))[0] != c["status"]]
    same = [c for c in wanted if known.get(c["type"], ("",))[0] == c["status"]]
    others = [msgspec.to_builtins(c) for c in namespace.status.conditions if c.type not in {c["type"] for c in wanted}]
    change = {"status": {"conditions": others + changed + same}}
    with suppress(NotFound):  # a finalizer of somebody else was the last
        await replace(context.client, NAMESPACES, namespace.metadata.name, change, subresource="status")


def conditions(remains: Remains) -> list[JSON]:
    """The five conditions of a namespace that is being deleted, in upstream's words."""
    troubles = _troubles(remains)
    return [
        {
            "type": kind,
            "status": "True" if kind in troubles else "False",
            "reason": bad if kind in troubles else good,
            "message": troubles.get(kind, fine),
        }
        for kind, good, fine, bad in CONDITIONS
    ]


def _troubles(remains: Remains) -> dict[str, str]:
    """The messages of the conditions that hold."""
    found = {}
    if remains.failures:
        listed = f"{len(remains.failures)} remaining: {'; '.join(remains.failures)}"
        found[CONTENT_FAILURE] = f"Failed to delete all resource types, {listed}"
    if remains.instances:
        listed = ", ".join(f"{name} has {n} resource instances" for name, n in sorted(remains.instances.items()))
        found[CONTENT_REMAINING] = f"Some resources are remaining: {listed}"
    if remains.finalizers:
        listed = ", ".join(f"{name} in {n} resource instances" for name, n in sorted(remains.finalizers.items()))
        found[FINALIZERS_REMAINING] = f"Some content in the namespace has finalizers remaining: {listed}"
    return found


async def _let_go(context: Context, namespace: Namespace) -> None:
    """Take our finalizer out: the last one to do so deletes the namespace."""
    name = namespace.metadata.name
    try:
        fresh = await context.client.get(NAMESPACES, name, view=dict)
        fresh["spec"]["finalizers"] = [each for each in fresh["spec"].get("finalizers", []) if each != FINALIZER]
        await context.client.update(NAMESPACES, fresh, name, subresource="finalize")
    except (NotFound, Conflict):  # done by somebody else, or changed: the watch will say
        return


def of_dying_namespace(obj: Object, context: Context) -> Iterable[str]:
    """The Pod's namespace, where it waits for its Pods to go."""
    namespace = context.cache(NAMESPACES, Namespace).get(obj.metadata.namespace)
    return (obj.metadata.namespace,) if namespace and not namespace.active else ()


CONTROLLER = Controller(
    name="namespace-controller",
    queue="namespace",
    watches=(Watch(NAMESPACES, Namespace), Watch(PODS, Pod, keys=of_dying_namespace, needs_context=True)),
    reconcile=reconcile,
    workers=5,
    may={
        "*": "delete deletecollection list",
        "namespaces": "get",
        "namespaces/status": "update",
        "namespaces/finalize": "update",
    },
)
