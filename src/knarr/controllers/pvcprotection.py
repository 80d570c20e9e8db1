"""Claims that are deleted stay until no Pod on a node uses them.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.client.objects import Object, View
from knarr.client.resources import PERSISTENT_VOLUME_CLAIMS, PODS
from knarr.controllers.finalizers import release
from knarr.controllers.objects import Pod
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

FINALIZER = "kubernetes.io/pvc-protection"


class _ClaimSource(View, frozen=True):
    claim_name: str = ""


class _Volume(View, frozen=True):
    name: str = ""
    persistent_volume_claim: _ClaimSource | None = None
    ephemeral: object = None


class _Spec(View, frozen=True):
    node_name: str = ""
    volumes: tuple[_Volume, ...] = ()


class _User(Object, frozen=True):
    """A Pod, as far as it uses claims."""

    spec: _Spec = _Spec()

    def claims(self) -> Iterable[str]:
        """Their names; that of a generic ephemeral volume is made of the Pod's."""
        for volume in self.spec.volumes:
            if volume.persistent_volume_claim:
                yield volume.persistent_volume_claim.claim_name
            elif volume.ephemeral is not None:
                yield f"{self.metadata.name}-{volume.name}"


async def reconcile(context: Context, key: str) -> None:
    """Let the claim go if it is to go and nobody needs it: as the API says, since a cache may not know of a Pod yet."""
    claim = context.cache(PERSISTENT_VOLUME_CLAIMS, Object).get(key)
    if claim is None or not _waits(claim):
        return
    pods = await context.client.list(PODS, claim.metadata.namespace, view=_User)
    if not any(pod.spec.node_name and claim.metadata.name in pod.claims() for pod in pods.items):
        await release(context, PERSISTENT_VOLUME_CLAIMS, claim.metadata, FINALIZER)


def _waits(claim: Object) -> bool:
    return claim.metadata.deletion_timestamp is not None and FINALIZER in claim.metadata.finalizers


def _waiting_beside(pod: Pod, context: Context) -> Iterable[str]:
    """The claims of a Pod's namespace that are to go: nearly always none."""
    claims = context.cache(PERSISTENT_VOLUME_CLAIMS, Object).list(pod.metadata.namespace)
    return [claim.metadata.key for claim in claims if _waits(claim)]


def pod_matters(old: Pod, new: Pod) -> bool:
    """A Pod lets go of its claims only as it goes, or is another one."""
    return old.metadata.uid != new.metadata.uid


CONTROLLER = Controller(
    name="persistentvolumeclaim-protection-controller",
    queue="pvcprotection",
    watches=(
        Watch(PERSISTENT_VOLUME_CLAIMS, Object),
        Watch(PODS, Pod, _waiting_beside, needs_context=True, matters=pod_matters),
    ),
    reconcile=reconcile,
    account="pvc-protection-controller",
    may={"persistentvolumeclaims": "get update", "pods": "list"},
)
