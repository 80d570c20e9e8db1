"""From `kubectl apply` to `kubectl apply --server-side`: what the annotation of the one says to the other.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#migration-between-client-side-and-server-side-apply
"""

from __future__ import annotations

import msgspec
import orjson

from knarr.api.kind import JSON
from knarr.machinery.apply.applying import Conflict, ConflictsError
from knarr.machinery.apply.elements import ElementError
from knarr.machinery.apply.sets import EMPTY, FieldSet, difference
from knarr.machinery.apply.shapes import Shape
from knarr.machinery.apply.views import compare

KUBECTL = "kubectl"  # the manager that kubectl applies as, unless it is given another
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_LIMIT = 256 * 1024  # bytes of all annotations


def renew(metadata: JSON, config: JSON) -> None:
    """Keep the annotation, where there is one, at what has been applied: `kubectl apply` may come back."""
    annotations = metadata.get("annotations") or {}
    if not annotations.get(ANNOTATION):
        return
    text = msgspec.json.encode(_without_annotation(config)).decode() + "\n"
    annotations = {**annotations, ANNOTATION: text}
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _LIMIT:
        del annotations[ANNOTATION]
    metadata["annotations"] = annotations


def remaining(error: ConflictsError, manager: str, live: JSON, shape: Shape) -> ConflictsError | None:
    """The conflicts without those about fields that kubectl has applied itself, the other way; None if that is all."""
    allowed = _allowed(live, shape) if manager == KUBECTL else None
    if allowed is None:
        return error
    rest = [Conflict(c.who, c.version, difference(c.fields, allowed)) for c in error.conflicts]
    left = [conflict for conflict in rest if conflict.fields]
    return ConflictsError(left) if left else None


def _allowed(live: JSON, shape: Shape) -> FieldSet | None:
    """What was applied and still is as it was applied; None where nothing is known."""
    text = (live["metadata"].get("annotations") or {}).get(ANNOTATION)
    try:
        applied = orjson.loads(text or "")
        if applied["apiVersion"] != live["apiVersion"]:
            return None
        found = compare(shape, applied, live)
        return difference(difference(shape.owned(applied) or EMPTY, found.taken), found.removed)
    except (orjson.JSONDecodeError, ElementError, AttributeError, KeyError, TypeError):
        return None


def _without_annotation(config: JSON) -> JSON:
    metadata = config.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if ANNOTATION not in annotations:
        return config
    kept = {key: value for key, value in annotations.items() if key != ANNOTATION}
    return {**config, "metadata": {**metadata, "annotations": kept}}
