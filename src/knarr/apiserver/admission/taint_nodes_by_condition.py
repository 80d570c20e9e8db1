"""TaintNodesByCondition: a new node takes no Pods until its conditions are known.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#taintnodesbycondition
"""

from __future__ import annotations

from knarr.api.paths import each
from knarr.apiserver.admission.plugin import Attributes, Plugin

TAINT = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


def mutate(attributes: Attributes) -> None:
    spec = (attributes.object or {}).setdefault("spec", {})
    taints = each(spec, "taints")
    if not any(taint.get("key") == TAINT["key"] and taint.get("effect") == TAINT["effect"] for taint in taints):
        spec["taints"] = [*taints, dict(TAINT)]


PLUGIN = Plugin("TaintNodesByCondition", mutate=mutate, operations=frozenset({"CREATE"}), resources=("nodes",))
