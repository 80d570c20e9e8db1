"""How controllers take Pods away that no owner asked to be taken away."""

from __future__ import annotations

from knarr.client.objects import JSON
from knarr.client.resources import PODS
from knarr.controllers.objects import Pod
from knarr.machinery.errors import Conflict, NotFound
from knarr.machinery.times import format_time
from knarr.runtime.context import Context


async def disrupt(context: Context, pod: Pod, reason: str, message: str, **status: str) -> None:
    """Say in the Pod's status that it is ended from outside, so that its owner need not count it as a failure.

    https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
    """
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": format_time(context.clock.now()),
    }
    meta = pod.metadata
    patch: JSON = {"metadata": {"uid": meta.uid}, "status": {"conditions": [condition], **status}}
    try:
        await context.client.patch(PODS, meta.name, patch, meta.namespace, kind="strategic", subresource="status")
    except NotFound:
        return


async def remove(context: Context, pod: Pod, grace: int | None = None) -> None:
    """Delete this very Pod; `grace` 0 without waiting for a kubelet."""
    meta = pod.metadata
    try:
        await context.client.delete(PODS, meta.name, meta.namespace, uid=meta.uid, grace=grace)
    except (NotFound, Conflict):  # gone, or another one of the same name
        return
