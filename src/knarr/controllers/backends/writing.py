"""Carrying out a plan for slices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from knarr.client.objects import JSON, Object
from knarr.client.resources import ENDPOINT_SLICES, Resource
from knarr.controllers.backends.planning import Content, Plan, group_of
from knarr.controllers.backends.services import TRIGGER_TIME
from knarr.controllers.backends.slices import BY_SERVICE, EndpointSlice, changes, managed_by
from knarr.controllers.ownership import reference
from knarr.controllers.replacing import replace
from knarr.machinery.errors import APIError, NotFound, is_terminating
from knarr.runtime.context import Context


@dataclass(frozen=True, slots=True)
class Cover:
    """What is on every slice of an owner; `trigger` is when what is being written down happened, "" if unknown."""

    owner: Object
    resource: Resource
    labels: Mapping[str, str]
    trigger: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


async def carry_out(context: Context, plan: Plan, cover: Cover) -> None:
    """Write what the plan says, and slices whose labels or annotations are not the cover's. Raises what calls raise."""
    stale = [(s, Content(group_of(s), s.endpoints)) for s in plan.keep if not covered(s, cover)]
    context.expectations.expect(cover.owner.metadata.key, creations=len(plan.create))
    try:
        for content in plan.create:
            await _create(context, content, cover)
    except BaseException:
        context.expectations.forget(cover.owner.metadata.key)
        raise
    for found, content in plan.update + stale:
        await _update(context, found, content, cover)
    for found in plan.delete:
        await delete(context, found)


def covered(found: EndpointSlice, cover: Cover) -> bool:
    """Whether a slice's labels and annotations are the cover's."""
    meta = found.metadata
    return meta.labels == cover.labels and cover.annotations.items() <= meta.annotations.items()


def observe(manager: str) -> Callable[[Context, EndpointSlice | None, EndpointSlice | None], None]:
    """For a `Watch` of slices: meet the expectations of their owners."""
    keys = managed_by(manager)

    def seen(context: Context, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        if old is None and new is not None:
            for key in keys(new):
                context.expectations.created(key)

    return seen


async def of_owner(context: Context, manager: str, owner: Object) -> list[EndpointSlice]:
    """The slices of an owner; those of another one that had its name are deleted."""
    found = context.cache(ENDPOINT_SLICES, EndpointSlice).by_index(BY_SERVICE, f"{manager}/{owner.metadata.key}")
    mine = [s for s in found if any(o.uid == owner.metadata.uid for o in s.metadata.owner_references)]
    for other in found:
        if other not in mine:
            await delete(context, other)
    return mine


async def delete(context: Context, found: EndpointSlice) -> None:
    meta = found.metadata
    try:
        await context.client.delete(ENDPOINT_SLICES, meta.name, meta.namespace, uid=meta.uid)
    except NotFound:
        return


async def _create(context: Context, content: Content, cover: Cover) -> None:
    owner = cover.owner.metadata
    trigger = {TRIGGER_TIME: cover.trigger} if cover.trigger else {}
    metadata: JSON = {
        "generateName": f"{owner.name}-",
        "labels": dict(cover.labels),
        "ownerReferences": [reference(cover.owner, cover.resource)],
        **({"annotations": annotations} if (annotations := {**cover.annotations, **trigger}) else {}),
    }
    body = {"addressType": content.group.address_type, **_lists(content), "metadata": metadata}
    try:
        await context.client.create(ENDPOINT_SLICES, body, owner.namespace)
    except APIError as error:
        if not is_terminating(error):
            raise


async def _update(context: Context, found: EndpointSlice, content: Content, cover: Cover) -> None:
    """Replace the very version that was looked at; what we do not know of is left alone."""
    meta = found.metadata
    metadata = changes(meta, cover.labels, {**cover.annotations, TRIGGER_TIME: cover.trigger or None})
    change = {"metadata": metadata, **_lists(content)}
    await replace(context.client, ENDPOINT_SLICES, meta.name, change, meta.namespace)


def _lists(content: Content) -> JSON:
    return {"endpoints": msgspec.to_builtins(content.endpoints), "ports": msgspec.to_builtins(content.group.ports)}
