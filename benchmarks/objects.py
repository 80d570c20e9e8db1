"""The objects that the benchmarks of the API work with."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]


def config_map(name: str, n: float = 0) -> JSON:
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "data": {"n": str(n), "text": "x" * 1000},
    }


def pod(name: str, group: str) -> JSON:
    """6.6 KB as served, managed fields included, as a Pod of a Deployment with probes, mounts and environment is."""
    probe = {"httpGet": {"path": "/healthz", "port": 80}, "initialDelaySeconds": 3, "periodSeconds": 3}
    environment = [{"name": f"VARIABLE_{n}", "value": "x" * 40} for n in range(4)]
    container = {
        "name": "main",
        "image": "registry.example.com/team/image:1.2.3",
        "env": environment,
        "ports": [{"containerPort": 80, "name": "http"}],
        "resources": {"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"}},
        "livenessProbe": probe,
        "readinessProbe": probe,
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": {"app": "web", "group": group}, "annotations": {"note": "y" * 500}},
        "spec": {
            "containers": [container, {**container, "name": "side"}],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    }


def deployment(name: str, image: str) -> JSON:
    """As an applied configuration names it."""
    container = {key: value for key, value in pod("", "")["spec"]["containers"][0].items() if key != "env"}
    labels = {"app": name}
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [{**container, "image": image}],
                    "volumes": [{"name": "data", "emptyDir": {}}],
                },
            },
        },
    }
