"""Compute resources of containers, of Pods, and of what runs them."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.amounts import check_amounts
from knarr.api.kind import JSON, Rules
from knarr.machinery.fielderrors import FieldError


def _fixed(overhead: JSON, path: str) -> Iterable[FieldError]:
    """What a runtime takes for each Pod (KEP-688)."""
    return check_amounts({"limits": overhead.get("podFixed")}, path)


RULES = (
    Rules("io.k8s.api.core.v1.ResourceRequirements", validate=check_amounts),
    Rules("io.k8s.api.node.v1.Overhead", validate=_fixed),
)
