"""Changing objects by replacing them: upstream's roles let many a controller update what they do not let it patch."""

from __future__ import annotations

from typing import TypeVar, overload

from knarr.client.client import Client
from knarr.client.objects import JSON, Object
from knarr.client.resources import Resource
from knarr.machinery.errors import Conflict
from knarr.machinery.patches import merge_patch

V = TypeVar("V")

ATTEMPTS = 5  # to be faster than others who write the same object


@overload
async def replace(
    client: Client, resource: Resource, name: str, change: JSON, namespace: str = "", *, subresource: str = ""
) -> Object: ...
@overload
async def replace(
    client: Client,
    resource: Resource,
    name: str,
    change: JSON,
    namespace: str = "",
    *,
    subresource: str = "",
    view: type[V],
) -> V: ...
async def replace(
    client: Client,
    resource: Resource,
    name: str,
    change: JSON,
    namespace: str = "",
    *,
    subresource: str = "",
    view: type = Object,
) -> object:
    """Put the object with a change, a merge patch, in the place of the object as it is now.

    Only the version that the change names by its resourceVersion; any, if it names none: then it is tried again where
    others were faster. Raises Conflict, also where the change names another uid.
    """
    exact = "resourceVersion" in change.get("metadata", {})
    for attempt in range(1, ATTEMPTS + 1):
        now = await client.get(resource, name, namespace, view=dict)
        now["metadata"].pop("managedFields", None)  # who names none leaves them, and is served a fifth faster
        body = merge_patch(now, change)
        try:
            return await client.update(resource, body, name, namespace, subresource=subresource, view=view)
        except Conflict:
            if exact or attempt == ATTEMPTS or body["metadata"]["uid"] != now["metadata"]["uid"]:
                raise
    raise AssertionError("the last attempt returns or raises")
