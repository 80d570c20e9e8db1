"""Pods themselves, beyond their spec: the defaults that templates do not get, and what an update may change."""

from __future__ import annotations

from knarr.api.kind import JSON, Rules
from knarr.api.paths import each


def _default(pod: JSON) -> None:
    """Requests follow limits, host ports follow container ports on the host's network."""
    spec = pod.get("spec") or {}
    spec.setdefault("enableServiceLinks", True)
    for container in each(spec, "initContainers") + each(spec, "containers"):
        _default_requests(container)
        for port in each(container, "ports") if spec.get("hostNetwork") else ():
            port.setdefault("hostPort", port.get("containerPort"))


def _default_requests(holder: JSON) -> None:
    resources = holder.get("resources") or {}
    if limits := resources.get("limits"):
        resources["requests"] = {**limits, **(resources.get("requests") or {})}


RULES = (Rules("io.k8s.api.core.v1.Pod", required=("spec",), default=_default),)
