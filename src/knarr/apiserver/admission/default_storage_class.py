"""DefaultStorageClass: a claim that names no storage class gets the default one, if there is one.

https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass
"""

from __future__ import annotations

from knarr.api.classes import default_class
from knarr.apiserver.admission.plugin import Attributes, Plugin

_MARKS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def mutate(attributes: Attributes) -> None:
    claim = attributes.object or {}
    if claim["spec"].get("storageClassName") is not None:
        return
    if _CLASS_ANNOTATION in (claim["metadata"].get("annotations") or {}):
        return
    if name := default_class(attributes.lister.list("storage.k8s.io", "storageclasses"), *_MARKS):
        claim["spec"]["storageClassName"] = name


PLUGIN = Plugin(
    "DefaultStorageClass", mutate=mutate, operations=frozenset({"CREATE"}), resources=("persistentvolumeclaims",)
)
