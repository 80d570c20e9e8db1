"""What no policy is asked about."""

from __future__ import annotations

from knarr.apiserver.admission.plugin import Attributes

# Nobody may lock himself out.
_POLICIES = frozenset(
    f"{kind}admissionpolic{ending}.admissionregistration.k8s.io"
    for kind in ("mutating", "validating")
    for ending in ("ies", "ybindings")
)


def is_judged(attributes: Attributes) -> bool:
    return attributes.kind.qualified_resource not in _POLICIES
