"""Taking one's finalizer from an object that is being deleted."""

from __future__ import annotations

from knarr.client.objects import Meta
from knarr.client.resources import Resource
from knarr.controllers.replacing import replace
from knarr.machinery.errors import NotFound
from knarr.runtime.context import Context


async def release(context: Context, resource: Resource, meta: Meta, finalizer: str) -> None:
    """Let the object go, as far as we are concerned. Raises Conflict where it has changed meanwhile."""
    left = [each for each in meta.finalizers if each != finalizer]
    change = {"metadata": {"resourceVersion": meta.resource_version, "finalizers": left or None}}
    try:
        await replace(context.client, resource, meta.name, change, meta.namespace)
    except NotFound:
        return
