"""PersistentVolumeClaims: what they are filled with, and what of one may still change.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.differences import difference
from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, forbidden, invalid
from knarr.machinery.quantity import parse

_SOURCES = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))
_FIXED = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
_REQUESTS = "spec.resources.requests.storage"


def prepare_create(claim: JSON) -> None:
    claim["status"] = {"phase": "Pending"}
    _settle_sources(claim.get("spec") or {})


def prepare_update(new: JSON, old: JSON) -> None:
    if dig(old, "spec.dataSource") is None or dig(new, "spec.dataSource") != dig(old, "spec.dataSource"):
        _settle_sources(new.get("spec") or {})


def _settle_sources(spec: JSON) -> None:
    """`dataSource` knows claims and snapshots alone, its successor everything; where one says it, so does the other
    (KEP-1495).
    """
    old, new = spec.get("dataSource"), spec.get("dataSourceRef")
    if old is not None and (old.get("apiGroup") or "", old.get("kind")) not in _SOURCES:
        old = None
        del spec["dataSource"]
    if new is not None and new.get("namespace"):
        return
    if old is not None and new is None:
        spec["dataSourceRef"] = dict(old)
    elif old is None and new is not None:
        spec["dataSource"] = {key: value for key, value in new.items() if key != "namespace"}


def validate_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    """A claim is bound once, and then may only grow, or shrink back to what it has."""
    wanted = _with_permitted_changes_undone(new, old)
    if wanted != old["spec"]:
        yield forbidden("spec", f"{_FIXED}\n{difference(old['spec'], wanted, 'spec')}")
    wanted_size, size = (parse(dig(tree, _REQUESTS, "0")) for tree in (new, old))
    if wanted_size < size and wanted_size <= parse(dig(old, "status.capacity.storage", "0")):
        yield forbidden(_REQUESTS, "field can not be less than status.capacity")
    if dig(new, "spec.volumeMode") != dig(old, "spec.volumeMode"):
        yield invalid("volumeMode", dig(new, "spec.volumeMode"), "field is immutable")
    yield from _attributes(new, old)


def _with_permitted_changes_undone(new: JSON, old: JSON) -> JSON:
    """The new spec, had only what may not change been changed."""
    before, spec = old["spec"], dict(new["spec"])
    open_fields = ["volumeAttributesClassName"]
    if not before.get("volumeName"):
        open_fields.append("volumeName")
    if before.get("storageClassName") is None:
        open_fields.append("storageClassName")
    for field in open_fields:
        spec.pop(field, None)
        spec |= {field: before[field]} if field in before else {}
    requests = dig(spec, "resources.requests")
    if dig(old, "status.phase") == "Bound" and requests is not None:
        spec["resources"] = {**spec["resources"], "requests": {**requests, "storage": dig(old, _REQUESTS)}}
    return spec


def _attributes(new: JSON, old: JSON) -> Iterable[FieldError]:
    """A class that the volume has cannot be taken back."""
    path = "spec.volumeAttributesClassName"
    after, before = dig(new, path), dig(old, path)
    if before is None or after or not dig(old, "status.currentVolumeAttributesClassName"):
        return
    what = "nil" if after is None else "an empty string"
    yield forbidden(path, f"update from non-nil value to {what} is forbidden")
