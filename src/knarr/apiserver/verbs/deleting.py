"""When an object may go, decided purely: grace, finalizers, what a propagation policy adds.

https://kubernetes.io/docs/concepts/architecture/garbage-collection/ and
.../workloads/pods/pod-lifecycle/#pod-termination
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from knarr.api.kind import JSON, Kind
from knarr.machinery.times import format_time, parse_time

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_POLICY_FINALIZERS = {"Orphan": ORPHAN, "Foreground": FOREGROUND}


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How a client wants an object deleted; None and "" leave it to the server."""

    grace: int | None = None  # seconds
    policy: str = ""  # Orphan, Foreground, Background
    uid: str = ""
    resource_version: str = ""
    cascades: bool = False  # the deprecated orphanDependents=false
    unread: bool = False  # what cannot be read is meant, and nothing else


def finished(obj: JSON) -> bool:
    """Whether an object that is being deleted has nothing left to wait for."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("deletionGracePeriodSeconds"):
        return False
    return not metadata.get("finalizers") and not _holds_namespace(obj)


def _holds_namespace(obj: JSON) -> bool:
    return obj["kind"] == "Namespace" and bool((obj.get("spec") or {}).get("finalizers"))


def mark(kind: Kind, obj: JSON, options: DeleteOptions, now: datetime) -> None:
    """Change an object into what it is after a request to delete it; if it is then `finished`, it goes."""
    metadata = obj["metadata"]
    _set_policy_finalizer(metadata, options.policy or _default_policy(kind, metadata))
    grace = _grace(obj, options.grace) if kind.graceful else 0
    if not metadata.get("deletionTimestamp"):
        _schedule(metadata, now, grace)
        if kind.plural != "namespaces":
            metadata["deletionGracePeriodSeconds"] = grace
        if kind.prepare_delete:
            kind.prepare_delete(obj, format_time(now))
    elif kind.graceful and options.grace is not None:
        _hasten(metadata, grace)
    if obj["kind"] == "Namespace":
        obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}


def _schedule(metadata: JSON, now: datetime, grace: int) -> None:
    metadata["deletionTimestamp"] = format_time(now + timedelta(seconds=grace))
    if metadata.get("generation"):
        metadata["generation"] += 1


def _hasten(metadata: JSON, grace: int) -> None:
    """A second request may shorten the grace, never lengthen it."""
    before = metadata.get("deletionGracePeriodSeconds") or 0
    if grace < before:
        moved = parse_time(metadata["deletionTimestamp"]) + timedelta(seconds=grace - before)
        metadata["deletionTimestamp"] = format_time(moved)
        metadata["deletionGracePeriodSeconds"] = grace


def _grace(pod: JSON, wanted: int | None) -> int:
    """A Pod that no node runs, or that has ended, needs no grace; the least positive wish is a second."""
    spec, phase = pod["spec"], (pod.get("status") or {}).get("phase")
    grace: Any = spec.get("terminationGracePeriodSeconds", 0) if wanted is None else wanted
    if not spec.get("nodeName") or phase in ("Failed", "Succeeded"):
        return 0
    return 1 if grace < 0 else int(grace)


def _default_policy(kind: Kind, metadata: JSON) -> str:
    """What the object carries counts more than what its kind is used to."""
    carried = set(metadata.get("finalizers") or ()) & {ORPHAN, FOREGROUND}
    return "Orphan" if kind.orphans and not carried else ""


def _set_policy_finalizer(metadata: JSON, policy: str) -> None:
    """A policy that is named replaces the one that the object carries."""
    if not policy:
        return
    kept = [name for name in metadata.get("finalizers") or () if name not in (ORPHAN, FOREGROUND)]
    kept += [_POLICY_FINALIZERS[policy]] if policy in _POLICY_FINALIZERS else []
    metadata["finalizers"] = kept
    if not kept:
        del metadata["finalizers"]
