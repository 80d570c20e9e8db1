"""Pods themselves, beyond their spec: the defaults that templates do not get, and what an update may change."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.api.pods.mounts import validate_mounts
from knarr.machinery.fielderrors import FieldError


def _default(pod: JSON) -> None:
    """Requests follow limits, host ports follow container ports on the host's network."""
    spec = pod.get("spec") or {}
    spec.setdefault("enableServiceLinks", True)
    for container in each(spec, "initContainers") + each(spec, "containers"):
        _default_requests(container)
        for port in each(container, "ports") if spec.get("hostNetwork") else ():
            if "containerPort" in port:
                port.setdefault("hostPort", port["containerPort"])


def _default_requests(holder: JSON) -> None:
    resources = holder.get("resources") or {}
    if limits := resources.get("limits"):
        resources["requests"] = {**limits, **(resources.get("requests") or {})}


def _validate(pod: JSON, path: str) -> Iterable[FieldError]:
    yield from validate_mounts(pod.get("spec") or {}, "spec")


def _validate_template(template: JSON, path: str) -> Iterable[FieldError]:
    yield from validate_mounts(dig(template, "template.spec", {}), "template.spec")


RULES = (
    Rules("io.k8s.api.core.v1.Pod", default=_default, validate=_validate),
    Rules("io.k8s.api.core.v1.PodTemplate", validate=_validate_template),
)
