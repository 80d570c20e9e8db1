"""PersistentVolumeClaims: their number and storage, in all and of each storage class."""

from __future__ import annotations

from datetime import datetime

from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.api.quota.evaluator import COUNT, ONE, Evaluator
from knarr.api.quota.scopes import selects
from knarr.machinery.amounts import Amounts, amounts_of

_CLAIMS, _STORAGE = "persistentvolumeclaims", "requests.storage"
_OF_CLASS = ".storageclass.storage.k8s.io/"
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_ATTRIBUTES_CLASSES = (
    "spec.volumeAttributesClassName",
    "status.currentVolumeAttributesClassName",
    "status.modifyVolumeStatus.targetVolumeAttributesClassName",
)


def _tracks(name: str) -> bool:
    return name in (_CLAIMS, f"{COUNT}{_CLAIMS}", _STORAGE) or name.endswith(
        (f"{_OF_CLASS}{_CLAIMS}", f"{_OF_CLASS}{_STORAGE}")
    )


def _usage(claim: JSON, now: datetime | None) -> Amounts:
    used = {_CLAIMS: ONE, **_storage(claim)}
    name = (claim["metadata"].get("annotations") or {}).get(_CLASS_ANNOTATION) or claim["spec"].get("storageClassName")
    of_class = {f"{name}{_OF_CLASS}{key}": amount for key, amount in used.items()} if name else {}
    return {f"{COUNT}{_CLAIMS}": ONE, **used, **of_class}


def _storage(claim: JSON) -> Amounts:
    """What is asked for, or what an expansion that failed has taken already."""
    sizes = [dig(claim, "spec.resources.requests"), dig(claim, "status.allocatedResources")]
    found = [size["storage"] for size in map(amounts_of, sizes) if "storage" in size]
    return {_STORAGE: max(found)} if found else {}


def _in_scope(requirement: JSON, claim: JSON) -> bool:
    if requirement.get("scopeName") != "VolumeAttributesClass":
        return False
    return selects(requirement, {name for path in _ATTRIBUTES_CLASSES if (name := dig(claim, path))})


EVALUATOR = Evaluator(_CLAIMS, _usage, _tracks, charged=frozenset({("CREATE", ""), ("UPDATE", "")}), in_scope=_in_scope)
