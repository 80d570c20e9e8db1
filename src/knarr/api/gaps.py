"""What this release stores but does not act on yet: said in a Warning header to whoever writes it, never left unsaid.

docs/compatibility.md lists the same; a test holds the two together. A line goes as soon as somebody acts on the thing.
"""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.kind import JSON, Kind
from knarr.api.paths import dig

KINDS = {
    "daemonsets.apps": "no controller creates a DaemonSet's Pods yet",
    "statefulsets.apps": "no controller creates a StatefulSet's Pods yet",
    "cronjobs.batch": "no controller runs CronJobs yet",
    "horizontalpodautoscalers.autoscaling": "no controller scales by a HorizontalPodAutoscaler yet",
    "persistentvolumeclaims": "no controller binds PersistentVolumeClaims yet",
    "resourcequotas": "ResourceQuotas are not enforced yet",
    "limitranges": "LimitRanges are not enforced yet",
    "ingresses.networking.k8s.io": "no controller serves Ingresses yet",
    "networkpolicies.networking.k8s.io": "NetworkPolicies are not enforced yet",
    "roles.rbac.authorization.k8s.io": "Roles are not enforced yet: access is by named identities",
    "rolebindings.rbac.authorization.k8s.io": "RoleBindings are not enforced yet: access is by named identities",
    "clusterroles.rbac.authorization.k8s.io": "ClusterRoles are not enforced yet: access is by named identities",
    "clusterrolebindings.rbac.authorization.k8s.io": (
        "ClusterRoleBindings are not enforced yet: access is by named identities"
    ),
    "servicecidrs.networking.k8s.io": "ServiceCIDRs are not used yet: the service range is given at the start",
}
POD_FIELDS = {
    "affinity.podAffinity": "Pod affinity is not honoured by the scheduler yet",
    "affinity.podAntiAffinity": "Pod anti-affinity is not honoured by the scheduler yet",
    "topologySpreadConstraints": "topology spread constraints are not honoured by the scheduler yet",
    "resourceClaims": "resource claims are not allocated yet",
    "runtimeClassName": "runtime classes are not honoured by the kubelet yet",
    "schedulingGroup": "Pods are not scheduled as groups yet",
}
JOB_FIELDS = {
    "podFailurePolicy": "Pod failure policies are not honoured yet",
    "successPolicy": "success policies are not honoured yet",
    "backoffLimitPerIndex": "back-off limits per index are not honoured yet",
    "ttlSecondsAfterFinished": "no controller deletes finished Jobs yet",
}
SERVICE_TYPES = {"LoadBalancer": "no controller gives load balancers an address yet"}
_POD_SPECS = {"pods": "spec", "cronjobs.batch": "spec.jobTemplate.spec.template.spec"}


def warnings(kind: Kind, new: JSON, old: JSON | None) -> Iterator[str]:
    """What of a new or changed object nobody acts on; said when it becomes so, not with every later update."""
    if old is None and (text := KINDS.get(kind.qualified_resource)):
        yield text
    for path, text in _paths(kind):
        if dig(new, path) and (old is None or not dig(old, path)):
            yield f"{path}: {text}"
    if kind.plural == "services" and (kind_of_service := dig(new, "spec.type")) != dig(old or {}, "spec.type"):
        yield from (f"spec.type: {text}" for text in [SERVICE_TYPES.get(kind_of_service, "")] if text)


def _paths(kind: Kind) -> Iterator[tuple[str, str]]:
    pod = _POD_SPECS.get(kind.qualified_resource, "spec.template.spec")
    yield from ((f"{pod}.{path}", text) for path, text in POD_FIELDS.items())
    if kind.qualified_resource == "jobs.batch":
        yield from ((f"spec.{path}", text) for path, text in JOB_FIELDS.items())
