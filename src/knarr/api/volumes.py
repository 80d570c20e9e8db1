"""How volumes and claims show themselves in tables, and what of them is outdated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from knarr.api.cells import Cell
from knarr.api.kind import JSON
from knarr.api.paths import dig, each

_SHORT = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
BESIDE_SOURCES = frozenset(  # fields of a volume's spec that say nothing of what is behind it
    {
        *("accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy"),
        *("storageClassName", "volumeAttributesClassName", "volumeMode"),
    }
)
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def access_modes(path: str) -> Cell:
    """Access modes, abbreviated, in a fixed order."""
    return lambda obj, now: ",".join(short for mode, short in _SHORT.items() if mode in each(obj, path))


def storage_class(obj: JSON, now: datetime) -> str:
    """The class of a volume or claim; the annotation that preceded the field wins."""
    annotated = dig(obj, "metadata.annotations", {}).get(_CLASS_ANNOTATION)
    return str(annotated or dig(obj, "spec.storageClassName", ""))


def phase(obj: JSON, now: datetime) -> str:
    return "Terminating" if dig(obj, "metadata.deletionTimestamp") else str(dig(obj, "status.phase", ""))


_ANNOTATIONS = {
    "volume.beta.kubernetes.io/storage-class": 'deprecated since v1.8; use "storageClassName" attribute instead',
    "volume.beta.kubernetes.io/mount-options": 'deprecated since v1.31; use "mountOptions" attribute instead',
}


def annotation_warnings(new: JSON, old: JSON | None) -> Iterator[str]:
    """Annotations of volumes and claims that have become fields; said when they come."""
    before = dig(old, "metadata.annotations", {})
    for name in dig(new, "metadata.annotations", {}):
        if name in _ANNOTATIONS and name not in before:
            yield f"metadata.annotations[{name}]: {_ANNOTATIONS[name]}"
