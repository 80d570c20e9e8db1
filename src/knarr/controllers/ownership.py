"""Who manages which dependents: owner references, adopting what the selector matches, releasing what it no longer does.

https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from knarr.client.objects import JSON, Object, T
from knarr.client.resources import Resource
from knarr.controllers.objects import BY_CONTROLLER
from knarr.machinery.errors import Invalid, NotFound
from knarr.machinery.selectors import LabelSelector, SelectorError, from_label_selector, from_map
from knarr.runtime.context import Context

Select = Callable[[JSON | None], LabelSelector]


def reference(owner: Object, resource: Resource) -> JSON:
    """The ownerReference of the one that manages.

    As it holds the owner back, servers may ask (OwnerReferencesPermissionEnforcement) for the right to update the
    owner's `finalizers`.
    """
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner.metadata.name,
        "uid": owner.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


async def claim(
    context: Context, owner: Object, resource: Resource, selector: LabelSelector, *, kind: Resource, view: type[T]
) -> list[T]:
    """The `kind` objects that `owner` manages, after adopting orphans that match and releasing what does not.

    `kind`'s cache must have the index BY_CONTROLLER.
    """
    cache = context.cache(kind, view)
    mine = cache.by_index(BY_CONTROLLER, owner.metadata.uid)
    kept = [o for o in mine if selector.matches(o.metadata.labels)]
    if owner.metadata.deletion_timestamp is not None:
        return kept
    for released in (o for o in mine if not selector.matches(o.metadata.labels)):
        await _release(context, owner, kind, released)
    orphans = cache.by_index(BY_CONTROLLER, f"orphans/{owner.metadata.namespace}")
    wanted = [o for o in orphans if o.metadata.deletion_timestamp is None and selector.matches(o.metadata.labels)]
    if wanted and await _alive(context, owner, resource):
        kept += [o for o in wanted if await _adopt(context, owner, resource, kind, o)]
    return kept


async def _alive(context: Context, owner: Object, resource: Resource) -> bool:
    """Ask the server, not the cache: whoever is being deleted must not adopt."""
    meta = owner.metadata
    try:
        fresh = await context.client.get(resource, meta.name, meta.namespace, view=Object)
    except NotFound:
        return False
    return fresh.metadata.uid == meta.uid and fresh.metadata.deletion_timestamp is None


async def _adopt(context: Context, owner: Object, resource: Resource, kind: Resource, orphan: Object) -> bool:
    patch = {"metadata": {"ownerReferences": [reference(owner, resource)], "uid": orphan.metadata.uid}}
    return await _patch(context, kind, orphan, patch)


async def _release(context: Context, owner: Object, kind: Resource, released: Object) -> None:
    gone = {"$patch": "delete", "uid": owner.metadata.uid}
    patch = {"metadata": {"ownerReferences": [gone], "uid": released.metadata.uid}}
    await _patch(context, kind, released, patch)


async def _patch(context: Context, kind: Resource, dependent: Object, patch: JSON) -> bool:
    meta = dependent.metadata
    try:
        await context.client.patch(kind, meta.name, patch, meta.namespace, kind="strategic")
    except (NotFound, Invalid):  # it went away, or somebody else was faster: both settle the matter
        return False
    return True


def owners_of(
    resource: Resource, view: type[T], select: Callable[[T], LabelSelector]
) -> Callable[[Object, Context], Iterable[str]]:
    """For a `Watch` of dependents: the key of the controller, or of every owner that might adopt an orphan."""

    def keys(dependent: Object, context: Context) -> Iterable[str]:
        meta = dependent.metadata
        if owner := meta.controller:
            return (f"{meta.namespace}/{owner.name}",) if owner.kind == resource.kind else ()
        if not meta.labels or meta.deletion_timestamp is not None:
            return ()
        owners = context.cache(resource, view).list(meta.namespace)
        return [o.metadata.key for o in owners if select(o).matches(meta.labels)]

    return keys


def label_selector(tree: JSON | None) -> LabelSelector:
    """A metav1.LabelSelector that passed validation; one that did not select nothing."""
    try:
        return from_label_selector(tree)
    except SelectorError:
        return from_map(None)
