"""Which groups and versions come first: upstream's numbers, and its order of versions' names."""

from __future__ import annotations

import re

_CUSTOM_GROUP, _CUSTOM_VERSION = 1000, 100
_STABLE, _BETA, _ALPHA = 15, 9, 1
_FIRST = 20_000  # of the group that registers the others
_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?", re.ASCII)
_STAGES = {None: 0, "beta": 1, "alpha": 2}

# Groups' priorities, and of versions those that are not what their stage says (upstream's table).
_GROUPS = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
    "internal.apiserver.k8s.io": 16000,
    "resource.k8s.io": 15900,
    "storagemigration.k8s.io": 15800,
}
_VERSIONS = {("", "v1"): 1, ("autoscaling", "v2"): 30, ("flowcontrol.apiserver.k8s.io", "v1"): 21}


def group_priority(group: str, *, custom: bool) -> int:
    """The groupPriorityMinimum of a group that is served here; `custom`: by CustomResourceDefinitions."""
    return _CUSTOM_GROUP if custom else _GROUPS.get(group, _FIRST)


def version_priority(group: str, version: str, *, custom: bool) -> int:
    """The versionPriority of a version that is served here."""
    if custom:
        return _CUSTOM_VERSION
    staged = _BETA if "beta" in version else _ALPHA if "alpha" in version else _STABLE
    return _VERSIONS.get((group, version), staged)


def version_rank(name: str) -> tuple[int, int, int, str]:
    """To sort by: stable before beta before alpha, newer first; names of another form last.

    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority
    """
    found = _VERSION.fullmatch(name)
    if not found:
        return len(_STAGES), 0, 0, name
    return _STAGES[found[2]], -int(found[1]), -int(found[3] or 0), name
