"""What this release stores but does not act on yet: said in a Warning header to whoever writes it, never left unsaid.

docs/compatibility.md lists the same; a test holds the two together. A line goes as soon as somebody acts on the thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from knarr.api.kind import JSON, Kind
from knarr.api.paths import dig, each
from knarr.machinery.remembering import Remembered

KINDS = {
    "daemonsets.apps": "no controller creates a DaemonSet's Pods yet",
    "statefulsets.apps": "no controller creates a StatefulSet's Pods yet",
    "cronjobs.batch": "no controller runs CronJobs yet",
    "horizontalpodautoscalers.autoscaling": "no controller scales by a HorizontalPodAutoscaler yet",
    "persistentvolumeclaims": "no controller binds PersistentVolumeClaims yet",
    "ingresses.networking.k8s.io": "no controller serves Ingresses yet",
    "networkpolicies.networking.k8s.io": "NetworkPolicies are not enforced yet",
    "deviceclasses.resource.k8s.io": "devices are not allocated yet",
    "resourceclaims.resource.k8s.io": "devices are not allocated yet",
    "resourceclaimtemplates.resource.k8s.io": "no controller makes ResourceClaims from templates yet",
    "resourceslices.resource.k8s.io": "devices are not allocated yet",
    "csistoragecapacities.storage.k8s.io": "the scheduler does not look at storage capacity yet",
    "volumeattributesclasses.storage.k8s.io": "volumes are not modified yet",
    "servicecidrs.networking.k8s.io": "ServiceCIDRs are not used yet: the service range is given at the start",
}
POD_FIELDS = {
    "affinity.podAffinity": "Pod affinity is not honoured by the scheduler yet",
    "affinity.podAntiAffinity": "Pod anti-affinity is not honoured by the scheduler yet",
    "topologySpreadConstraints": "topology spread constraints are not honoured by the scheduler yet",
    "resourceClaims": "resource claims are not allocated yet",
    "schedulingGroup": "Pods are not scheduled as groups yet",
    "securityContext.seLinuxOptions": "SELinux labels are not set by the kubelet yet",
    "securityContext.seLinuxChangePolicy": "SELinux labels are not set by the kubelet yet",
    "securityContext.windowsOptions": "nodes run Linux",
}
CONTAINER_FIELDS = {
    "lifecycle.stopSignal": "stop signals are not honoured by the kubelet yet: containers get their image's",
    "resources.claims": "resource claims are not allocated yet",
    "resources.limits.ephemeral-storage": "the use of ephemeral storage is not limited by the kubelet yet",
    "resources.limits.hugepages-2Mi": "the use of huge pages is not limited by the kubelet yet",
    "resources.limits.hugepages-1Gi": "the use of huge pages is not limited by the kubelet yet",
    "securityContext.seLinuxOptions": "SELinux labels are not set by the kubelet yet",
    "securityContext.windowsOptions": "nodes run Linux",
    "volumeDevices": "block devices are not given to containers yet",
}
RESTART_ACTIONS = {"RestartAllContainers": "the kubelet restarts one container at a time yet"}
RESIZE = "running containers are not resized yet"
JOB_FIELDS = {
    "podFailurePolicy": "Pod failure policies are not honoured yet",
    "successPolicy": "success policies are not honoured yet",
    "backoffLimitPerIndex": "back-off limits per index are not honoured yet",
    "ttlSecondsAfterFinished": "no controller deletes finished Jobs yet",
}
SERVICE_TYPES = {"LoadBalancer": "no controller gives load balancers an address yet"}
_Grouped = Mapping[str, list[tuple[str, str]]]


def _by_first(fields: Mapping[str, str]) -> _Grouped:
    """Fields by their first part: most of what is looked for is not there at all."""
    grouped: dict[str, list[tuple[str, str]]] = {}
    for field, text in fields.items():
        grouped.setdefault(field.partition(".")[0], []).append((field, text))
    return grouped


_IN_PODS, _IN_CONTAINERS, _IN_JOBS = map(_by_first, (POD_FIELDS, CONTAINER_FIELDS, JOB_FIELDS))
_POD_SPECS = {"pods": "spec", "podtemplates": "template.spec", "cronjobs.batch": "spec.jobTemplate.spec.template.spec"}
_SORTS = ("initContainers", "containers", "ephemeralContainers")


def warnings(kind: Kind, new: JSON, old: JSON | None) -> Iterator[str]:
    """What of a new or changed object nobody acts on; said when it becomes so, not with every later update."""
    if old is None and (text := KINDS.get(kind.qualified_resource)):
        yield text
    if old is not None and "spec" in new and new["spec"] == old.get("spec"):
        return
    if found := dict(_found(kind, new)):
        known = dict(_found(kind, old or {}))
        yield from (f"{path}: {text}" for path, text in found.items() if path not in known)
    if kind.plural == "pods" and old is not None:
        yield from _resized(new, old)


def _found(kind: Kind, tree: JSON) -> Iterator[tuple[str, str]]:
    """Everything in the object that nobody acts on: where it is, and what there is to say."""
    pod = _POD_SPECS.get(kind.qualified_resource, "spec.template.spec")
    if spec := dig(tree, pod):
        yield from _found_at(pod)(spec)
    if kind.qualified_resource == "jobs.batch":
        yield from _set(tree.get("spec") or {}, "spec", _IN_JOBS)
    if kind.plural == "services" and (text := SERVICE_TYPES.get(dig(tree, "spec.type"))):
        yield "spec.type", text


@cache
def _found_at(path: str) -> Callable[[JSON], Sequence[tuple[str, str]]]:
    return Remembered(lambda spec: tuple(_in_pod(spec, path)))


def _in_pod(spec: JSON, path: str) -> Iterator[tuple[str, str]]:
    yield from _set(spec, path, _IN_PODS)
    for sort in _SORTS:
        for index, container in enumerate(each(spec, sort)):
            yield from _in_container(container, f"{path}.{sort}[{index}]")


def _in_container(container: JSON, path: str) -> Iterator[tuple[str, str]]:
    yield from _set(container, path, _IN_CONTAINERS)
    for index, rule in enumerate(each(container, "restartPolicyRules")):
        if text := RESTART_ACTIONS.get(rule.get("action")):
            yield f"{path}.restartPolicyRules[{index}].action", text


def _set(tree: JSON, path: str, fields: _Grouped) -> Iterator[tuple[str, str]]:
    for first, group in fields.items():
        if tree.get(first):
            yield from ((f"{path}.{field}", text) for field, text in group if dig(tree, field))


def _resized(new: JSON, old: JSON) -> Iterator[str]:
    """A Pod's containers keep their places, but not always their resources."""
    pairs = zip(each(new, "spec.containers"), each(old, "spec.containers"), strict=False)
    for index, (wanted, had) in enumerate(pairs):
        if wanted.get("resources") != had.get("resources"):
            yield f"spec.containers[{index}].resources: {RESIZE}"
