"""Statuses that controllers write: numbers that are no less than nothing, and no more than there are.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import named
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, forbidden, invalid
from knarr.machinery.names import dns1123_subdomain, ip

_APPS, _CORE = "io.k8s.api.apps.v1", "io.k8s.api.core.v1"


def _counts(definition: str, parts: tuple[str, ...], others: tuple[str, ...] = ()) -> Rules:
    """Parts of `replicas`, and numbers beside them."""

    def validate(status: JSON, path: str) -> Iterable[FieldError]:
        total, ready = status.get("replicas", 0), status.get("readyReplicas", 0)
        for part in parts:
            if part in status and status[part] > total:
                yield invalid(f"{path}.{part}", status[part], "cannot be greater than status.replicas")
        if "availableReplicas" in status and status["availableReplicas"] > ready:
            where = f"{path}.availableReplicas"
            yield invalid(where, status["availableReplicas"], "cannot be greater than readyReplicas")

    return Rules(definition, bounds=dict.fromkeys((*parts, *others), (0, None)), validate=validate)


def _balancer(status: JSON, path: str) -> Iterable[FieldError]:
    """An address or a name, and which ports of it work."""
    for index, ingress in enumerate(each(status, "ingress")):
        where = f"{path}.ingress[{index}]"
        if address := ingress.get("ip"):
            yield from named(f"{where}.ip", address, ip)
        if host := ingress.get("hostname"):
            yield from named(f"{where}.hostname", host, dns1123_subdomain)
            if not ip(host):
                yield invalid(f"{where}.hostname", host, "must be a DNS name, not an IP address")
        if ingress.get("ipMode") and not address:
            yield forbidden(f"{where}.ipMode", "may not be specified when `ip` is not set")


_REPLICAS = ("readyReplicas", "availableReplicas")
_FULL = ("fullyLabeledReplicas", *_REPLICAS)
_BESIDES = ("replicas", "observedGeneration")

RULES = (
    _counts(f"{_CORE}.ReplicationControllerStatus", _FULL, _BESIDES),
    _counts(f"{_APPS}.ReplicaSetStatus", _FULL, _BESIDES),
    _counts(
        f"{_APPS}.DeploymentStatus",
        ("updatedReplicas", *_REPLICAS),
        (*_BESIDES, "unavailableReplicas", "collisionCount"),
    ),
    _counts(
        f"{_APPS}.StatefulSetStatus",
        ("currentReplicas", "updatedReplicas", *_REPLICAS),
        (*_BESIDES, "collisionCount"),
    ),
    Rules(
        f"{_APPS}.DaemonSetStatus",
        bounds=dict.fromkeys(
            (
                *("collisionCount", "currentNumberScheduled", "desiredNumberScheduled", "numberAvailable"),
                *("numberMisscheduled", "numberReady", "numberUnavailable", "observedGeneration"),
                "updatedNumberScheduled",
            ),
            (0, None),
        ),
    ),
    Rules("io.k8s.api.batch.v1.JobStatus", bounds=dict.fromkeys(("active", "failed", "ready", "succeeded"), (0, None))),
    Rules(
        "io.k8s.api.policy.v1.PodDisruptionBudgetStatus",
        bounds=dict.fromkeys(("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"), (0, None)),
    ),
    Rules(
        "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus",
        bounds=dict.fromkeys(("currentReplicas", "desiredReplicas"), (0, None)),
    ),
    Rules(f"{_CORE}.LoadBalancerIngress", enums={"ipMode": ("Proxy", "VIP")}),
    Rules(f"{_CORE}.LoadBalancerStatus", validate=_balancer),
    Rules("io.k8s.api.networking.v1.IngressLoadBalancerStatus", validate=_balancer),
    Rules(f"{_CORE}.PodStatus", names={"nominatedNodeName": dns1123_subdomain}),
)
