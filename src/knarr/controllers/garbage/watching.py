"""Keeping the graph true: a watch of every resource that can be deleted, and of those that come later.

Discovery is asked at the start and when something tells that its answer may have changed: a CustomResourceDefinition
or an APIService changed, or an owner is of a kind not known.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from functools import partial

from knarr.client.discovery import discover
from knarr.client.objects import Object
from knarr.client.resources import Resource
from knarr.controllers.garbage.graph import Trace
from knarr.controllers.garbage.knowledge import Knowledge
from knarr.machinery.errors import APIError
from knarr.runtime.backoff import Backoff
from knarr.runtime.context import Context
from knarr.runtime.informer import Informer

log = logging.getLogger(__name__)

NEEDED = frozenset(("delete", "list", "watch"))
IGNORED = frozenset((("", "events"), ("events.k8s.io", "events")))  # many, short-lived, and owned by none
DEFINING = frozenset((("apiextensions.k8s.io", "customresourcedefinitions"), ("apiregistration.k8s.io", "apiservices")))
PATIENCE = 30.0  # seconds that the first lists may take before work begins without them
SETTLING = 1.0  # seconds in which further changes of what there is are awaited


async def watch_all(context: Context) -> None:
    """Run until cancelled."""
    knowledge = context.memory(Knowledge)
    watching: dict[Resource, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as group:
        while True:
            knowledge.outdated.clear()
            resources = await _resources(context)
            knowledge.learn(resources)
            for gone in [each for each in watching if each not in resources]:
                watching.pop(gone).cancel()
                knowledge.graph.forget(gone)
            new = {each: _informer(context, each) for each in resources if each not in watching}
            watching |= {each: group.create_task(run()) for each, (_, run) in new.items()}
            if not knowledge.complete.is_set():
                group.create_task(_complete(context, knowledge, [informer for informer, _ in new.values()]))
            await knowledge.outdated.wait()
            await context.clock.sleep(SETTLING)


async def _resources(context: Context) -> list[Resource]:
    """What can be deleted, listed and watched now."""
    backoff = Backoff()
    while True:
        try:
            found = [d.resource for d in await discover(context.client) if d.verbs >= NEEDED]
        except (APIError, ConnectionError, TimeoutError) as error:
            log.warning("discovery failed, will be tried again: %s", error)
            await context.clock.sleep(backoff.next())
        else:
            return [each for each in found if (each.group, each.plural) not in IGNORED]


def _informer(
    context: Context, resource: Resource
) -> tuple[Informer[Object], Callable[[], Coroutine[None, None, None]]]:
    """A cache of a resource, the one of another controller where there is one, and what keeps it true."""
    informer, kept = context.borrow(resource, Trace)
    informer.add_handler(partial(_changed, context, resource))
    return informer, informer.wait_synced if kept else informer.run


async def _complete(context: Context, knowledge: Knowledge, informers: Iterable[Informer[Object]]) -> None:
    """Work begins when all have been listed, or when that takes too long."""
    patience = asyncio.create_task(context.clock.sleep(PATIENCE))
    listed = asyncio.gather(*(informer.wait_synced() for informer in informers))
    try:
        await asyncio.wait((patience, listed), return_when=asyncio.FIRST_COMPLETED)
        knowledge.complete.set()
        await listed
    finally:
        patience.cancel()


def _changed(context: Context, resource: Resource, old: Object | None, new: Object | None) -> None:
    knowledge = context.memory(Knowledge)
    if (resource.group, resource.plural) in DEFINING:
        knowledge.outdated.set()
    if new is None and old is not None:
        knowledge.gone(old.metadata.uid)
    for uid in knowledge.graph.change(resource, old, new):
        context.enqueue(uid)
