"""ResourceQuotas: counts what is there when a quota is new or changed, when something counted goes, and now and then.

What is created is charged by the API server in the same commit; a count that was overtaken by such a charge is not
written, but made again. https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

from knarr.api.quota.charging import counted_status
from knarr.api.quota.table import EVALUATORS, evaluators_for
from knarr.client.discovery import discover
from knarr.client.objects import JSON, Object, View
from knarr.client.resources import PODS, RESOURCE_QUOTAS, Resource
from knarr.controllers.objects import Pod
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch

RESYNC = 300.0  # seconds
DISCOVERY = 30.0  # seconds, in which custom resources are found that a quota counts already
_WEIGHED = frozenset(evaluator.resource for evaluator in EVALUATORS)  # of which more than the number counts


class QuotaSpec(View, frozen=True):
    hard: dict[str, str] = {}
    scopes: tuple[str, ...] = ()
    scope_selector: JSON | None = None


class Quota(Object, frozen=True):
    spec: QuotaSpec = QuotaSpec()


class Followed:
    """What quotas count besides Pods, by its name (`deployments.apps`); `changed` when there is more of it."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self.changed = asyncio.Event()


async def reconcile(context: Context, key: str) -> After | None:
    """Bring the quota's status up to date; look again for what is not served yet."""
    namespace, _, name = key.partition("/")
    quota = await _fresh(context, namespace, name)
    if quota is None:
        return None
    hard = (quota.get("spec") or {}).get("hard") or {}
    counted = [evaluator.resource for evaluator in evaluators_for(hard)]
    resources = await _resources(context, counted)
    objects = {each: await _objects(context, each, resource, namespace) for each, resource in resources.items()}
    status = counted_status(quota, objects, context.clock.now())
    if status != {"hard": {}, "used": {}, **(quota.get("status") or {})}:
        body = {**quota, "status": status}
        await context.client.update(RESOURCE_QUOTAS, body, name, namespace, subresource="status")
    return After(DISCOVERY) if len(resources) < len(counted) else None


async def _fresh(context: Context, namespace: str, name: str) -> JSON | None:
    """The quota as the API has it now: its account may list what there is, but not get it."""
    found = await context.client.list(RESOURCE_QUOTAS, namespace, field_selector=f"metadata.name={name}", view=dict)
    return next(iter(found.items), None)


async def _resources(context: Context, names: Sequence[str]) -> dict[str, Resource]:
    """Where these are served, as far as they are; they are followed from now on."""
    followed = context.memory(Followed)
    known = {PODS.plural: PODS, **followed.resources}
    if not known.keys() >= set(names):
        served = {d.resource.qualified_resource: d.resource for d in await discover(context.client)}
        followed.resources |= {name: served[name] for name in names if name in served and name not in known}
        followed.changed.set()
        known |= followed.resources
    return {name: known[name] for name in names if name in known}


async def _objects(context: Context, name: str, resource: Resource, namespace: str) -> Sequence[JSON]:
    if name in _WEIGHED:
        return (await context.client.list(resource, namespace, view=dict)).items
    return [{} for _ in (await context.client.list(resource, namespace, view=Object)).items]


async def follow(context: Context) -> None:
    """Watch whatever quotas count for what goes, until cancelled."""
    followed, known = context.memory(Followed), set[str]()
    async with asyncio.TaskGroup() as group:
        while True:
            followed.changed.clear()
            for name in followed.resources.keys() - known:
                known.add(name)
                informer, kept = context.borrow(followed.resources[name], Object)
                informer.add_handler(partial(_gone, context))
                if not kept:
                    group.create_task(informer.run())
            await followed.changed.wait()


def _gone(context: Context, old: Object | None, new: Object | None) -> None:
    if old is not None and new is None:
        _recount(context, old.metadata.namespace)


def _pod_changed(context: Context, old: Pod | None, new: Pod | None) -> None:
    """A Pod that ends, or goes, gives back what it held."""
    if old is not None and (new is None or new.terminal != old.terminal):
        _recount(context, old.metadata.namespace)


def _recount(context: Context, namespace: str) -> None:
    for quota in context.cache(RESOURCE_QUOTAS, Quota).list(namespace):
        context.enqueue(quota.metadata.key)


def quota_matters(old: Quota, new: Quota) -> bool:
    """Not what admission has charged, or somebody has written into the status: the next count mends that."""
    return new.spec != old.spec


def nobody(obj: Object) -> Iterable[str]:
    return ()


CONTROLLER = Controller(
    name="resourcequota-controller",
    queue="resourcequota_primary",
    watches=(
        Watch(RESOURCE_QUOTAS, Quota, matters=quota_matters),
        Watch(PODS, Pod, nobody, observe=_pod_changed),
    ),
    reconcile=reconcile,
    workers=5,
    may={"*": "list", "resourcequotas/status": "update"},
    resync=RESYNC,
    run=follow,
)
