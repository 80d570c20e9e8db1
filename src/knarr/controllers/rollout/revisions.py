"""Revisions: each rollout's number, kept in annotations of its ReplicaSet, and how many old ones are kept.

`kubectl rollout undo` puts an old template back; its ReplicaSet is found again and gets the next number.
"""

from __future__ import annotations

from collections.abc import Sequence

from knarr.controllers.objects import ReplicaSet
from knarr.controllers.rollout.views import Deployment, Rollout

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MAX_REPLICAS,
    "deprecated.deployment.rollback.to",
)
_UNLIMITED = 2**31 - 1


def number(replica_set: ReplicaSet, annotation: str) -> int | None:
    """An annotation's number, None where it is not there or none."""
    try:
        return int(replica_set.metadata.annotations[annotation])
    except (KeyError, ValueError):
        return None


def next_revision(old: Sequence[ReplicaSet]) -> int:
    return max((number(s, REVISION) or 0 for s in old), default=0) + 1


def revision_annotations(rollout: Rollout) -> dict[str, str]:
    """What the new ReplicaSet's annotations should be: the Deployment's, and the revision, which only grows."""
    known = dict(rollout.new.metadata.annotations) if rollout.new else {}
    copied = {k: v for k, v in rollout.deployment.metadata.annotations.items() if k not in _NOT_COPIED}
    revision = next_revision(rollout.old)
    before = known.get(REVISION, "")
    annotations = {**known, **copied}
    if int(before or 0) >= revision:
        return annotations
    if before:
        annotations[REVISION_HISTORY] = ",".join(filter(None, (known.get(REVISION_HISTORY, ""), before)))
    return {**annotations, REVISION: str(revision)}


def beyond_history(deployment: Deployment, old: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """The ReplicaSets that revisionHistoryLimit has no place for, lowest revision first, and that are empty and
    idle.
    """
    limit = deployment.spec.revision_history_limit
    if limit is None or limit == _UNLIMITED:
        return []
    alive = [s for s in old if s.metadata.deletion_timestamp is None]
    alive.sort(key=lambda s: number(s, REVISION) or 0)
    return [s for s in alive[: max(0, len(alive) - limit)] if _idle(s)]


def _idle(old: ReplicaSet) -> bool:
    return (
        not old.spec.replicas and not old.status.replicas and old.metadata.generation <= old.status.observed_generation
    )
