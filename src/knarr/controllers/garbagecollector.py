"""Garbage: objects whose owners are all gone are deleted; owners wait for, or let go, their dependents if asked to.

Keys are uids. That an owner is gone is believed of the API alone, never of the graph, which may lag.

https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec

from knarr.client.objects import JSON, Object, OwnerReference
from knarr.controllers.garbage.graph import FOREGROUND, ORPHAN, Node
from knarr.controllers.garbage.knowledge import Knowledge
from knarr.controllers.garbage.verdicts import Keep, Standing, verdict
from knarr.controllers.garbage.watching import watch_all
from knarr.machinery.errors import NotFound
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, TerminalError

NAME = "garbage-collector-controller"
LOOK_AGAIN = 60.0  # seconds, for an owner of a kind that is not known
AT_ONCE = 20  # dependents let go at the same time


async def reconcile(context: Context, uid: str) -> After | None:
    """Do what the state of the object and its owners asks for."""
    knowledge = context.memory(Knowledge)
    await knowledge.complete.wait()
    node = knowledge.graph.get(uid)
    if node is None or not knowledge.graph.concerns(node):
        return None
    if node.orphaning:
        await _orphan(context, node, knowledge.graph.dependents(uid))
    elif node.waiting:
        await _wait(context, node, knowledge.graph.dependents(uid))
    else:
        return await _judge(context, node)
    return None


async def _orphan(context: Context, owner: Node, dependents: list[Node]) -> None:
    """Take the owner out of its dependents, then our finalizer out of the owner."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def let_go(dependent: Node) -> None:
        async with limit:
            live = await _live(context, dependent)
            if live is not None:
                await _drop(context, dependent, live, {owner.meta.uid})

    results = await asyncio.gather(*(let_go(dependent) for dependent in dependents), return_exceptions=True)
    for failure in (result for result in results if result is not None):
        raise failure
    await _remove_finalizer(context, owner, ORPHAN)


async def _wait(context: Context, owner: Node, dependents: list[Node]) -> None:
    """Let the owner go when nothing blocks it any more; what does not go by itself yet is looked at."""
    if not any(dependent.blocks(owner.meta.uid) for dependent in dependents):
        await _remove_finalizer(context, owner, FOREGROUND)
    for dependent in dependents:
        if not dependent.deleting:
            context.enqueue(dependent.meta.uid)


async def _judge(context: Context, node: Node) -> After | None:
    live = await _live(context, node)
    if live is None:
        return None
    knowledge = context.memory(Knowledge)
    owners = [(ref, await _standing(context, knowledge, node, ref)) for ref in live.metadata.owner_references]
    dependents = knowledge.graph.dependents(node.meta.uid)
    decision = verdict(live.metadata, owners, bool(dependents))
    if isinstance(decision, Keep):
        await _drop(context, node, live, {ref.uid for ref in decision.drop})
    else:
        if any(dependent.waiting for dependent in dependents):
            live = await _unblock(context, node, live)
        await _delete(context, node, live, decision.policy)
    return After(LOOK_AGAIN) if any(standing is Standing.UNKNOWN for _, standing in owners) else None


async def _standing(context: Context, knowledge: Knowledge, node: Node, ref: OwnerReference) -> Standing:
    owner = knowledge.graph.get(ref.uid)
    if owner and owner.is_meant(ref, node.meta.namespace):
        return Standing.WAITING if owner.waiting else Standing.SOLID
    if owner and owner.resource.namespaced and owner.meta.namespace != node.meta.namespace:
        _tell_invalid(context, node, ref)
    elif knowledge.is_absent(ref.uid):
        return Standing.ABSENT
    return await _ask(context, knowledge, node, ref)


async def _ask(context: Context, knowledge: Knowledge, node: Node, ref: OwnerReference) -> Standing:
    """The standing of an owner that the graph does not have."""
    resource = knowledge.resource(ref.api_version, ref.kind)
    if resource is None:
        knowledge.outdated.set()
        return Standing.UNKNOWN
    if resource.namespaced and not node.resource.namespaced:
        _tell_invalid(context, node, ref)
        raise TerminalError(f"{node.resource.plural} {node.meta.name} has no namespace, but its owner {ref.name} has")
    namespace = node.meta.namespace if resource.namespaced else ""
    try:
        found = await context.client.get(resource, ref.name, namespace, view=Object)
    except NotFound:
        found = None
    if found is None or found.metadata.uid != ref.uid:
        knowledge.gone(ref.uid)
        return Standing.ABSENT
    return Standing.WAITING if Node(resource, found).waiting else Standing.SOLID


def _tell_invalid(context: Context, node: Node, ref: OwnerReference) -> None:
    about: JSON = {
        "kind": node.resource.kind,
        "apiVersion": node.resource.api_version,
        "namespace": node.meta.namespace,
        "name": node.meta.name,
        "uid": node.meta.uid,
    }
    namespace = node.meta.namespace
    owner = f"[{ref.api_version}/{ref.kind}, namespace: {namespace}, name: {ref.name}, uid: {ref.uid}]"
    message = f'ownerRef {owner} does not exist in namespace "{namespace}"'
    context.events.event(about, "Warning", "OwnerRefInvalidNamespace", message)


async def _live(context: Context, node: Node) -> Object | None:
    """The object as the API has it now, None if it is gone or another."""
    try:
        found = await context.client.get(node.resource, node.meta.name, node.meta.namespace, view=Object)
    except NotFound:
        return None
    return found if found.metadata.uid == node.meta.uid else None


async def _drop(context: Context, node: Node, live: Object, owners: Iterable[str]) -> None:
    """Take references to these uids out."""
    kept = [ref for ref in live.metadata.owner_references if ref.uid not in owners]
    if len(kept) != len(live.metadata.owner_references):
        await _patch(context, node, live, {"ownerReferences": msgspec.to_builtins(kept) or None})


async def _unblock(context: Context, node: Node, live: Object) -> Object:
    """Owner and dependent both wait, perhaps for each other: break the circle."""
    refs = [msgspec.structs.replace(ref, block_owner_deletion=False) for ref in live.metadata.owner_references]
    return await _patch(context, node, live, {"ownerReferences": msgspec.to_builtins(refs)}) or live


async def _remove_finalizer(context: Context, node: Node, finalizer: str) -> None:
    live = await _live(context, node)
    if live is not None and finalizer in live.metadata.finalizers:
        kept = [each for each in live.metadata.finalizers if each != finalizer]
        await _patch(context, node, live, {"finalizers": kept or None})


async def _patch(context: Context, node: Node, live: Object, metadata: JSON) -> Object | None:
    """Patch the very version that was looked at; None if it went away meanwhile. Raises Conflict."""
    patch = {"metadata": {"uid": live.metadata.uid, "resourceVersion": live.metadata.resource_version, **metadata}}
    try:
        return await context.client.patch(node.resource, node.meta.name, patch, node.meta.namespace)
    except NotFound:
        return None


async def _delete(context: Context, node: Node, live: Object, policy: str) -> None:
    meta = live.metadata
    try:
        await context.client.delete(
            node.resource,
            meta.name,
            meta.namespace,
            propagation=policy,
            uid=meta.uid,
            resource_version=meta.resource_version,
        )
    except NotFound:
        return


CONTROLLER = Controller(
    name=NAME,
    queue="garbage_collector_attempt_to_delete",
    source=NAME,
    watches=(),
    run=watch_all,
    reconcile=reconcile,
    workers=20,
    account="generic-garbage-collector",
    may={"*": "delete get patch", "events": "create patch"},
)
