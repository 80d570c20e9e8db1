"""Pods themselves, beyond their spec: the defaults that templates do not get, and what an update may change."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.api.pods.demand import demand_of_containers, is_pod_level
from knarr.api.pods.mounts import validate_mounts
from knarr.machinery.fielderrors import FieldError, forbidden, required


def _default(pod: JSON) -> None:
    """Requests follow limits, host ports follow container ports on the host's network."""
    spec = pod.get("spec") or {}
    spec.setdefault("enableServiceLinks", True)
    for container in each(spec, "initContainers") + each(spec, "containers"):
        _default_requests(container)
        for port in each(container, "ports") if spec.get("hostNetwork") else ():
            if "containerPort" in port:
                port.setdefault("hostPort", port["containerPort"])
    if "resources" in spec:
        _default_whole(spec)


def _default_addresses(status: JSON) -> None:
    """An address stands in both fields, whichever of them was written."""
    addresses = each(status, "podIPs")
    first = addresses[0].get("ip") if addresses else ""
    if status.get("podIP") and first != status["podIP"]:
        status["podIPs"] = [{"ip": status["podIP"]}]
    elif first:
        status["podIP"] = first


def _default_whole(spec: JSON) -> None:
    """Where the Pod as a whole has limits, it asks for what its containers do, or else for all that it may have."""
    resources = spec.get("resources") or {}
    limits, requests = resources.get("limits") or {}, dict(resources.get("requests") or {})
    if not limits:
        return
    for name, amount in demand_of_containers(spec, "requests").items():
        if name in _OVERCOMMITTED:
            requests.setdefault(name, str(amount))
    if requests := {**{name: limits[name] for name in limits if is_pod_level(name)}, **requests}:
        resources["requests"] = requests


def _default_requests(holder: JSON) -> None:
    resources = holder.get("resources") or {}
    if limits := resources.get("limits"):
        resources["requests"] = {**limits, **(resources.get("requests") or {})}


def _validate(pod: JSON, path: str) -> Iterable[FieldError]:
    yield from validate_mounts(pod.get("spec") or {}, "spec")


def _validate_template(template: JSON, path: str) -> Iterable[FieldError]:
    if not template.get("template"):
        yield required("template.spec.containers")
    yield from validate_mounts(dig(template, "template.spec", {}), "template.spec")


_OVERCOMMITTED = ("cpu", "memory")


def _template(template: JSON, path: str) -> Iterable[FieldError]:
    """Something is to run, and there is nothing yet to debug."""
    if not template.get("spec"):
        yield required(f"{path}.spec.containers")
    if dig(template, "spec.ephemeralContainers"):
        yield forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")


RULES = (
    Rules("io.k8s.api.core.v1.PodTemplateSpec", validate=_template),
    Rules("io.k8s.api.core.v1.Pod", default=_default, validate=_validate, repeated=("spec",)),
    Rules("io.k8s.api.core.v1.PodStatus", default=_default_addresses),
    Rules("io.k8s.api.core.v1.PodTemplate", validate=_validate_template),
)
