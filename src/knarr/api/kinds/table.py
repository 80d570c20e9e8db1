"""Every kind, in the order of discovery: groups as upstream prefers them, names in order within a group."""

from __future__ import annotations

from functools import cache

from knarr.api.kind import Kind
from knarr.api.kinds import (
    configmaps,
    deployments,
    endpoints,
    events,
    events_new,
    leases,
    namespaces,
    nodes,
    pods,
    replicasets,
    secrets,
    serviceaccounts,
    services,
)

KINDS: tuple[Kind, ...] = (
    configmaps.KIND,
    endpoints.KIND,
    events.KIND,
    namespaces.KIND,
    nodes.KIND,
    pods.KIND,
    secrets.KIND,
    serviceaccounts.KIND,
    services.KIND,
    deployments.KIND,
    replicasets.KIND,
    events_new.KIND,
    leases.KIND,
)


@cache
def _by_resource() -> dict[tuple[str, str], Kind]:
    return {(kind.group, kind.plural): kind for kind in KINDS}


def kind_of(group: str, plural: str) -> Kind | None:
    """The kind of a resource; `plural` is the name in URLs."""
    return _by_resource().get((group, plural))
