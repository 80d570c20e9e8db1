"""PersistentVolumeClaimResize: a claim grows only where it is bound and its storage class allows it.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
"""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.apiserver.admission.plugin import Attributes, Plugin
from knarr.machinery.amounts import ZERO, amounts_of
from knarr.machinery.quantity import Quantity

_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def validate(attributes: Attributes) -> None:
    new, old = attributes.object or {}, attributes.old or {}
    if _size(old) >= _size(new):
        return
    if dig(old, "status.phase") != "Bound":
        raise attributes.forbidden("only bound persistent volume claims can be expanded")
    if not _may_grow(attributes, new) or _class(new) != _class(old):
        why = "the storageclass that provisions the pvc must support resize"
        raise attributes.forbidden(f"only dynamically provisioned pvc can be resized and {why}")


def _size(claim: JSON) -> Quantity:
    return amounts_of(dig(claim, "spec.resources.requests")).get("storage", ZERO)


def _class(claim: JSON) -> str:
    annotations = claim["metadata"].get("annotations") or {}
    return str(annotations.get(_CLASS_ANNOTATION) or dig(claim, "spec.storageClassName", ""))


def _may_grow(attributes: Attributes, claim: JSON) -> bool:
    name = _class(claim)
    found = attributes.lister.get("storage.k8s.io", "storageclasses", "", name) if name else None
    return bool(found and found.get("allowVolumeExpansion"))


PLUGIN = Plugin(
    "PersistentVolumeClaimResize",
    validate=validate,
    operations=frozenset({"UPDATE"}),
    resources=("persistentvolumeclaims",),
)
