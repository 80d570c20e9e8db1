"""Volumes that are deleted stay until no claim is bound to them.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from __future__ import annotations

from knarr.client.objects import Object, View
from knarr.client.resources import PERSISTENT_VOLUMES
from knarr.controllers.finalizers import release
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

FINALIZER = "kubernetes.io/pv-protection"


class _Status(View, frozen=True):
    phase: str = ""


class Volume(Object, frozen=True):
    status: _Status = _Status()


async def reconcile(context: Context, key: str) -> None:
    """Let the volume go if it is to go and is not bound."""
    volume = context.cache(PERSISTENT_VOLUMES, Volume).get(key)
    if volume is None or volume.metadata.deletion_timestamp is None:
        return
    if FINALIZER in volume.metadata.finalizers and volume.status.phase != "Bound":
        await release(context, PERSISTENT_VOLUMES, volume.metadata, FINALIZER)


CONTROLLER = Controller(
    name="persistentvolume-protection-controller",
    queue="pvprotection",
    watches=(Watch(PERSISTENT_VOLUMES, Volume),),
    reconcile=reconcile,
    account="pv-protection-controller",
    may={"persistentvolumes": "get update"},
)
