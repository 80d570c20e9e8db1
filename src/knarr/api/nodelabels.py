"""Labels of Nodes that no kubelet may set: by them workloads are steered to nodes that can be trusted.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
"""

from __future__ import annotations

from collections.abc import Iterable

_RESERVED = ("kubernetes.io", "k8s.io")
_RESTRICTED = "node-restriction.kubernetes.io"
_KUBELETS = ("kubelet.kubernetes.io", "node.kubernetes.io")  # whose labels a kubelet may set
_LABELS = frozenset(
    (
        "kubernetes.io/hostname",
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.kubernetes.io/zone",
        "failure-domain.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
    )
)


def restricted(labels: Iterable[str]) -> list[str]:
    """Labels that are the administrators' and the control plane's."""
    return sorted(label for label in labels if label not in _LABELS and _is_reserved(label.rpartition("/")[0]))


def _is_reserved(prefix: str) -> bool:
    if _below(prefix, _RESTRICTED):
        return True
    return any(_below(prefix, domain) for domain in _RESERVED) and not any(_below(prefix, own) for own in _KUBELETS)


def _below(prefix: str, domain: str) -> bool:
    return prefix == domain or prefix.endswith(f".{domain}")
