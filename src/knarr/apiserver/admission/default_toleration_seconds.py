"""DefaultTolerationSeconds: a Pod stays five minutes on a node that is not ready or unreachable, unless it says
otherwise.
"""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.apiserver.admission.plugin import Attributes, Plugin

SECONDS = 300
TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def mutate(attributes: Attributes) -> None:
    pod = attributes.object or {}
    tolerations = pod["spec"].get("tolerations") or []
    added = [_toleration(taint) for taint in TAINTS if not any(_tolerates(t, taint) for t in tolerations)]
    if added:
        pod["spec"] = {**pod["spec"], "tolerations": tolerations + added}


def _tolerates(toleration: JSON, taint: str) -> bool:
    return toleration.get("key", "") in ("", taint) and toleration.get("effect", "") in ("", "NoExecute")


def _toleration(taint: str) -> JSON:
    return {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}


PLUGIN = Plugin("DefaultTolerationSeconds", mutate=mutate, resources=("pods",))
