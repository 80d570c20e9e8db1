"""Services: their number, load balancers and node ports."""

from __future__ import annotations

from datetime import datetime

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.api.quota.evaluator import COUNT, ONE, Evaluator
from knarr.machinery.amounts import ZERO, Amounts
from knarr.machinery.quantity import Quantity

_NAMES = ("services", f"{COUNT}services", "services.nodeports", "services.loadbalancers")


def _usage(service: JSON, now: datetime | None) -> Amounts:
    spec = service["spec"]
    balanced = spec.get("type") == "LoadBalancer"
    return {
        "services": ONE,
        f"{COUNT}services": ONE,
        "services.nodeports": Quantity(_node_ports(spec) * ONE.nano),
        "services.loadbalancers": ONE if balanced else ZERO,
    }


def _node_ports(spec: JSON) -> int:
    """All ports count, but where a load balancer does without node ports."""
    ports = each(spec, "ports")
    if spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
        return sum(bool(port.get("nodePort")) for port in ports)
    return len(ports) if spec.get("type") in ("NodePort", "LoadBalancer") else 0


EVALUATOR = Evaluator("services", _usage, _NAMES.__contains__, charged=frozenset({("CREATE", ""), ("UPDATE", "")}))
