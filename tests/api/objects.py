"""Tiny objects to send."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
NAMESPACES = "/api/v1/namespaces"


def config_map(name: str = "cm", labels: dict[str, str] | None = None, **data: str) -> JSON:
    return {"metadata": {"name": name, **({"labels": labels} if labels else {})}, "data": data}


def pod(name: str = "p", labels: dict[str, str] | None = None, **spec: Any) -> JSON:
    metadata = {"name": name, **({"labels": labels} if labels else {})}
    return {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": "nginx"}], **spec}}


def event(name: str = "e", about: str = "p", **metadata: Any) -> JSON:
    """Of events.k8s.io/v1, about a Pod."""
    return {
        "metadata": {"name": name, **metadata},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "example.com/c",
        "reportingInstance": "i",
        "action": "Start",
        "reason": "Started",
        "note": "it did",
        "type": "Normal",
        "regarding": {"kind": "Pod", "namespace": "default", "name": about},
    }


def deployment(name: str = "d", **spec: Any) -> JSON:
    template = {"metadata": {"labels": {"app": name}}, "spec": pod()["spec"]}
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec},
    }


def service(name: str = "s", port: JSON | None = None, **spec: Any) -> JSON:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80, **(port or {})}], **spec}}
