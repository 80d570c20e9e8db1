"""How volumes and claims show themselves in tables."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import Cell
from knarr.api.kind import JSON
from knarr.api.paths import dig, each

_SHORT = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
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
