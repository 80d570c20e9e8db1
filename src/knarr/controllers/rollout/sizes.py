"""How many replicas each ReplicaSet of a Deployment gets next.

    rolling     the new one grows while all together are at most maxSurge over the wanted number;
                the old ones shrink while the available ones are at most maxUnavailable under it
    scaling     during a rollout every active ReplicaSet grows or shrinks in proportion to its size

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from knarr.controllers.objects import ReplicaSet
from knarr.controllers.rollout.revisions import DESIRED, MAX_REPLICAS, number
from knarr.controllers.rollout.views import Deployment, RollingUpdate, Rollout

Sizes = dict[str, int]  # by the ReplicaSet's uid


def fenceposts(deployment: Deployment) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) as numbers of Pods; a rollout that could not move at all may lack one Pod."""
    if deployment.recreates:
        return 0, 0
    limits = deployment.spec.strategy.rolling_update or RollingUpdate()
    surge = math.ceil(_resolved(limits.max_surge, deployment.spec.replicas))
    unavailable = math.floor(_resolved(limits.max_unavailable, deployment.spec.replicas))
    return (surge, unavailable) if surge or unavailable else (0, 1)


def max_unavailable(deployment: Deployment) -> int:
    """How many Pods may be missing: no more than there should be."""
    return min(fenceposts(deployment)[1], deployment.spec.replicas)


def most(deployment: Deployment) -> int:
    """How many Pods there may be at once."""
    return deployment.spec.replicas + fenceposts(deployment)[0]


def new_size(rollout: Rollout) -> int:
    """The new ReplicaSet's next size: up as far as the surge allows, or down to what is wanted."""
    wanted = rollout.wanted
    current = rollout.new.spec.replicas if rollout.new else 0
    if rollout.deployment.recreates or current >= wanted:
        return wanted
    room = most(rollout.deployment) - _total(rollout.all)
    return current + max(0, min(room, wanted - current))


def old_sizes(rollout: Rollout) -> Sizes:
    """The old ReplicaSets' next sizes: first what is not available goes, then as much as availability allows."""
    sizes = {s.metadata.uid: s.spec.replicas for s in rollout.old}
    least = rollout.wanted - max_unavailable(rollout.deployment)
    new_unavailable = rollout.new.spec.replicas - rollout.new.status.available_replicas if rollout.new else 0
    spare = _total(rollout.all) - least - new_unavailable
    if spare <= 0:
        return sizes
    for old in rollout.old:
        spare -= _take(sizes, old, min(spare, old.spec.replicas - old.status.available_replicas))
    spare = rollout.available - least
    for old in rollout.old:
        spare -= _take(sizes, old, spare)
    return sizes


def scaled_sizes(rollout: Rollout) -> Sizes:
    """Sizes after the wanted number changed, or while the rollout is paused."""
    if (only := _active_or_latest(rollout)) is not None:
        return {only.metadata.uid: rollout.wanted}
    if _saturated(rollout):
        return {s.metadata.uid: 0 for s in rollout.old if s.spec.replicas}
    return {} if rollout.deployment.recreates else _proportional(rollout)


def is_scaling(rollout: Rollout) -> bool:
    """Whether the wanted number is another than when the ReplicaSets were last scaled."""
    return any(number(s, DESIRED) not in (None, rollout.wanted) for s in rollout.active)


def _resolved(limit: int | str, replicas: int) -> float:
    return replicas * int(limit.removesuffix("%")) / 100 if isinstance(limit, str) else limit


def _total(sets: Sequence[ReplicaSet]) -> int:
    return sum(s.spec.replicas for s in sets)


def _take(sizes: Sizes, old: ReplicaSet, count: int) -> int:
    """Take up to `count` from the size; how many it was."""
    taken = max(0, min(count, sizes[old.metadata.uid]))
    sizes[old.metadata.uid] -= taken
    return taken


def _active_or_latest(rollout: Rollout) -> ReplicaSet | None:
    """The one ReplicaSet that scaling concerns: the only active one or, with none active, the newest."""
    active = rollout.active
    if len(active) > 1:
        return None
    return active[0] if active else rollout.new or (rollout.old[-1] if rollout.old else None)


def _saturated(rollout: Rollout) -> bool:
    new = rollout.new
    return (
        new is not None
        and new.spec.replicas == rollout.wanted == new.status.available_replicas
        and number(new, DESIRED) == rollout.wanted
    )


def _proportional(rollout: Rollout) -> Sizes:
    """Every active ReplicaSet gets its share of what is to be added or taken; what rounding leaves is the first
    one's.
    """
    total = _total(rollout.active)
    allowed = most(rollout.deployment) if rollout.wanted else 0
    to_add = allowed - total
    by_age = rollout.active if to_add < 0 else rollout.active[::-1]  # among equals the newest grows, the oldest shrinks
    ordered = sorted(by_age, key=lambda s: s.spec.replicas, reverse=True)
    sizes, added = {}, 0
    for each in ordered:
        share = _share(rollout, each, to_add - added) if to_add else 0
        sizes[each.metadata.uid] = each.spec.replicas + share
        added += share
    if to_add:
        first = ordered[0].metadata.uid
        sizes[first] = max(0, sizes[first] + to_add - added)
    return sizes


def _share(rollout: Rollout, each: ReplicaSet, left: int) -> int:
    """The ReplicaSet's size times what all may have now over what all might have had before, less its size."""
    if not each.spec.replicas or not left:
        return 0
    if not rollout.wanted:
        return max(-each.spec.replicas, left)
    before = number(each, MAX_REPLICAS) or rollout.deployment.status.replicas or rollout.wanted
    share = math.floor(each.spec.replicas * most(rollout.deployment) / before + 0.5) - each.spec.replicas
    return min(share, left) if left > 0 else max(share, left)
