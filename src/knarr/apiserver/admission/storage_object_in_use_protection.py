"""StorageObjectInUseProtection: volumes, claims and classes of attributes stay until nobody uses them.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from __future__ import annotations

from knarr.apiserver.admission.plugin import Attributes, Plugin

_FINALIZERS = {
    "persistentvolumes": "kubernetes.io/pv-protection",
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "volumeattributesclasses.storage.k8s.io": "kubernetes.io/vac-protection",
}


def mutate(attributes: Attributes) -> None:
    metadata, finalizer = (attributes.object or {})["metadata"], _FINALIZERS[attributes.kind.qualified_resource]
    if finalizer not in (metadata.get("finalizers") or ()):
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), finalizer]


PLUGIN = Plugin(
    "StorageObjectInUseProtection", mutate=mutate, operations=frozenset({"CREATE"}), resources=tuple(_FINALIZERS)
)
