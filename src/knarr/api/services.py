"""What a Service's spec means, for its rules and its kind."""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.api.paths import each

NODE_PORT_TYPES = ("LoadBalancer", "NodePort")


def is_headless(spec: JSON) -> bool:
    return "None" in [spec.get("clusterIP"), *each(spec, "clusterIPs")]


def is_external(spec: JSON) -> bool:
    """Whether something outside the cluster can reach it."""
    kind = spec.get("type")
    return kind in NODE_PORT_TYPES or (kind == "ClusterIP" and bool(spec.get("externalIPs")))
